"""The shapes of what a refused node would make, by ONNX's own inference on one node."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.onnx_graph.graph import DEFAULT_DOMAINS, Node, OnnxGraph
from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.step import Operand


def inferred(graph: OnnxGraph, node: Node, values: Mapping[str, Operand]) -> dict[str, tuple[tuple[int, ...], str]]:
    """(shape, dtype) of the node's outputs by name; those that ONNX does not know are left out."""
    import onnx

    if node.domain not in DEFAULT_DOMAINS:
        return {}
    attributes = {
        name: onnx.numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
    }
    inputs, constants = [], []
    for name in dict.fromkeys(filter(None, node.inputs)):
        value = values[name]
        dtype = value.dtype if isinstance(value, Laid) else str(value.dtype)
        kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        inputs.append(onnx.helper.make_tensor_value_info(name, kind, value.shape))
        if not isinstance(value, Laid):
            constants.append(onnx.numpy_helper.from_array(value, name))
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.outputs if name]
    try:
        made = onnx.helper.make_node(node.operator, list(node.inputs), list(node.outputs), **attributes)
        model = onnx.helper.make_model(
            onnx.helper.make_graph([made], "one", inputs, outputs, constants),
            opset_imports=[onnx.helper.make_opsetid("", graph.opset)],
        )
        found = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output
    except Exception:  # an operator that ONNX does not know either
        return {}
    return {one.name: known for one in found if (known := _known(one)) is not None}


def _known(one: object) -> tuple[tuple[int, ...], str] | None:
    from edgekit.onnx_graph.read import declared

    shape = declared(one).shape
    sizes = tuple(size for size in shape if isinstance(size, int) and size > 0)
    return (sizes, declared(one).dtype) if len(sizes) == len(shape) and declared(one).dtype != "unknown" else None
