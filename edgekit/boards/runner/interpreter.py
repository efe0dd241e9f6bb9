"""The two runtimes, LiteRT (`ai-edge-litert`) and its predecessor `tflite-runtime`, whose interpreters are alike.

The only file that knows them: how one is found, what it is called, how a model is opened with threads and a delegate.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Sequence

from .problem import Problem, one_line

if TYPE_CHECKING:
    import numpy as np

NAMES = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite_runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
}
_INSTALL = "install one of them: pip install ai-edge-litert, or pip install tflite-runtime 'numpy<2'"


class Port(NamedTuple):
    """An input or output: the tensor's index, name, current shape, dtype, whether it is quantized, which dimensions are free."""

    place: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantized: bool
    free: tuple[bool, ...]


class Runtime(NamedTuple):
    """A runtime that can be imported: its name, version, module, and why another installed one could not be imported."""

    name: str
    version: str | None
    module: Any
    notes: list[str]


def find(asked: str | None, skip: Sequence[str], importing: Callable[[str | None], None]) -> Runtime:
    """The runtime that is asked for, else the first that can be imported and is not in `skip`.

    `importing` is called before and after each import, since that may crash. Raises `Problem` if there is no runtime.
    """
    failed: list[tuple[bool, str]] = []
    for name in [asked] if asked else [name for name in NAMES if name not in skip]:
        module, distribution = NAMES[name]
        importing(name)
        try:
            found = importlib.import_module(module)
        except (Exception, SystemExit) as problem:  # a broken installation raises anything
            absent = isinstance(problem, ModuleNotFoundError) and problem.name == module.split(".")[0]
            said = "is not installed" if absent else "does not import here: " + one_line(problem)
            failed.append((absent, f"{distribution} {said}"))
        else:
            importing(None)
            return Runtime(name, version_of(distribution), found, [text for absent, text in failed if not absent])
        importing(None)
    raise Problem("missing", "; ".join(text for _, text in failed) or "no runtime is left to try", _INSTALL)


def version_of(distribution: str) -> str | None:
    """The version in pip's metadata; None if the distribution was installed another way."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


class Session:
    """A model in an interpreter; call `prepare` before running it."""

    def __init__(self, runtime: Runtime, path: str, threads: int, delegate: str) -> None:
        options, self._delegate_path = _delegate_options(runtime, delegate)
        began = time.perf_counter()
        try:
            self.interpreter = runtime.module.Interpreter(model_path=path, num_threads=threads, **options)
        except (RuntimeError, ValueError) as problem:
            raise _refused(problem) from None
        self._opened_s = time.perf_counter() - began
        self.asked_nodes = self._delegate_nodes()
        self.inputs = self._ports("input")
        self.outputs = self._ports("output")
        self.load_ms = 0.0

    def prepare(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Set the inputs' shapes and allocate; `load_ms` is the time of this and of opening the file."""
        began = time.perf_counter()
        try:
            for port, shape in zip(self.inputs, shapes):
                if port.shape != shape:
                    self.interpreter.resize_tensor_input(port.place, list(shape), strict=True)
            self.interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as problem:
            raise _refused(problem) from None
        self.load_ms = (self._opened_s + time.perf_counter() - began) * 1e3
        self.inputs = self._ports("input")

    def feed(self, arrays: Sequence[np.ndarray]) -> None:
        """Set the inputs, and reset the state of a stateful model."""
        for port, array in zip(self.inputs, arrays):
            self.interpreter.set_tensor(port.place, array)
        self.interpreter.reset_all_variables()

    def invoke(self) -> None:
        """One inference; if the runtime refuses it only now, as for an operator without a kernel, the model is at fault."""
        try:
            self.interpreter.invoke()
        except (RuntimeError, ValueError) as problem:
            raise _refused(problem) from None

    def results(self) -> list[tuple[Port, np.ndarray]]:
        """The outputs of the last inference; their shapes may depend on it."""
        return [(port, self.interpreter.get_tensor(port.place)) for port in self.outputs]

    def nodes(self) -> list[tuple[str, list[int], list[int]]] | None:
        """Name, inputs and outputs of each node of the main graph; None if the runtime does not tell."""
        wrapper: Any = getattr(self.interpreter, "_interpreter", None)
        try:
            return [
                (str(wrapper.NodeName(index)), _whole(wrapper.NodeInputs(index)), _whole(wrapper.NodeOutputs(index)))
                for index in range(wrapper.NumNodes())
            ]
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return None

    def subgraphs(self) -> int | None:
        """How many graphs the file has; None if the runtime does not tell."""
        count = getattr(self.interpreter, "num_subgraphs", None)
        return None if count is None else int(count())

    def _delegate_nodes(self) -> int:
        """How many delegate nodes there are now; before `prepare`, these belong to the delegate that was asked for."""
        return sum(name == "DELEGATE" for name, _, _ in self.nodes() or [])

    def _ports(self, side: str) -> list[Port]:
        try:
            details = getattr(self.interpreter, f"get_{side}_details")()
        except (ValueError, RuntimeError, UnicodeDecodeError) as problem:
            raise _refused(problem) from None
        return [_port(detail) for detail in details]


def _port(detail: dict[str, Any]) -> Port:
    import numpy as np

    shape = tuple(_whole(detail["shape"]))
    signature = _whole(detail.get("shape_signature", shape))
    free = tuple(size < 0 for size in signature) if len(signature) == len(shape) else (False,) * len(shape)
    dtype = np.dtype(detail["dtype"])
    return Port(
        place=int(detail["index"]),
        name=str(detail["name"])[:1000],
        shape=shape,
        dtype=dtype.name,
        quantized=float(detail["quantization"][0]) != 0.0,
        free=free,
    )


def _delegate_options(runtime: Runtime, delegate: str) -> tuple[dict[str, Any], str | None]:
    if delegate == "xnnpack":  # the runtime's own default
        return {}, None
    if delegate == "none":
        kinds = getattr(runtime.module, "OpResolverType", None)
        if kinds is None:
            raise Problem(
                "delegate", "this runtime is too old to go without its default delegate", "leave --delegate out"
            )
        return {"experimental_op_resolver_type": kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES}, None
    path = os.path.abspath(delegate)
    if not os.path.isfile(path):
        raise Problem(
            "delegate", f"no such delegate: {delegate}", "give xnnpack, none, or the path of a delegate's .so"
        )
    try:
        return {"experimental_delegates": [runtime.module.load_delegate(path)]}, path
    except (OSError, ValueError, RuntimeError, AttributeError) as problem:
        what = f"the delegate cannot be loaded: {one_line(problem)}"
        raise Problem("delegate", what, "give a shared library made for this processor and runtime") from None


def _refused(problem: Exception) -> Problem:
    what = f"the interpreter refuses the model: {one_line(problem)}"
    return Problem("model", what, "see whether this runtime's version has the model's operators, and the delegate too")


def _whole(values: Any) -> list[int]:
    return [int(value) for value in values]
