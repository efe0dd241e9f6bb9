"""Nodes that one layer of Keras computes together, made one node: what exporters write out in small operators.

A pattern is a function that gets the last node of what it looks for and returns the node in its place, or None. What else needs a value in between
keeps it: nodes are left out only when no output needs them any more.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgekit.onnx_graph.graph import Node, OnnxGraph


class Index:
    """What patterns ask of a graph."""

    def __init__(self, graph: OnnxGraph) -> None:
        self._makers = {name: node for node in graph.nodes for name in node.outputs if name}
        self._users, self._constants = graph.users(), graph.constants
        self._ends = {one.name for one in graph.outputs}
        self.opset = graph.opset

    def maker(self, name: str, *operators: str) -> Node | None:
        """The node that makes a value, if it is one of these operators."""
        node = self._makers.get(name)
        return node if node is not None and node.operator in operators else None

    def constant(self, name: str) -> np.ndarray | None:
        """A constant's array."""
        return self._constants.get(name)

    def number(self, name: str) -> float | None:
        """A constant that is one number."""
        found = self._constants.get(name)
        return (
            float(found.reshape(-1)[0]) if found is not None and found.size == 1 and found.dtype.kind in "fiu" else None
        )

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A constant that is a list of whole numbers."""
        found = self._constants.get(name)
        return tuple(found.reshape(-1).tolist()) if found is not None and found.dtype.kind == "i" else None

    def is_number(self, name: str, value: float) -> bool:
        """Whether a value is that one number, but for what half precision leaves of it."""
        found = self.number(name)
        return found is not None and math.isclose(found, value, rel_tol=1e-3)

    def is_single(self, name: str) -> bool:
        """Whether one node alone takes a value, and no output is it."""
        return len(self._users.get(name, ())) == 1 and name not in self._ends


Pattern = Callable[[Index, Node], Node | None]


def fused(graph: OnnxGraph) -> OnnxGraph:
    """The graph with such nodes joined."""
    for pattern in (_padding, _bias, _hard_sigmoid, _gated, _gelu, _layer_norm, _scaled_norm):
        index = Index(graph)
        graph = graph.replaced(tuple(pattern(index, node) or node for node in graph.nodes))
    return graph


def _pairs(node: Node) -> Iterator[tuple[str, str]]:
    """The operands of a node that may stand in either order."""
    if len(node.inputs) == 2:
        yield node.inputs[0], node.inputs[1]
        yield node.inputs[1], node.inputs[0]


def _instead(node: Node, operator: str, inputs: tuple[str, ...], **attributes: Any) -> Node:
    """A node that makes the same value."""
    return dataclasses.replace(node, operator=operator, inputs=inputs, attributes=attributes)


def _padding(index: Index, node: Node) -> Node | None:
    """Zeros put around what a convolution takes: its own padding, which Keras's "same" may then be equal to."""
    auto = node.text("auto_pad", "NOTSET")
    pad = index.maker(node.inputs[0], "Pad") if node.operator == "Conv" and auto in ("NOTSET", "VALID") else None
    weight = index.constant(node.inputs[1]) if pad is not None else None
    around = (
        _zeros_around(index, pad, weight.ndim) if pad is not None and weight is not None and weight.ndim > 2 else None
    )
    if pad is None or around is None:
        return None
    own = (node.integers("pads") if auto == "NOTSET" else None) or (0,) * len(around)
    if len(own) != len(around):
        return None
    pads = tuple(one + other for one, other in zip(own, around, strict=True))
    attributes = {**node.attributes, "auto_pad": "NOTSET", "pads": pads}
    return dataclasses.replace(node, inputs=(pad.inputs[0], *node.inputs[1:]), attributes=attributes)


def _zeros_around(index: Index, pad: Node, rank: int) -> tuple[int, ...] | None:
    """The zeros that a `Pad` puts before and behind the spatial axes, as a convolution's `pads`; None where it does anything else."""
    given, value, listed = (*pad.inputs[1:], "", "", "")[:3]
    sizes = pad.integers("pads") if not given else index.integers(given)
    axes = tuple(range(rank)) if not listed else index.integers(listed)
    is_zero = index.is_number(value, 0.0) if value else pad.number("value", 0.0) == 0
    if not is_zero or pad.text("mode", "constant") != "constant" or sizes is None or axes is None:
        return None
    if len(sizes) != 2 * len(axes) or min(sizes, default=0) < 0:
        return None
    around = np.zeros((2, rank), np.int64)
    around[:, [axis % rank for axis in axes]] = np.reshape(sizes, (2, -1))
    return None if around[:, :2].any() else tuple(around[:, 2:].reshape(-1).tolist())


def _bias(index: Index, node: Node) -> Node | None:
    """A constant added to a product or a convolution: its bias."""
    if node.operator != "Add":
        return None
    for made, added in _pairs(node):
        before, array = index.maker(made, "MatMul", "Conv", "ConvTranspose"), index.constant(added)
        if before is None or array is None or array.size < 2 or not index.is_single(made) or len(before.inputs) > 2:
            continue
        weight = index.constant(before.inputs[1])
        if weight is not None and _is_bias(before, weight, array):
            return dataclasses.replace(before, inputs=(*before.inputs, added), outputs=node.outputs)
    return None


def _is_bias(before: Node, weight: np.ndarray, added: np.ndarray) -> bool:
    if before.operator == "MatMul":
        return weight.ndim == 2 and added.size == weight.shape[1] == added.shape[-1] and added.ndim <= 2
    spatial = weight.ndim - 2
    channels = weight.shape[0] if before.operator == "Conv" else weight.shape[1] * before.integer("group", 1)
    return added.shape in ((channels, *(1,) * spatial), (1, channels, *(1,) * spatial))


def _shifted_clip(index: Index, name: str) -> str | None:
    """x, of min(max(x + 3, 0), 6)."""
    clip = index.maker(name, "Clip")
    if clip is None or not _has_limits(index, clip, 0.0, 6.0):
        return None
    added = index.maker(clip.inputs[0], "Add")
    found = (one for one, other in _pairs(added) if index.is_number(other, 3.0)) if added is not None else iter(())
    return next(found, None)


def _has_limits(index: Index, clip: Node, low: float, high: float) -> bool:
    if len(clip.inputs) == 1:
        return clip.number("min", math.nan) == low and clip.number("max", math.nan) == high
    return len(clip.inputs) == 3 and index.number(clip.inputs[1]) == low and index.number(clip.inputs[2]) == high


def _hard_sigmoid(index: Index, node: Node) -> Node | None:
    """min(max(x + 3, 0), 6) / 6, also where x is multiplied before the division."""
    is_sixth = node.operator == "Div" and index.is_number(node.inputs[1], 6.0)
    given = node.inputs[0] if node.inputs else ""
    if node.operator == "Mul":
        for one, other in _pairs(node):
            if index.is_number(other, 1 / 6):
                is_sixth, given = True, one
    if not is_sixth:
        return None
    inner = _shifted_clip(index, given)
    if inner is not None:
        return _instead(node, "HardSigmoid", (inner,), alpha=1 / 6, beta=0.5)
    product = index.maker(given, "Mul")
    for one, other in _pairs(product) if product is not None else ():
        if _shifted_clip(index, other) == one:
            return _instead(node, "HardSwish", (one,))
    return None


def _gated(index: Index, node: Node) -> Node | None:
    """x times a function of x: SiLU, hard swish, Mish."""
    if node.operator != "Mul":
        return None
    for given, gate in _pairs(node):
        made = index.maker(gate, "Sigmoid", "HardSigmoid", "Tanh")
        if made is None:
            continue
        if made.operator == "Sigmoid" and made.inputs[0] == given:
            return _instead(node, "Swish", (given,))
        if made.operator == "HardSigmoid" and made.inputs[0] == given and _is_sixth(made):
            return _instead(node, "HardSwish", (given,))
        inner = index.maker(made.inputs[0], "Softplus") if made.operator == "Tanh" else None
        if inner is not None and inner.inputs[0] == given:
            return _instead(node, "Mish", (given,))
    return None


def _is_sixth(node: Node) -> bool:
    return math.isclose(node.number("alpha", 0.2), 1 / 6, rel_tol=1e-3) and node.number("beta", 0.5) == 0.5


def _gelu(index: Index, node: Node) -> Node | None:
    """x / 2 * (1 + erf(x / sqrt 2)), whichever product comes first."""
    if node.operator != "Mul":
        return None
    for one, other in _pairs(node):
        if index.is_number(other, 0.5) and (product := index.maker(one, "Mul")) is not None:
            for given, gate in _pairs(product):
                if _erf_of(index, gate) == given:
                    return _instead(node, "Gelu", (given,))
        half = index.maker(one, "Mul")
        for given, factor in _pairs(half) if half is not None else ():
            if index.is_number(factor, 0.5) and _erf_of(index, other) == given:
                return _instead(node, "Gelu", (given,))
    return None


def _erf_of(index: Index, name: str) -> str | None:
    """x, of 1 + erf(x / sqrt 2)."""
    added = index.maker(name, "Add")
    for one, other in _pairs(added) if added is not None else ():
        erf = index.maker(one, "Erf") if index.is_number(other, 1.0) else None
        scaled = index.maker(erf.inputs[0], "Div", "Mul") if erf is not None else None
        if scaled is None:
            continue
        if scaled.operator == "Div" and index.is_number(scaled.inputs[1], math.sqrt(2)):
            return scaled.inputs[0]
        for given, factor in _pairs(scaled) if scaled.operator == "Mul" else ():
            if index.is_number(factor, math.sqrt(0.5)):
                return given
    return None


def _layer_norm(index: Index, node: Node) -> Node | None:
    """(x - mean) / sqrt(mean of squares + epsilon) along the last axis: a layer normalization without scale."""
    root = index.maker(node.inputs[1], "Sqrt") if node.operator == "Div" else None
    added = index.maker(root.inputs[0], "Add") if root is not None else None
    for variance, epsilon in _pairs(added) if added is not None else ():
        mean = index.maker(variance, "ReduceMean")
        power = index.maker(mean.inputs[0], "Pow", "Mul") if mean is not None and _is_last(index, mean) else None
        small = index.number(epsilon)
        if power is None or small is None or power.inputs[0] != node.inputs[0]:
            continue
        is_square = (
            index.is_number(power.inputs[1], 2.0) if power.operator == "Pow" else power.inputs[1] == power.inputs[0]
        )
        apart = index.maker(power.inputs[0], "Sub")
        center = index.maker(apart.inputs[1], "ReduceMean") if apart is not None else None
        if (
            is_square
            and apart is not None
            and center is not None
            and center.inputs[0] == apart.inputs[0]
            and _is_last(index, center)
        ):
            return _instead(node, "LayerNormalization", (apart.inputs[0],), epsilon=small, axis=-1)
    return None


def _is_last(index: Index, node: Node) -> bool:
    """Whether a reduction is over the last axis and keeps it."""
    axes = node.integers("axes")
    if axes is None and len(node.inputs) > 1 and (array := index.constant(node.inputs[1])) is not None:
        axes = tuple(int(one) for one in array.reshape(-1))
    return axes == (-1,) and node.integer("keepdims", 1) == 1


def _scaled_norm(index: Index, node: Node) -> Node | None:
    """The scale and the offset behind such a normalization."""
    if node.operator != "Add":
        return None
    for made, offset in _pairs(node):
        product = index.maker(made, "Mul")
        for inner, scale in _pairs(product) if product is not None else ():
            norm = index.maker(inner, "LayerNormalization")
            arrays = [index.constant(scale), index.constant(offset)]
            if norm is not None and len(norm.inputs) == 1 and all(one is not None and one.ndim == 1 for one in arrays):
                return _instead(node, "LayerNormalization", (norm.inputs[0], scale, offset), **dict(norm.attributes))
    return None
