"""Post-training int8 where it can be, float where an operator has no integer kernel.

For models with an operator that cannot be quantized, on devices that compute in float too. Where every operator has
an integer kernel it makes the same file as int8 with float ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.candidate import Declined
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
    """Nothing to set: input and output stay float."""


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Where the device computes in both and takes float at the ends."""
    numerics = task.profile.numerics
    if numerics.float32 != "native" or "float32" not in numerics.input_output:
        return Declined(
            technique="int8_float_fallback",
            reason=f"{task.profile.name} is to run integers only: no float input, output or operator",
        )
    if numerics.int8 == "absent":
        return Declined(technique="int8_float_fallback", reason=f"{task.profile.name} has no int8 arithmetic")
    return (Settings(),)


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "int8_float_fallback"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for int8 and let it keep float operators."""
    tf = door.tf
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where at least one kernel is int8; names the operators that stayed float."""
    found = kernels(tflite)
    whole = sum(kernel.dtype == "int8" for kernel in found)
    floats = sorted({operator.name for operator in float_operators(tflite)})
    detail = f"{whole} of {len(found)} kernels are int8; float: {', '.join(floats) or 'nothing'}"
    return Evidence(technique="int8_float_fallback", holds=whole > 0, detail=detail)
