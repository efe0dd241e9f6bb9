"""One factor and one offset for all channels before convolutions, as a learnable affine block of PP-LCNet has them: part of the kernels after them.

A convolution that pads sees zeros beside its input, which no offset has: there the factor alone goes into the kernel, and the offset stays, divided by it.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgekit.onnx_graph.graph import Node, OnnxGraph

LARGEST = 16.0
"""A kernel's weights are changed by no larger factor: the step of an optimizer does not follow the size of the weights."""


class Affine(NamedTuple):
    """A product, and the sum behind it where there is one, with their numbers: `value * factor + offset`."""

    value: str
    nodes: tuple[Node, ...]
    factor: float
    offset: float

    @property
    def made(self) -> str:
        """What they make."""
        return self.nodes[-1].outputs[0]


def with_scales_in_kernels(graph: OnnxGraph) -> OnnxGraph:
    """The graph without such products, and without sums that no convolution with padding takes."""
    users, ends = graph.users(), {one.name for one in graph.outputs}
    names = _Names(graph)
    constants, changed = dict(graph.constants), dict[int, Node]()
    dropped, handed = set[int](), dict[str, str]()
    for node in graph.nodes:
        found = _affine(node, users, constants, ends)
        taking = [] if found is None else users.get(found.made, [])
        if found is None or not taking or not all(_takes_up(one, found.made, constants) for one in taking):
            continue
        padded = bool(found.offset) and any(_pads(one, constants[one.inputs[1]]) for one in taking)
        for one in taking:
            offset = 0.0 if padded else found.offset
            changed[id(one)] = _with_affine(changed.get(id(one), one), found.factor, offset, constants, names)
        dropped |= {id(one) for one in found.nodes[: 1 if padded else 2]}
        if padded:
            ratio = names.new(f"{found.made}_offset")
            constants[ratio] = np.asarray(found.offset / found.factor, np.float32)
            changed[id(found.nodes[-1])] = dataclasses.replace(found.nodes[-1], inputs=(found.value, ratio))
        else:
            handed[found.made] = found.value
    kept = (changed.get(id(node), node) for node in graph.nodes if id(node) not in dropped)
    nodes = [dataclasses.replace(one, inputs=tuple(handed.get(name, name) for name in one.inputs)) for one in kept]
    return dataclasses.replace(graph, constants=constants).replaced(tuple(nodes))


class _Names:
    """Names for constants that no value of the graph has."""

    def __init__(self, graph: OnnxGraph) -> None:
        self._taken = {name for node in graph.nodes for name in node.outputs}
        self._taken |= {one.name for one in graph.inputs} | graph.constants.keys()

    def new(self, wanted: str) -> str:
        """The wanted name, with a number behind it where it is taken."""
        tails = itertools.chain(("",), (f"_{number}" for number in itertools.count(1)))
        name = next(wanted + tail for tail in tails if wanted + tail not in self._taken)
        self._taken.add(name)
        return name


def _affine(
    node: Node, users: Mapping[str, list[Node]], constants: Mapping[str, np.ndarray], ends: set[str]
) -> Affine | None:
    """A product with one number, and the sum with one that alone takes it."""
    product = _by_one(node, "Mul", constants)
    if product is None or node.outputs[0] in ends or not 1 / LARGEST <= abs(product[1]) <= LARGEST:
        return None
    value, factor = product
    taking = users.get(node.outputs[0], [])
    added = _by_one(taking[0], "Add", constants) if len(taking) == 1 else None
    if added is None or added[0] != node.outputs[0] or taking[0].outputs[0] in ends:
        return Affine(value, (node,), factor, 0.0)
    return Affine(value, (node, taking[0]), factor, added[1])


def _by_one(node: Node, operator: str, constants: Mapping[str, np.ndarray]) -> tuple[str, float] | None:
    """The value that a product or a sum takes, and the one number beside it, which adds no axis."""
    if node.operator != operator or len(node.inputs) != 2:
        return None
    for value, other in (node.inputs, node.inputs[::-1]):
        array = constants.get(other)
        if value not in constants and array is not None and array.dtype == np.float32 and array.shape in ((), (1,)):
            return value, float(array.reshape(()))
    return None


def _takes_up(node: Node, value: str, constants: Mapping[str, np.ndarray]) -> bool:
    """Whether a node is a convolution of a value, whose own numbers are known."""
    if node.operator != "Conv" or node.inputs[0] != value or value in node.inputs[1:]:
        return False
    return all(constants[name].dtype == np.float32 if name in constants else not name for name in node.inputs[1:])


def _pads(node: Node, kernel: np.ndarray) -> bool:
    """Whether a convolution may see zeros beside its input."""
    automatic = node.text("auto_pad", "NOTSET")
    if automatic in ("NOTSET", "VALID"):
        return automatic == "NOTSET" and any(node.integers("pads") or ())
    return any(size != 1 for size in kernel.shape[2:])


def _with_affine(node: Node, factor: float, offset: float, constants: dict[str, np.ndarray], names: _Names) -> Node:
    """The convolution of what was not scaled; its kernel, and its bias where there is an offset, are new constants."""
    inputs: Sequence[str] = [*node.inputs, ""][: max(3, len(node.inputs))]
    kernel, bias = constants[inputs[1]].astype(np.float64), constants.get(inputs[2])
    first = names.new(f"{node.outputs[0]}_scaled")
    constants[first] = (kernel * factor).astype(np.float32)
    second = inputs[2]
    if offset:
        second = names.new(f"{node.outputs[0]}_offset")
        added = kernel.sum(axis=tuple(range(1, kernel.ndim))) * offset
        constants[second] = (added if bias is None else bias + added).astype(np.float32)
    found = (inputs[0], first, second)
    return dataclasses.replace(node, inputs=found if second else found[:2])
