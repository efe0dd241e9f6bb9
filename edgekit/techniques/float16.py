"""Post-training float16: weights stored in half the bytes; CPUs still compute in float32.

It halves the file and leaves the accuracy nearly as it is. The weights are widened when the model is loaded, so it
saves neither RAM nor time on a CPU. TFLite Micro runs no such files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"


class Settings(Value):
    """Nothing to set."""


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Wherever the runtime reads float16 weights."""
    if task.profile.runtime.kind == "tflite_micro":
        return Declined(technique="float16", reason="TFLite Micro has no kernel that reads float16 weights")
    if task.profile.numerics.float16 == "absent":
        return Declined(
            technique="float16", reason=f"{task.profile.name} neither computes in float16 nor stores weights so"
        )
    return (Settings(),)


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "float16"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for float16 weights."""
    converter.optimizations = [door.tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [door.tf.float16]


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where every kernel is stored as float16."""
    found = kernels(tflite)
    halves = sum(kernel.dtype == "float16" for kernel in found)
    return Evidence(
        technique="float16", holds=0 < halves == len(found), detail=f"{halves} of {len(found)} kernels are float16"
    )
