"""LiteRT (`ai-edge-litert`), whose predecessor `tflite-runtime` has the same methods.

It knows the Python interpreter of TensorFlow Lite, and not what is run with it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import MissingExtraError
from edgekit.measure.runtimes.interface import Port, Refused, Session, Shape
from edgekit.measure.runtimes.litert_said import plain

if TYPE_CHECKING:
    import numpy as np


class LiteRt:
    """LiteRT for Linux: the interpreter with its built-in operators and XNNPACK, with default settings."""

    name = "litert"
    title = "LiteRT"
    module = "ai_edge_litert.interpreter"
    distribution = "ai-edge-litert"
    install = 'pip install "edgekit-tflite"'

    def describe(self) -> str:
        """Name and version, as in 'LiteRT 2.3.0'."""
        self._interpreter_class()
        return f"{self.title} {importlib.metadata.version(self.distribution)}"

    def open(self, model: Path, *, shapes: Sequence[Shape] | None = None, threads: int = 1) -> Session | Refused:
        """A session of the interpreter with `threads` threads; if it refuses the model, its message is the reason."""
        interpreter_class = self._interpreter_class()
        try:
            interpreter = interpreter_class(model_path=str(model), num_threads=threads)
            if shapes is not None:
                for port, shape in zip(interpreter.get_input_details(), shapes, strict=True):
                    if tuple(port["shape"]) != tuple(shape):
                        interpreter.resize_tensor_input(port["index"], list(shape))
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as problem:
            return Refused(reason=plain(_one_line(problem)))
        return _Session(interpreter)

    def _interpreter_class(self) -> Any:
        try:
            return importlib.import_module(self.module).Interpreter
        except ImportError as problem:
            raise MissingExtraError(
                f"{self.title} is not installed", received=str(problem), next_step=self.install
            ) from None


class _Session:
    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self.inputs = _ports(interpreter, "input")
        self.outputs = _ports(interpreter, "output")

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        for port, array in zip(self.inputs, arrays, strict=True):
            self._interpreter.set_tensor(port.index, array)
        # An LSTM keeps its state in variable tensors: without this, a sample's result would depend on the one before.
        self._interpreter.reset_all_variables()
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(port.index) for port in self.outputs]

    def invoke(self) -> None:
        self._interpreter.invoke()


def _ports(interpreter: Any, side: str) -> tuple[Port, ...]:
    details = getattr(interpreter, f"get_{side}_details")()
    names = _signature_names(interpreter, side)
    return tuple(_port(detail, _next_of(names.get(int(detail["index"]), []))) for detail in details)


def _next_of(names: list[str]) -> str | None:
    """The name of a port: one tensor may be two outputs, and each of its names is given once."""
    return names.pop(0) if len(names) > 1 else names[0] if names else None


def _port(detail: dict[str, Any], signature: str | None) -> Port:
    import numpy as np

    scale, zero_point = detail["quantization"]
    quantized = scale != 0.0
    shape = tuple(int(size) for size in detail["shape"])
    free = tuple(int(size) < 0 for size in detail.get("shape_signature", shape))
    return Port(
        index=int(detail["index"]),
        name=str(detail["name"]),
        shape=shape,
        dtype=np.dtype(detail["dtype"]).name,
        scale=float(scale) if quantized else None,
        zero_point=int(zero_point) if quantized else None,
        free=free if len(free) == len(shape) else tuple(False for _ in shape),
        signature=signature,
    )


def _signature_names(interpreter: Any, side: str) -> dict[int, list[str]]:
    """Names by tensor index from the file's first SignatureDef; empty if it has none or it cannot be read."""
    try:
        keys = list(interpreter.get_signature_list())
        if not keys:
            return {}
        runner = interpreter.get_signature_runner(keys[0])
        details = getattr(runner, f"get_{side}_details")()
    except (RuntimeError, ValueError, AttributeError, KeyError):
        return {}
    found: dict[int, list[str]] = {}
    for name, detail in details.items():
        found.setdefault(int(detail["index"]), []).append(str(name))
    return found


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:500]
