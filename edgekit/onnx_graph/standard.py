"""Whether a model keeps to the standard of ONNX, as far as an import and onnxruntime rely on it: opset, names, inputs and attributes of its nodes.

What a library would refuse in words of its own, or would divide by, is told here with its place, all of it at once.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

from edgekit.errors import ModelError
from edgekit.onnx_graph.graph import DEFAULT_DOMAINS

ABOVE_ZERO = frozenset({"strides", "dilations", "kernel_shape", "group", "num_groups", "hidden_size", "blocksize"})
"""Attributes whose numbers count from 1."""
CHOICES = {
    "auto_pad": ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    "direction": ("forward", "reverse", "bidirectional"),
    "nearest_mode": ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
}
"""Texts of which an attribute has one, in lower case but for `auto_pad`."""
SHOWN = 10
"""So many faults stand in a message."""


def require_standard(model: Any, opset: int, where: str) -> None:
    """Raise `ModelError` for an opset of the future's, and with all nodes of an `onnx.ModelProto` that the standard has not so.

    Its functions are opened before. Operators that ONNX does not know are none of its concern.
    """
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if opset > newest:
        raise ModelError(
            "the file has an opset that the installed package onnx does not know", where=where, received=f"opset {opset}",
            allowed=f"up to {newest}", next_step="export with an older opset, as opset_version=17, or install a newer onnx and onnxruntime",
        )  # fmt: skip
    faults = [*_twice(model.graph), *_of_graph(model.graph, opset)]
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise ModelError(
            f"{len(faults)} node{'s are' if len(faults) > 1 else ' is'} not as the standard of ONNX has {'them' if len(faults) > 1 else 'it'}",
            where=where, received="; ".join(faults[:SHOWN]) + more,
            allowed=f"the operators of opset {opset}, see https://onnx.ai/onnx/operators/",
            next_step="export the model again; `python -m onnx.checker`, or onnx.checker.check_model, tells whether a file is sound",
        )  # fmt: skip


def _twice(graph: Any) -> Iterator[str]:
    """Names that several nodes have: onnxruntime opens no such file. It knows those that only hold a constant by the constant's name."""
    counts = collections.Counter(node.name for node in graph.node if node.name and node.op_type != "Constant")
    return (f"{count} nodes have the name {name!r}" for name, count in counts.items() if count > 1)


def _of_graph(graph: Any, opset: int) -> Iterator[str]:
    for node in graph.node:
        if node.domain not in DEFAULT_DOMAINS:
            continue
        place = f"{node.op_type} {node.name or ', '.join(node.output)!r}"
        yield from (f"{place}: {fault}" for fault in _of_node(node, opset))
        for attribute in node.attribute:
            for branch in (attribute.g, *attribute.graphs):
                yield from _of_graph(branch, opset)


def _of_node(node: Any, opset: int) -> Iterator[str]:
    import onnx

    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
    except onnx.defs.SchemaError:  # refused by its name, where the node is built
        return
    if schema.deprecated:
        return
    if not schema.min_input <= len(node.input) <= schema.max_input:
        most = "" if schema.max_input in (schema.min_input, 2**31 - 1) else f" to {schema.max_input}"
        yield f"it has {len(node.input)} inputs, and takes {schema.min_input}{most}"
    given = {one.name for one in node.attribute}
    needed = (name for name, one in schema.attributes.items() if one.required and name not in given)
    yield from (f"its attribute {name!r} is missing" for name in needed)
    for one in node.attribute:
        known = schema.attributes.get(one.name)
        fault = (
            f"it has no attribute {one.name!r} in opset {opset}" if known is None else _of_attribute(one, known.type)
        )
        if fault:
            yield fault


def _of_attribute(one: Any, wanted: Any) -> str:
    """What is wrong with a node's attribute; empty where nothing is."""
    import onnx

    found = onnx.AttributeProto.AttributeType.Name(one.type)
    if one.type and found != wanted.name:  # files of the first versions name no types
        return f"{one.name} is of {found} and not of {wanted.name}"
    value = onnx.helper.get_attribute_value(one)
    numbers = tuple(value) if found == "INTS" else (value,) if found == "INT" else ()
    if one.name in ABOVE_ZERO and any(number < 1 for number in numbers):
        return f"{one.name} is {value if found == 'INT' else list(value)}, and counts from 1"
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
    if one.name in CHOICES and text not in CHOICES[one.name]:
        return f"{one.name} is {text!r} and not one of {', '.join(CHOICES[one.name])}"
    return ""
