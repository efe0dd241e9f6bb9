"""The inputs of an import: which are pictures, whose channels come last in Keras, which have a batch, and what sizes free dimensions get."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from edgekit.errors import DataError, ModelError
from edgekit.onnx_graph.graph import Declared, Node, OnnxGraph
from edgekit.onnx_graph.layout import CHANNELS_LAST
from edgekit.onnx_graph.ports import Port
from edgekit.onnx_graph.step import keras_dtype

SPATIAL = frozenset({
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "GlobalLpPool", "BatchNormalization",
    "InstanceNormalization", "GroupNormalization", "LRN", "Upsample", "Resize", "DepthToSpace", "SpaceToDepth", "ConvInteger", "QLinearConv",
    "GridSample", "RoiAlign", "MaxRoiPool",
})  # fmt: skip
"""Operators whose first axis is the batch and whose second is channels."""
RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
"""Operators whose second axis is the batch, as long as their attribute `layout` is 0."""
ALIKE = frozenset(
    "Add Sub Mul Div Pow Sum Min Max Mean Clip Relu LeakyRelu PRelu Sigmoid Tanh Cast Identity Dropout Neg Abs Sqrt Exp Log Pad Concat Slice".split()
)
"""Operators that leave the axes where they are; a picture may pass them before its first convolution."""


def entrances(graph: OnnxGraph, sizes: Mapping[str, tuple[int, ...]], where: str) -> list[Port]:
    """A port for each input; raises `ModelError` that lists every dimension which is free, `DataError` where the data give one of them two sizes."""
    free: list[str] = []
    names = {one.shape[0] for one in graph.inputs if one.shape} - {""}
    named = {one.name: _named_batch(one, names) for one in graph.inputs}
    shapes = [_shape(one, graph, named[one.name], sizes.get(one.name), free, where) for one in graph.inputs]
    if free:
        raise ModelError(
            "the model leaves sizes free that a file for a device needs", where=where, received="; ".join(free),
            allowed="fixed sizes of all but the batch",
            next_step="name data in edgekit.toml or with --data, whose sizes are taken, or export the model with fixed sizes",
        )  # fmt: skip
    _require_one_size(graph.inputs, shapes, named, where)
    return [_port(one, shape, named[one.name], graph) for one, shape in zip(graph.inputs, shapes, strict=True)]


def fixed_batches(graph: OnnxGraph) -> set[int]:
    """The sizes above 1 that the file fixes for the batch of its inputs: the model has a batch of any size in their place."""
    first = {one.shape[0] for one in graph.inputs if one.shape and _batch_axis(one, graph) == 0}
    return {size for size in first if isinstance(size, int) and size > 1}


def _require_one_size(
    inputs: Sequence[Declared], shapes: Sequence[tuple[int, ...]], named: Mapping[str, int | None], where: str
) -> None:
    """Raise `DataError` if a free size that has one name in the file has two values."""
    found: dict[str, dict[int, str]] = {}
    for one, shape in zip(inputs, shapes, strict=True):
        for axis, (name, size) in enumerate(zip(one.shape, shape, strict=True)):
            if isinstance(name, str) and _is_name(name) and axis not in (0, named[one.name]):
                found.setdefault(name, {}).setdefault(size, f"{size} in {one.name}[{axis}]")
    twice = [f"{name!r} is {' and '.join(places.values())}" for name, places in found.items() if len(places) > 1]
    if twice:
        raise DataError(
            "the data give one free size of the model two values", where=where, received="; ".join(twice),
            allowed="one value for each name", next_step="give data whose sizes are equal there, or export the model with a name for each size",
        )  # fmt: skip


def _is_name(symbol: str) -> bool:
    """Whether a free size's text names it; exporters write "?" or "None" for sizes that have nothing to do with each other.

    >>> _is_name("height"), _is_name("?"), _is_name("None"), _is_name("")
    (True, False, False, False)
    """
    return any(map(str.isalnum, symbol)) and symbol != "None"


def _named_batch(one: Declared, names: Collection[int | str]) -> int | None:
    """A later axis that has the name of a batch, as that of a state which goes round: [layers, "batch", features]."""
    found = [axis for axis, size in enumerate(one.shape) if axis and isinstance(size, str) and size in names]
    return found[0] if len(found) == 1 and isinstance(one.shape[0], int) else None


def _shape(
    one: Declared, graph: OnnxGraph, named: int | None, given: tuple[int, ...] | None, free: list[str], where: str
) -> tuple[int, ...]:
    """The shape of one sample: the batch is 1."""
    shape = list(one.shape)
    batch = _batch_axis(one, graph) if named is None else named
    if batch is not None:
        shape[batch] = 1
    if given is not None:
        _fill(shape, given, batch, one, where)
    if shape and isinstance(shape[0], str):
        shape[0] = 1
    unknown = [f"{one.name}[{axis}] {size!r}" for axis, size in enumerate(shape) if isinstance(size, str)]
    free += unknown
    return tuple(size if isinstance(size, int) else 1 for size in shape)


def _fill(shape: list[int | str], given: tuple[int, ...], batch: int | None, one: Declared, where: str) -> None:
    """Fill in the sizes of the data behind the batch, or of a sample's tensor with its batch; raises `DataError` where they are not the file's.

    Without a batch each sample is the whole tensor.
    """
    is_whole = batch is None or len(given) == len(shape)
    wanted = given if is_whole else (*given[:batch], 1, *given[batch:])
    others = [axis for axis in range(len(shape)) if axis != batch]
    if len(wanted) != len(shape) or any(
        isinstance(shape[axis], int) and shape[axis] != wanted[axis] for axis in others
    ):
        raise DataError(
            f"the data do not fit the input {one.name!r}", where=where, received=str(tuple(given)),
            allowed=str(tuple(size or "free" for size in one.shape)).replace("'", ""),
            next_step=f"give samples of the input's shape{', with the channels first or last' if len(shape) == 4 else ''}"
            + (": each is the whole tensor" if batch is None else ", without its batch"),
        )  # fmt: skip
    for axis in others:
        shape[axis] = wanted[axis]


def _port(one: Declared, shape: tuple[int, ...], named: int | None, graph: OnnxGraph) -> Port:
    batch = _batch_axis(one, graph) if named is None else named
    order = tuple(axis for axis in range(len(shape)) if axis != batch)
    if len(shape) == 4 and batch == 0 and feeds(graph, one.name, _is_spatial):
        order = CHANNELS_LAST
    return Port(
        name=one.name, shape=shape, dtype=keras_dtype(one.dtype), order=order if batch is None else (batch, *order),
        has_batch=batch is not None, keras_name=one.name,
    )  # fmt: skip


def _batch_axis(one: Declared, graph: OnnxGraph) -> int | None:
    """The axis that Keras has before all others; None where each sample is a whole ONNX tensor."""
    if len(one.shape) == 3 and feeds(graph, one.name, _is_recurrent):
        return 1
    if one.shape and (one.shape[0] == 1 or isinstance(one.shape[0], str) or feeds(graph, one.name, _has_batch_first)):
        return 0
    return None


def _is_spatial(node: Node, name: str) -> bool:
    return node.operator in SPATIAL and node.inputs[0] == name


def _has_batch_first(node: Node, name: str) -> bool:
    return _is_spatial(node, name) or (
        node.operator in RECURRENT and node.integer("layout", 0) == 1 and name in node.inputs
    )


def _is_recurrent(node: Node, name: str) -> bool:
    """Whether the node takes the value as a sequence or as a first state, whose second axis is the batch."""
    return node.operator in RECURRENT and node.integer("layout", 0) == 0 and name in (node.inputs[0], *node.inputs[5:7])


def feeds(graph: OnnxGraph, name: str, wanted: Callable[[Node, str], bool]) -> bool:
    """Whether an input's data reach such a node as they are, or through operators that leave the axes where they are."""
    users = graph.users()
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        for node in users.get(value, ()):
            if wanted(node, value):
                return True
            waiting += _onward(node, seen)
    return False


def _onward(node: Node, seen: set[str]) -> list[str]:
    found = [one for one in node.outputs if one not in seen] if node.operator in ALIKE else []
    seen.update(found)
    return found
