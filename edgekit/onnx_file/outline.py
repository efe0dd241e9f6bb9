"""The outline of an `.onnx` file: inputs, outputs, operators, and where its constants lie. Weights are not read.

Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import collections
import mmap
import os
from pathlib import Path

from edgekit import first_bytes
from edgekit.errors import ModelError
from edgekit.onnx_file.sizes import FREE
from edgekit.onnx_file.tensor import Tensor, tensor
from edgekit.onnx_file.wire import Malformed, fields, integers, text
from edgekit.values import Value

ENDING = ".onnx"
DEEPEST = 16
"""So many graphs may lie in each other, as the branches of an `If` do; networks have two or three."""
MOST_NODES = 1_000_000
"""So many nodes may a model have, each function of its own counted where it is called; the largest networks have some ten thousand."""
LARGEST = 2**31 - 1
"""The largest message of protocol buffers, in bytes; larger models keep their constants in files beside them."""


DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool", 10: "float16", 11: "float64",
    12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip
"""Types by `TensorProto.DataType`."""


class Port(Value):
    """An input or output as the file declares it: `shape` has the batch, and the name of a size that is free (empty: it has none).

    `has_shape` says whether it declares any. `dtype` is the type of its numbers, empty for one that is not of `DTYPES`.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = ""
    has_shape: bool = True


class Outline(Value):
    """What is known of a model without reading a weight; `operators` counts nodes, those in subgraphs and functions too."""

    opset: int
    producer: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    operators: dict[str, int]
    tensors: tuple[Tensor, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files beside the model that hold constants, by the names that the model gives them."""
        return tuple(sorted({one.location for one in self.tensors if one.is_external}))


def is_onnx(path: Path) -> bool:
    """Whether a path is named as an ONNX file is: the format has no mark by which its content could be told."""
    return path.name.lower().endswith(ENDING) and not os.path.isdir(path)


def read_outline(path: Path) -> Outline:
    """The outline of a file; raises `ModelError` for one that is no ONNX, or that would take more than any network does."""
    try:
        size = path.stat().st_size
        if size == 0 or size > LARGEST:
            raise _refused(path, "an empty file" if size == 0 else f"{size} bytes")
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # closed with the last view of it
        return outline_of(memoryview(content))
    except Malformed as problem:
        raise _refused(path, str(problem)) from None
    except OSError as problem:
        raise ModelError("the model cannot be read", where=str(path), received=problem.strerror) from None


def _refused(path: Path, received: str) -> ModelError:
    with path.open("rb") as file:
        begins = file.read(first_bytes.ENOUGH)
    return ModelError(
        "not an ONNX model", where=str(path), received=first_bytes.said(begins, received),
        allowed="the protocol buffer that an exporter of ONNX writes, up to 2 GiB", next_step=first_bytes.next_step(begins, "export the model again, or name the file by what it is"),
    )  # fmt: skip


def outline_of(model: memoryview) -> Outline:
    """The outline of an `onnx.ModelProto`; raises `Malformed`."""
    reader = _Reader()
    opset, producer = 0, ["", ""]
    for field in fields(model):
        if field.number == 7:
            reader.graph(field.content, outermost=True)
        elif field.number == 25:
            reader.function(field.content)
        elif field.number == 8:
            opset = max(opset, _opset(field.content))
        elif field.number in (2, 3):
            producer[field.number - 2] = text(field.content)
    reader.check_calls()
    if not reader.operators:
        raise Malformed("a model without a graph of operators")
    held = {one.name for one in reader.outer_constants}
    return Outline(
        opset=opset,
        producer=" ".join(filter(None, producer)),
        inputs=tuple(one for one in reader.inputs if one.name not in held),
        outputs=tuple(reader.outputs),
        operators=dict(reader.operators),
        tensors=tuple(reader.tensors),
    )


class _Reader:
    """What was met so far in a model."""

    def __init__(self) -> None:
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.tensors: list[Tensor] = []
        self.outer_constants: list[Tensor] = []
        self.operators: collections.Counter[str] = collections.Counter()
        self._calls: dict[tuple[str, str], collections.Counter[tuple[str, str]]] = {}
        self._here: collections.Counter[tuple[str, str]] = collections.Counter()
        self._main = self._here
        self._sizes: dict[tuple[str, str], int] = {}

    def graph(self, message: memoryview, *, depth: int = 0, outermost: bool = False) -> None:
        """A graph with all that lies in it; the ports of the `outermost` are the model's."""
        if depth > DEEPEST:
            raise Malformed(f"more than {DEEPEST} graphs in each other")
        for field in fields(message):
            if field.number == 1:
                self._node(field.content, depth)
            elif field.number == 5:
                self.tensors.append(tensor(field.content))
                self.outer_constants += self.tensors[-1:] if outermost else []
            elif field.number == 15:
                self._sparse(field.content)
            elif outermost and field.number in (11, 12):
                (self.inputs if field.number == 11 else self.outputs).append(_port(field.content))

    def function(self, message: memoryview) -> None:
        """A function of the model's own."""
        name = domain = ""
        self._here = collections.Counter()
        for field in fields(message):
            if field.number == 1:
                name = text(field.content)
            elif field.number == 10:
                domain = text(field.content)
            elif field.number == 7:
                self._node(field.content, 0)
        self._calls[domain, name], self._here = self._here, self._main

    def _node(self, message: memoryview, depth: int) -> None:
        kind = domain = ""
        for field in fields(message):
            if field.number == 4:
                kind = text(field.content)
            elif field.number == 7:
                domain = text(field.content)
            elif field.number == 5:
                self._attribute(field.content, depth)
        self.operators[kind] += 1
        self._here[domain, kind] += 1

    def _attribute(self, message: memoryview, depth: int) -> None:
        for field in fields(message):
            if field.number in (5, 10):
                self.tensors.append(tensor(field.content))
            elif field.number in (6, 11):
                self.graph(field.content, depth=depth + 1)
            elif field.number in (22, 23):
                self._sparse(field.content)

    def _sparse(self, message: memoryview) -> None:
        self.tensors += [tensor(field.content) for field in fields(message) if field.number in (1, 2)]

    def check_calls(self) -> None:
        """Raise `Malformed` if functions call themselves, or if there are too many nodes with all calls opened."""
        if sum(self.operators.values()) > MOST_NODES or self._opened(self._main, ()) > MOST_NODES:
            raise Malformed(f"more than {MOST_NODES} nodes, the functions that the model calls opened")

    def _opened(self, calls: collections.Counter[tuple[str, str]], within: tuple[tuple[str, str], ...]) -> int:
        """The nodes of a body with its calls opened."""
        total = 0
        for name, times in calls.items():
            if name not in self._calls:
                total += times
                continue
            if name in within or len(within) > DEEPEST:
                raise Malformed(f"a function that calls itself, or more than {DEEPEST} in each other: {name[1]!r}")
            if name not in self._sizes:
                self._sizes[name] = self._opened(self._calls[name], (*within, name))
            total += times * self._sizes[name]
        return total


def _opset(message: memoryview) -> int:
    """The version of an operator set; 0 where it is not that of ONNX itself."""
    domain, version = "", 0
    for field in fields(message):
        if field.number == 1:
            domain = text(field.content)
        elif field.number == 2:
            version = field.integer
    return version if domain in ("", "ai.onnx") else 0


def _port(message: memoryview) -> Port:
    name, shape, dtype, has_shape = "", tuple[int | str, ...](), "", False
    for field in fields(message):
        if field.number == 1:
            name = text(field.content)
        elif field.number == 2:
            kinds = [one.content for one in fields(field.content) if one.number == 1]
            parts = [one for kind in kinds for one in fields(kind)]
            dtype = next((DTYPES.get(one.integer, "") for one in parts if one.number == 1), "")
            shapes = [one.content for one in parts if one.number == 2]
            sizes = [one.content for of_shape in shapes for one in fields(of_shape) if one.number == 1]
            shape, has_shape = tuple(map(_size, sizes)), bool(shapes)
    return Port(name=name, shape=shape, dtype=dtype, has_shape=has_shape)


def _size(message: memoryview) -> int | str:
    """A size as it is declared, or the name of a free one."""
    found: int | str = ""
    for field in fields(message):
        if field.number == 1:
            value = integers(field)[0]
            found = "" if value == FREE else value
        elif field.number == 2:
            found = text(field.content)
    return found
