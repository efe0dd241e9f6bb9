"""tflite-runtime, LiteRT's predecessor: the one with wheels for 32-bit Raspberry Pi OS.

Its last version (2.14.0) needs numpy below 2 and CPython up to 3.11, so it is installed in an environment of its own; the
interpreter has the same methods as LiteRT's.
"""

from __future__ import annotations

from edgekit.measure.runtimes.litert import LiteRt


class TfliteRuntime(LiteRt):
    """The interpreter of `tflite-runtime`."""

    name = "tflite_runtime"
    title = "tflite-runtime"
    module = "tflite_runtime.interpreter"
    distribution = "tflite-runtime"
    install = 'pip install "edgekit-tflite[tflite-runtime]" (CPython 3.11 or older, in an environment of its own)'
