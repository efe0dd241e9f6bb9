"""Minimum and maximum of tensors, which converters note for themselves, and quantization tables that then say nothing.

The interpreters compute with scales and zero points alone; a table without a scale is none to them
(tensorflow/compiler/mlir/lite/core/model_builder, micro_allocator.cc).
"""

from __future__ import annotations

from edgekit.tflite.flat.tree import Table

LEAST_EMPTY = 6
"""Tensors with an empty quantization table from which on leaving it out pays: 4 bytes each, for a description of 20."""


def without_ranges(root: Table) -> Table:
    """The model without minimum and maximum."""
    graphs = [_without(graph) for graph in root.tables("subgraphs")]
    empty = sum(_is_empty(tensor) for graph in graphs for tensor in graph.tables("tensors"))
    if empty >= LEAST_EMPTY:
        graphs = [_without_empty(graph) for graph in graphs]
    return root.with_fields(subgraphs=tuple(graphs))


def _without(graph: Table) -> Table:
    return graph.with_fields(tensors=tuple(_of_tensor(tensor) for tensor in graph.tables("tensors")))


def _of_tensor(tensor: Table) -> Table:
    quantization = tensor.fields.get("quantization")
    if quantization is None:
        return tensor
    return tensor.with_fields(quantization=quantization.with_fields(min=None, max=None))


def _without_empty(graph: Table) -> Table:
    tensors = graph.tables("tensors")
    return graph.with_fields(
        tensors=tuple(tensor.with_fields(quantization=None) if _is_empty(tensor) else tensor for tensor in tensors)
    )


def _is_empty(tensor: Table) -> bool:
    quantization = tensor.fields.get("quantization")
    return quantization is not None and not quantization.fields.get("scale") and "details" not in quantization.fields
