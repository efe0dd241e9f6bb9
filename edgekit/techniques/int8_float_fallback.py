"""Post-training int8 where it can be, float where an operator has no integer kernel.

For models with an operator that cannot be quantized, on devices that compute in float too: also on microcontrollers
with a floating-point unit, where input and output are int8 all the same. Where every operator has an integer kernel it
makes the same file as int8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.documents.candidate import Declined
from edgekit.techniques.int8 import Io, preferred_io
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import float_operators
from edgekit.tflite.weights import kernels
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"
CALIBRATED = True
REPLACES_FAILED = "int8"
"""It is worth a trial only where this technique's conversion failed."""


class Settings(Value):
    """`io` is the dtype of the model's inputs and outputs."""

    io: Io = "float32"


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Where the device computes in both; the profile says what the ends must be."""
    numerics = task.profile.numerics
    if numerics.float32 != "native":
        return Declined(
            technique="int8_float_fallback", reason=f"{task.profile.name} computes no operator in floating point"
        )
    if numerics.int8 == "absent":
        return Declined(technique="int8_float_fallback", reason=f"{task.profile.name} has no int8 arithmetic")
    return (Settings(io=preferred_io(task)),)


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "int8_float_fallback"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for int8 and let it keep float operators."""
    tf = door.tf
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    dtype = {"int8": tf.int8, "uint8": tf.uint8, "float32": tf.float32}[settings.io]
    converter.inference_input_type = dtype
    converter.inference_output_type = dtype


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where at least one kernel is int8; names the operators that stayed float."""
    found = kernels(tflite)
    whole = sum(kernel.dtype == "int8" for kernel in found)
    floats = sorted({operator.name for operator in float_operators(tflite)})
    detail = f"{whole} of {len(found)} kernels are int8; float: {', '.join(floats) or 'nothing'}"
    return Evidence(technique="int8_float_fallback", holds=whole > 0, detail=detail)
