"""Which implementation a profile's `runtime.kind` stands for; each is imported when it is asked for."""

from __future__ import annotations

from edgekit.errors import InputError
from edgekit.runtimes.interface import Runtime


def runtime(kind: str) -> Runtime:
    """The runtime of a profile's `runtime.kind`; raises `InputError` for a name that is none."""
    if kind == "litert":
        from edgekit.runtimes.litert import LiteRt

        return LiteRt()
    if kind == "tflite_runtime":
        from edgekit.runtimes.tflite_runtime import TfliteRuntime

        return TfliteRuntime()
    if kind == "tflite_micro":
        from edgekit.runtimes.tflite_micro import TfliteMicro

        return TfliteMicro()
    raise InputError("unknown runtime", received=kind, allowed="litert, tflite_runtime, tflite_micro")
