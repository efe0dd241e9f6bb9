"""Nodes whose inputs are all known: their results are constants, computed once by `onnx`'s reference implementation."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.branches import Branches, is_known
from edgekit.onnx_graph.graph import DEFAULT_DOMAINS, Node, OnnxGraph
from edgekit.onnx_graph.read import OTHER_FLOATS

RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
LARGEST = 2**27
"""So many numbers a folded constant may have: a small file must not ask for more memory than there is."""


def without_constant_nodes(graph: OnnxGraph) -> OnnxGraph:
    """The graph with the results of nodes that take constants alone among its constants, and with the branch that is taken in the place of an `If` whose
    condition is one of them."""
    constants, nodes = dict(graph.constants), []
    branches, waiting = Branches(graph), collections.deque(graph.nodes)
    while waiting:
        node = waiting.popleft()
        if node.operator == "If" and is_known(constants.get(node.inputs[0])):
            branch = branches.taken(node, bool(constants[node.inputs[0]].reshape(-1)[0]))
            constants.update(branch.constants)
            waiting.extendleft(reversed(branch.nodes))
            continue
        known = (
            all(name in constants for name in node.taken) and node.domain in DEFAULT_DOMAINS and node.operator != "If"
        )
        results = folded(node, [constants.get(name) for name in node.inputs], graph.opset) if known else None
        if results is None:
            nodes.append(node)
        else:
            constants.update(zip(node.outputs, results, strict=False))
    return dataclasses.replace(graph, constants=constants).replaced(tuple(nodes))


def folded(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray] | None:
    """The node's results; None where it is not to be folded, or where the reference implementation cannot run it."""
    if node.operator in RANDOM or _size(node, inputs) > LARGEST:
        return None
    try:
        results = _evaluated(node, inputs, opset)
    except Exception:  # then the node is built like any other, or refused by its name
        return None
    return [_single(np.asarray(one)) for one in results]


def _single(array: np.ndarray) -> np.ndarray:
    """Numbers of another precision in float32."""
    return array.astype(np.float32) if str(array.dtype) in OTHER_FLOATS else array


def _evaluated(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[Any]:
    import onnx
    import onnx.reference

    known = {name: array for name, array in zip(node.inputs, inputs, strict=False) if array is not None}
    attributes = {
        name: onnx.numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
    }
    outputs = [name or f"_unused_{index}" for index, name in enumerate(node.outputs)]
    made = onnx.helper.make_node(node.operator, list(node.inputs), outputs, **attributes)
    graph = onnx.helper.make_graph(
        [made],
        "one",
        [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in known.items()],
        [onnx.helper.make_empty_tensor_value_info(name) for name in outputs],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    return list(onnx.reference.ReferenceEvaluator(model).run(None, known))


def _size(node: Node, inputs: Sequence[np.ndarray | None]) -> int:
    """About how many numbers the result has, where a small input may ask for many."""
    arrays = [array for array in inputs if array is not None]
    if node.operator in ("ConstantOfShape", "Expand", "Tile", "Range") and arrays:
        last = arrays[-1].astype(np.float64)
        count = float(np.prod(np.maximum(last, 1))) * (arrays[0].size if node.operator == "Tile" else 1)
        if node.operator == "Range" and len(arrays) == 3:
            count = float(abs((arrays[1] - arrays[0]) / arrays[2])) if arrays[2] else 0.0
        return int(min(count, 2.0**62))
    shape: tuple[int, ...] = ()
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        return max((array.size for array in arrays), default=0)
    return int(np.prod(shape, dtype=np.float64))
