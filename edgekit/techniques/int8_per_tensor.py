"""Post-training full integer with one weight scale per tensor instead of one per channel.

The file holds fewer scales and zero points, and weights that share a scale deflate better: that matters in a network of
many small channels. Accuracy suffers where the channels' ranges differ much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgekit.cost import download, flash
from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, Settings, integer, whole_integer
from edgekit.techniques.interface import COUNTS, Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.units import format_size

COSTS = {"download": download.predict, "flash": flash.predict}


class Int8PerTensor(IntegerConversion):
    """int8 with one scale for each kernel."""

    name = "int8_per_tensor"
    variant_of = "int8"
    # Shapes and zeros stay; clusters and simulated rounding are by channel, and what it does to the model says nothing of a student.
    keeps_trained = ("structured_pruning", "low_rank", "l1", "pruning")

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the device computes in int8, flash or download counts, and it saves at least a hundredth of one that counts."""
        reason = self.unsupported(task.profile)
        if reason is not None:
            return self.declined(reason)
        if task.profile.kind == "npu":
            return self.declined(
                f"the compiler of the NPU of {task.profile.name} writes the scales in its own way, whatever the file has"
            )
        counted = [metric for metric in COSTS if task.counts(metric)]
        if not counted:
            return self.declined("it saves flash and download, which neither a limit nor the goal asks for")
        told = []
        for metric in counted:
            before, after = (
                COSTS[metric](task.profile, integer(task.graph, per_channel=by_channel)).value
                for by_channel in (True, False)
            )
            if before - after >= COUNTS * before:
                return (self.defaults(task),)
            told.append(f"{format_size(before - after)} of {format_size(before)} of {metric}")
        return self.declined(
            f"it is predicted to save {' and '.join(told)}: there are few channels for so many weights"
        )

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """int8 with one scale per operator."""
        return integer(graph, per_channel=False)

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask the converter for integer operators only, and one scale for each kernel."""
        super().configure(door, converter, settings, representative)
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the file is int8 throughout and every kernel has one scale."""
        whole, detail = whole_integer(tflite)
        found = kernels(tflite)
        single = sum(len(tflite.tensors[kernel.index].scales) == 1 for kernel in found)
        return Evidence(
            technique=self.name,
            holds=whole and 0 < single == len(found),
            detail=f"{single} of {len(found)} kernels have one scale; {detail}",
        )
