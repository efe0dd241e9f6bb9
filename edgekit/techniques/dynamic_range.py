"""Post-training dynamic range: int8 weights, float activations that kernels quantize as they run.

A quarter of the bytes without any calibration data. Not for devices without floating point, and TFLite Micro runs
no such files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.candidate import Declined
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"
# The converter keeps kernels below 1024 elements in float: tensorflow/compiler/mlir/lite, kMinElements of quantize_weights.
MINIMUM_WEIGHTS = 1024


class Settings(Value):
    """Nothing to set."""


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Wherever the runtime has hybrid kernels and the device computes in float."""
    if task.profile.runtime.kind == "tflite_micro":
        return Declined(
            technique="dynamic_range", reason="TFLite Micro has no kernels for int8 weights with float activations"
        )
    if task.profile.numerics.float32 == "absent":
        return Declined(
            technique="dynamic_range", reason=f"activations stay float and {task.profile.name} has no floating point"
        )
    return (Settings(),)


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "dynamic_range"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for int8 weights and nothing else."""
    converter.optimizations = [door.tf.lite.Optimize.DEFAULT]


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where the large kernels are int8; the converter leaves small ones in float."""
    large = [kernel for kernel in kernels(tflite) if kernel.array.size >= MINIMUM_WEIGHTS]
    whole = sum(kernel.dtype == "int8" for kernel in large)
    detail = f"{whole} of {len(large)} kernels of {MINIMUM_WEIGHTS} weights or more are int8"
    return Evidence(technique="dynamic_range", holds=whole == len(large) and whole > 0, detail=detail)
