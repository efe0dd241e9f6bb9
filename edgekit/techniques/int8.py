"""Post-training full integer: int8 weights and activations, calibrated on training samples.

A quarter of the bytes, and the fastest arithmetic where the device has int8 instructions. Every operator must have an
integer kernel; input and output are int8 or float as the device needs. After quantization-aware training the same
conversion takes its ranges from the training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import float_operators
from edgekit.tflite.weights import kernels
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"
CALIBRATED = True
Io = Literal["int8", "uint8", "float32"]


class Settings(Value):
    """`io` is the dtype of the model's inputs and outputs."""

    io: Io = "float32"


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Wherever the device computes in int8; the profile says what its ends must be."""
    if task.profile.numerics.int8 == "absent":
        return Declined(technique="int8", reason=f"{task.profile.name} has no int8 arithmetic")
    return (Settings(io=preferred_io(task)),)


def preferred_io(task: Task) -> Io:
    """The first dtype that the profile takes at a model's ends."""
    known: tuple[Io, ...] = ("int8", "uint8", "float32")
    wanted = (io for dtype in task.profile.numerics.input_output for io in known if io == dtype)
    return next(wanted, "float32")


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "int8"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for integer operators alone."""
    tf = door.tf
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    dtype = {"int8": tf.int8, "uint8": tf.uint8, "float32": tf.float32}[settings.io]
    converter.inference_input_type = dtype
    converter.inference_output_type = dtype


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where every kernel is int8 and no operator but those at the edges works in float."""
    found = kernels(tflite)
    whole = sum(kernel.dtype in ("int8", "int4") for kernel in found)
    floats = sorted({operator.name for operator in float_operators(tflite)})
    detail = f"{whole} of {len(found)} kernels are int8; " + (
        f"float operators: {', '.join(floats)}" if floats else "no float operator"
    )
    return Evidence(technique="int8", holds=whole == len(found) and not floats, detail=detail)
