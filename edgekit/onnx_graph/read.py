"""An `onnx.ModelProto` read into the values of `graph`: functions opened, constants as arrays, half precision made float32."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.onnx_file.sizes import FREE
from edgekit.onnx_graph.graph import DEFAULT_DOMAINS, Branch, Declared, Node, OnnxGraph, needed
from edgekit.onnx_graph.opened import open_model
from edgekit.onnx_graph.standard import require_standard

NUMBERS = frozenset("float16 bfloat16 float32 float64 bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split())
"""The types of inputs that can be fed."""
OTHER_FLOATS = ("float16", "bfloat16", "float64")


def read_model(path: Path, held: Collection[str] = ()) -> OnnxGraph:
    """The graph of an ONNX file; raises `ModelError` for one that is none, or that has an opset of the future's or of the past's.

    `held` are inputs that nobody feeds: their shape need not be declared.
    """
    return graph_of(open_model(path), str(path), held)


def graph_of(model: Any, where: str, held: Collection[str] = ()) -> OnnxGraph:
    """The graph of an `onnx.ModelProto`."""
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    opsets = {one.domain: one.version for one in model.opset_import}
    opset = next((opsets[domain] for domain in DEFAULT_DOMAINS if domain in opsets), 1)
    require_standard(model, opset, where)
    graph = model.graph
    constants = {one.name: array_of(one) for one in graph.initializer}
    if graph.sparse_initializer:
        raise ModelError(
            "constants that are stored as sparse tensors", where=where, received=graph.sparse_initializer[0].values.name,
            allowed="plain initializers", next_step="export the model with dense weights",
        )  # fmt: skip
    nodes, found = _nodes(graph.node)
    outputs = tuple(declared(one, where) for one in graph.output)
    inputs = tuple(
        declared(one, where, to_feed=one.name not in held) for one in graph.input if one.name not in constants
    )
    _check_values(nodes, {*constants, *found, *(one.name for one in inputs)}, [one.name for one in outputs], where)
    return OnnxGraph(
        inputs=inputs,
        outputs=outputs,
        nodes=needed(nodes, tuple(one.name for one in outputs)),
        constants=constants | found,
        opset=opset,
        producer=f"{model.producer_name} {model.producer_version}".strip(),
    )


def _check_values(nodes: tuple[Node, ...], known: set[str], outputs: list[str], where: str) -> None:
    """Raise `ModelError` where a node takes, or the model gives, a value that nothing before it makes, or where one is made twice."""
    for node in nodes:
        missing = [name for name in node.inputs if name and name not in known]
        if missing:
            raise _broken(
                f"{node.place} takes {', '.join(map(repr, missing))}, which no input, constant or node before it gives",
                where,
            )
        again = [name for name in node.outputs if name and name in known]
        if again:
            raise _broken(
                f"{node.place} makes {', '.join(map(repr, again))}, which is an input, a constant or made before it",
                where,
            )
        known.update(node.outputs)
    unmade = [name for name in outputs if name not in known]
    if unmade or not outputs:
        raise _broken(
            f"no node makes the output {', '.join(map(repr, unmade))}" if unmade else "the model has no output", where
        )


def _broken(received: str, where: str) -> ModelError:
    return ModelError(
        "the graph of the model is not sound", where=where, received=received,
        allowed="nodes in an order in which they can run, each value made once", next_step="export the model again",
    )  # fmt: skip


def _nodes(listed: Any) -> tuple[tuple[Node, ...], dict[str, np.ndarray]]:
    """The nodes without those that only hold a constant, and these constants."""
    nodes, constants = [], {}
    for one in listed:
        node = _node(one)
        if node.operator == "Constant" and node.domain in DEFAULT_DOMAINS:
            constants[node.outputs[0]] = _held(node)
        else:
            nodes.append(node)
    return tuple(nodes), constants


def _node(one: Any) -> Node:
    import onnx

    attributes = {}
    for attribute in one.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        attributes[attribute.name] = _plain(value)
    return Node(
        operator=one.op_type, domain=one.domain, name=one.name, inputs=tuple(one.input), outputs=tuple(one.output), attributes=attributes
    )  # fmt: skip


def _held(node: Node) -> np.ndarray:
    """The array of a `Constant` node, by whichever attribute it is given."""
    value = next(iter(node.attributes.values()), None)
    if isinstance(value, np.ndarray):
        return value
    name = next(iter(node.attributes), "")
    return np.asarray(value, np.float32 if name.startswith("value_float") else np.int64 if "int" in name else None)


def _plain(value: Any) -> Any:
    """An attribute's value without objects of `onnx`."""
    import onnx

    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, onnx.TensorProto):
        return array_of(value)
    if isinstance(value, onnx.GraphProto):
        nodes, constants = _nodes(value.node)
        held = {one.name: array_of(one) for one in value.initializer}
        return Branch(nodes=nodes, constants=held | constants, outputs=tuple(one.name for one in value.output))
    if isinstance(value, list | tuple) or type(value).__name__.startswith("Repeated"):
        return tuple(_plain(part) for part in value)
    return value if isinstance(value, int | float | str) else f"<{type(value).__name__}>"


def array_of(tensor: Any) -> np.ndarray:
    """A constant's numbers; those of another precision as float32."""
    import onnx

    found = np.asarray(onnx.numpy_helper.to_array(tensor))
    return found.astype(np.float32) if str(found.dtype) in OTHER_FLOATS else found


def declared(one: Any, where: str = "", *, to_feed: bool = False) -> Declared:
    """An input or output as the file declares it; raises `ModelError` for one `to_feed` that declares no shape, or no numbers."""
    import onnx

    tensor = one.type.tensor_type
    dtype = _dtype(tensor.elem_type)
    if to_feed and (dtype not in NUMBERS or not tensor.HasField("shape")):
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type) if dtype != "unknown" else f"type {tensor.elem_type}"
        raise ModelError(
            f"the input {one.name!r} declares no shape" if dtype in NUMBERS else f"the input {one.name!r} holds no numbers that a device feeds",
            where=where, received="no shape" if dtype in NUMBERS else kind, allowed=f"a shape, and one of {', '.join(sorted(NUMBERS))}",
            next_step="export the model with the shapes of its inputs" if dtype in NUMBERS else "export the network without the part that takes it",
        )  # fmt: skip
    shape = tuple(_sizes(tensor.shape))
    return Declared(name=one.name, shape=shape, dtype="float32" if dtype in OTHER_FLOATS else dtype)


def _dtype(element: int) -> str:
    """The name of an element type; "unknown" for one that this version of ONNX does not have."""
    import onnx

    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(element)) if element else "unknown"
    except (KeyError, ValueError):
        return "unknown"


def _sizes(shape: Any) -> Iterator[int | str]:
    for one in shape.dim:
        yield one.dim_value if one.HasField("dim_value") and one.dim_value != FREE else one.dim_param
