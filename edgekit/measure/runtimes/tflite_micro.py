"""TensorFlow Lite for Microcontrollers on this machine: whether a model runs, the arena it needs, its outputs.

Its interpreter is a 64-bit build with the reference kernels: outputs are those of a board, the arena is an upper
bound for a 32-bit one (pointers are twice as wide), and speed means nothing. It writes messages directly to the file
descriptors and can crash, so it only ever runs in a child.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import MissingExtraError, ModelError
from edgekit.measure.runtimes.interface import Port, Refused, Session, Shape
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.places import named, place
from edgekit.tflite.reader import read_tflite
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

# The arena for the first try, before its need is known; only what was used is reported, so too much does no harm.
FIRST_ARENA_BYTES = 16 << 20
LARGEST_ARENA_BYTES = 1 << 30
_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")
_PART = re.compile(r"Arena allocation (head|tail) (\d+) bytes")
_PURPOSE = re.compile(r"'([^']+)' used (\d+) bytes with alignment overhead")
_MISSING = re.compile(r"Didn't find op for builtin opcode '([^']+)'")
_NEWER = re.compile(r"Op builtin_code out of range: (\d+)")
_CUSTOM = "Failed to get registration from op code CUSTOM"
_NODE = re.compile(r"Node (\S+) \(number (\d+)f?\) failed to (\w+)(?: with status \d+)?")
_TOO_SMALL = re.compile(r"Failed to (?:resize buffer|allocate (?:tail|temp)? ?memory)|missing: \d+", re.IGNORECASE)


class Arena(Value):
    """What the allocator used: scratch and activations at the `head`, persistent data at the `tail`, in bytes.

    `purposes` are the parts of the tail that the recording allocator names, with their padding; the rest of it is the
    interpreter's own objects.
    """

    total_bytes: int
    head_bytes: int
    tail_bytes: int
    purposes: dict[str, int] = {}


class TfliteMicro:
    """The tflite_micro interpreter with all its built-in operators."""

    name = "tflite_micro"
    title = "TensorFlow Lite Micro"

    def describe(self) -> str:
        """Name and version, as in 'TensorFlow Lite Micro 0.dev20261023'."""
        self._module()
        return f"{self.title} {importlib.metadata.version('tflite_micro')}"

    def open(self, model: Path, *, shapes: Sequence[Shape] | None = None, threads: int = 1) -> Session | Refused:
        """A session at the model's own shapes; a refusal names the operators that are missing."""
        module, read = self._module(), _read(model)
        size = FIRST_ARENA_BYTES
        while True:
            with captured() as log:
                opened = _try_open(module, model, size, read)
            if isinstance(opened, MicroSession):
                return _at_shapes(opened, shapes)
            if not _TOO_SMALL.search(log.text) or size >= LARGEST_ARENA_BYTES:
                return Refused(reason=_reason(log.text, read) or opened)
            size *= 8

    def _module(self) -> Any:
        try:
            return importlib.import_module("tflite_micro.python.tflite_micro.runtime")
        except ImportError as problem:
            raise MissingExtraError(
                "the tflite_micro interpreter is not installed",
                received=str(problem),
                next_step=f'{sys.executable or "python"} -m pip install "edgekit-tflite[micro]"',
            ) from None


class MicroSession:
    """A model that is allocated in an arena; names of inputs and outputs come from the file, as the interpreter has none."""

    def __init__(self, interpreter: Any, model: TfliteModel | None = None) -> None:
        self._interpreter, self._model = interpreter, model
        self.inputs = _ports(interpreter.get_input_details, model, () if model is None else model.inputs)
        self.outputs = _ports(interpreter.get_output_details, model, () if model is None else model.outputs)

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One inference after a reset; the arrays in the dtype and order of `inputs`."""
        self._interpreter.reset()
        for index, array in enumerate(arrays):
            self._interpreter.set_input(array, index)
        self._interpreter.invoke()
        return [self._interpreter.get_output(index) for index in range(len(self.outputs))]

    def tried(self, arrays: Sequence[np.ndarray]) -> Refused | None:
        """Run one inference that may fail; returns the failure with the operator that caused it. For a child with one thread."""
        with captured() as log:
            try:
                self.run(arrays)
            except (RuntimeError, ValueError) as problem:
                failed = str(problem)
            else:
                return None
        return Refused(reason=_reason(log.text, self._model) or failed)

    def invoke(self) -> None:
        """One inference without resetting the state."""
        self._interpreter.invoke()

    def arena(self) -> Arena | None:
        """What the allocator used, read from the text that it prints; None if that has another form."""
        with captured() as log:
            self._interpreter.print_allocations()
        total = _TOTAL.search(log.text)
        parts = {name: int(size) for name, size in _PART.findall(log.text)}
        if total is None:
            return None
        return Arena(
            total_bytes=int(total[1]),
            head_bytes=parts.get("head", 0),
            tail_bytes=parts.get("tail", 0),
            purposes={name: int(size) for name, size in _PURPOSE.findall(log.text) if int(size)},
        )


class Captured:
    """What was written to the file descriptors while they were captured."""

    text = ""


@contextlib.contextmanager
def captured() -> Iterator[Captured]:
    """Catch what native code writes to the standard streams; only for a child, whose streams are its own."""
    kept = Captured()
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield kept
        finally:
            for descriptor, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, descriptor)
                os.close(copy)
            file.seek(0)
            kept.text = file.read().decode(errors="replace")


def _read(model: Path) -> TfliteModel | None:
    """The file read by edgekit's own reader, for names; None if it refuses a file that the interpreter may still run."""
    try:
        return read_tflite(model)
    except ModelError:
        return None


def _try_open(module: Any, model: Path, size: int, read: TfliteModel | None) -> MicroSession | str:
    """A session, or the message that Python got; the interpreter itself writes more to its log."""
    try:
        return MicroSession(module.Interpreter.from_file(str(model), arena_size=size), read)
    except (RuntimeError, ValueError, IndexError, AttributeError, TypeError) as problem:
        return str(problem)


def _at_shapes(session: MicroSession, shapes: Sequence[Shape] | None) -> MicroSession | Refused:
    wanted = [port.shape for port in session.inputs]
    if shapes is None or [tuple(shape) for shape in shapes] == wanted:
        return session
    return Refused(reason=f"its inputs are fixed at {wanted}")


def _ports(details: Any, model: TfliteModel | None, tensors: Sequence[int]) -> tuple[Port, ...]:
    import numpy as np

    ports: list[Port] = []
    while True:
        try:
            with captured():  # the index that ends the list makes it log an error
                detail = details(len(ports))
        except (IndexError, ValueError, RuntimeError):
            return tuple(ports)
        scales = detail["quantization_parameters"]["scales"]
        points = detail["quantization_parameters"]["zero_points"]
        shape = tuple(int(size) for size in detail["shape"])
        index = tensors[len(ports)] if len(ports) < len(tensors) else None
        ports.append(
            Port(
                index=len(ports) if index is None else index,
                name=f"tensor {len(ports)}" if model is None or index is None else model.tensors[index].name,
                shape=shape,
                dtype=np.dtype(detail["dtype"]).name,
                scale=float(scales[0]) if len(scales) else None,
                zero_point=int(points[0]) if len(points) else None,
                free=tuple(False for _ in shape),
                signature=None
                if model is None or index is None
                else _signature_name(model, index, [port.index for port in ports].count(index)),
            )
        )


def _signature_name(model: TfliteModel, index: int, earlier: int) -> str | None:
    """The name that the file's first signature gives a tensor; another one where `earlier` ports are the same tensor."""
    names = [
        name
        for signature in model.signatures[:1]
        for name, tensor in (*signature.inputs.items(), *signature.outputs.items())
        if tensor == index
    ]
    return names[min(earlier, len(names) - 1)] if names else None


def _reason(log: str, model: TfliteModel | None) -> str:
    """The interpreter's message, beginning with the operators that stop it: which, and with which dtypes."""
    missing = sorted(set(_MISSING.findall(log)))
    if missing:
        return f"it lacks the operators {', '.join(_first_of(model, name) for name in missing)}"
    said = " ".join(log.split())
    newer = _NEWER.search(said)
    if newer is not None:
        return f"it is older than the operator {_first_of(model, f'UNKNOWN_{newer[1]}')}"
    if _CUSTOM in said and model is not None:
        customs = dict.fromkeys(operator.name for operator in model.operators if operator.custom)
        return f"it lacks a custom operator of {', '.join(_first_of(model, name) for name in customs)}"
    stopped = _NODE.search(said)
    if stopped is None:
        return said[-400:]
    before = said[: stopped.start()].strip()[-300:]
    return f"{_node(model, stopped[1], int(stopped[2]))} fails to {stopped[3]}: {before or 'it does not say why'}"


def _first_of(model: TfliteModel | None, name: str) -> str:
    number = None if model is None else named(model, name)
    return name if model is None or number is None else place(model, number)


def _node(model: TfliteModel | None, name: str, number: int) -> str:
    """The operator that the interpreter names by its number in a subgraph; taken as the main subgraph's if the names agree."""
    if model is None or number >= len(model.operators) or not _is_named(model, number, name):
        return f"{name}, operator {number},"
    return place(model, number)


def _is_named(model: TfliteModel, number: int, name: str) -> bool:
    operator = model.operators[number]
    return operator.name == name or (operator.custom and name in ("CUSTOM", operator.name))
