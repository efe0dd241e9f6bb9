"""Post-training full integer with one weight scale a tensor, in place of one a channel.

The file has no scale and no zero point for each channel of each layer, and weights that share a scale deflate better: that counts in a
network of many small channels. Accuracy suffers where the channels' ranges differ much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.cost import download, flash
from edgekit.documents.candidate import Declined, Step
from edgekit.techniques import int8
from edgekit.techniques.int8 import Io, preferred_io
from edgekit.techniques.interface import COUNTS, Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.units import format_size
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"
CALIBRATED = True
NAME, VARIANT_OF = "int8_per_tensor", "int8"
AFTER_ONLY = ("pruning",)  # zeros stay zeros; clusters and simulated rounding are by channel
COSTS = {"download": download.predict, "flash": flash.predict}


class Settings(Value):
    """`io` is the dtype of the model's inputs and outputs."""

    io: Io = "float32"


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Where the device computes in int8, flash or download counts, and the scales are a hundredth of it at least."""

    def declined(reason: str) -> Declined:
        return Declined(technique=NAME, reason=reason)

    if task.profile.numerics.int8 == "absent":
        return declined(f"{task.profile.name} has no int8 arithmetic")
    if task.profile.kind == "npu":
        return declined(
            f"the compiler of the NPU of {task.profile.name} writes the scales in its own way, whatever the file has"
        )
    counted = [metric for metric in COSTS if task.counts(metric)]
    if not counted:
        return declined("it saves flash and download, which neither a limit nor the goal asks for")
    told = []
    for metric in counted:
        before, after = (
            COSTS[metric](task.profile, task.facts, (Step(technique=name),)).value for name in (VARIANT_OF, NAME)
        )
        if before - after >= COUNTS * before:
            return (Settings(io=preferred_io(task)),)
        told.append(f"{format_size(before - after)} of {format_size(before)} of {metric}")
    return declined(f"it is predicted to save {' and '.join(told)}: there are few channels for so many weights")


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return NAME


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for integer operators alone, and one scale for each kernel."""
    int8.configure(door, converter, int8.Settings(io=settings.io), representative)
    converter._experimental_disable_per_channel = True
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where the file is int8 throughout and every kernel of it has one scale."""
    whole = int8.evidence(tflite, int8.Settings(io=settings.io))
    found = kernels(tflite)
    single = sum(len(tflite.tensors[kernel.index].scales) == 1 for kernel in found)
    return Evidence(
        technique=NAME,
        holds=whole.holds and 0 < single == len(found),
        detail=f"{single} of {len(found)} kernels have one scale; {whole.detail}",
    )
