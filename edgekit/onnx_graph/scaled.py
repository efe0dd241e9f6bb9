"""A factor and an offset by channel behind a convolution or a batch normalization, as Caffe's `Scale` becomes: part of what is before them.

As operations on constants they would be no layer with channels, so that nothing could be pruned around them, and two operators more in the file.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Mapping

import numpy as np

from edgekit.onnx_graph.graph import Node, OnnxGraph

TAKES_UP = ("Conv", "BatchNormalization")
KEEPS_RANK = ("BatchNormalization", "Relu", "LeakyRelu", "MaxPool", "AveragePool", "Concat", "Dropout", "LRN", "Pad")
"""Operators whose result has as many axes as their first input."""


def with_own_scales(graph: OnnxGraph) -> OnnxGraph:
    """The graph without such products and sums."""
    users, ends = graph.users(), {one.name for one in graph.outputs}
    constants, makers, nodes = dict(graph.constants), dict[str, Node](), []
    taken = {name for node in graph.nodes for name in node.outputs} | {one.name for one in graph.inputs}
    for given in graph.nodes:
        node = given
        for value, other in _operands(given):
            before, array = makers.get(value), constants.get(other)
            if before is None or array is None or len(users.get(value, ())) != 1 or value in ends:
                continue
            if _is_by_channel(array, before, makers, constants):
                node = _joined(given, before, array.reshape(-1), constants, taken)
                break
        nodes.append(node)
        makers |= dict.fromkeys(node.outputs, node)
    return dataclasses.replace(graph, constants=constants).replaced(tuple(nodes))


def _operands(node: Node) -> tuple[tuple[str, str], ...]:
    """The value and the constant of a product or a sum, in either order."""
    if node.operator not in ("Mul", "Add") or len(node.inputs) != 2:
        return ()
    return node.inputs, node.inputs[::-1]


def _is_by_channel(
    array: np.ndarray, before: Node, makers: Mapping[str, Node], constants: Mapping[str, np.ndarray]
) -> bool:
    """Whether a constant has a number for each channel of what a node makes, all of whose own numbers are known."""
    if before.operator not in TAKES_UP or len([name for name in before.outputs if name]) != 1:
        return False
    if any(name not in constants for name in before.inputs[1:] if name) or before.integer("training_mode", 0):
        return False
    channels, rank = constants.get(before.inputs[1]), _rank(before, makers, constants)
    if channels is None or rank is None or array.dtype != np.float32 or channels.dtype != np.float32:
        return False
    by_channel = (len(channels), *(1,) * (rank - 2))
    return len(channels) > 1 and array.shape in (by_channel, (1, *by_channel))


def _rank(node: Node, makers: Mapping[str, Node], constants: Mapping[str, np.ndarray]) -> int | None:
    """The number of axes of what a node makes, by the kernel of the convolution behind it; None where something else is behind it."""
    behind: Node | None = node
    while behind is not None and behind.operator in KEEPS_RANK:
        behind = makers.get(behind.inputs[0])
    kernel = constants.get(behind.inputs[1]) if behind is not None and behind.operator == "Conv" else None
    return None if kernel is None else kernel.ndim


def _joined(
    node: Node, before: Node, array: np.ndarray, constants: dict[str, np.ndarray], taken: Collection[str]
) -> Node:
    """The node before with the factor or the offset in its own numbers, which become constants under new names."""
    apply: Callable[[np.ndarray], np.ndarray]
    places: tuple[int, ...]
    if node.operator == "Mul":
        apply = lambda own: (own * array.reshape(-1, *(1,) * (own.ndim - 1))).astype(np.float32)  # noqa: E731
        places = (1, 2)
    else:
        apply, places = (lambda own: (own + array).astype(np.float32)), (2,)
    inputs = [*before.inputs, ""][: max(3, len(before.inputs))]
    for place in places:
        own = constants.get(inputs[place])
        if own is None and node.operator == "Mul":  # a convolution without a bias has none after it
            continue
        names = (f"{node.outputs[0]}_{place}{tail}" for tail in itertools.chain(("",), map(str, itertools.count())))
        name = next(one for one in names if one not in constants and one not in taken)
        constants[name] = array if own is None else apply(own)
        inputs[place] = name
    return dataclasses.replace(before, inputs=tuple(inputs if inputs[-1] else inputs[:-1]), outputs=node.outputs)
