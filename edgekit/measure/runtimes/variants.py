"""The runtimes that two files are compared on: LiteRT with each of its sets of kernels, and what else is installed."""

from __future__ import annotations

import functools
from typing import Any

from edgekit.errors import InputError
from edgekit.measure.runtimes.interface import Runtime
from edgekit.measure.runtimes.litert import LiteRt

VARIANTS = ("litert", "litert_builtin", "litert_reference", "tflite_runtime", "tflite_micro")
PACKAGES = {"tflite_runtime": "tflite_runtime", "tflite_micro": "tflite_micro"}
"""The package that a variant needs, where it is not LiteRT's own."""
TITLES = {
    "litert": "LiteRT with XNNPACK",
    "litert_builtin": "LiteRT, its own kernels without XNNPACK",
    "litert_reference": "LiteRT, its reference kernels",
    "tflite_runtime": "tflite-runtime",
    "tflite_micro": "TensorFlow Lite Micro",
}
"""What a variant is called where it could not say it itself."""
_RESOLVERS = {
    "litert_builtin": ("BUILTIN_WITHOUT_DEFAULT_DELEGATES", "its own kernels without XNNPACK"),
    "litert_reference": ("BUILTIN_REF", "its reference kernels"),
}


class _Resolved(LiteRt):
    """LiteRT with a set of kernels that is not its default."""

    def __init__(self, resolver: str, said: str) -> None:
        self._resolver, self._said = resolver, said

    def describe(self) -> str:
        return f"{super().describe()}, {self._said}"

    def _interpreter_class(self) -> Any:
        made = super()._interpreter_class()
        from ai_edge_litert.interpreter import OpResolverType

        return functools.partial(made, experimental_op_resolver_type=getattr(OpResolverType, self._resolver))


class _Default(LiteRt):
    def describe(self) -> str:
        return f"{super().describe()} with XNNPACK"


def variant(name: str) -> Runtime:
    """A runtime by its name in `VARIANTS`; raises `InputError` for another one."""
    if name == "litert":
        return _Default()
    if name in _RESOLVERS:
        return _Resolved(*_RESOLVERS[name])
    if name not in VARIANTS:
        raise InputError("unknown runtime", received=name, allowed=", ".join(VARIANTS))
    from edgekit.measure.runtimes.registry import runtime

    return runtime(name)
