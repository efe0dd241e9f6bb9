"""Post-training float16: weights stored in half the bytes; CPUs still compute in float32.

It halves the file and leaves the accuracy nearly as it is. The weights are widened when the model is loaded, so it
saves neither RAM nor time on a CPU. TFLite Micro runs no such files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Conversion, Evidence, Task
from edgekit.techniques.sites import without_kernels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

WIDENED = 2
"""The constants of an operator that are widened: its weights and its bias."""


class Settings(Value):
    """Nothing to set."""


class Float16(Conversion):
    """float16 weights, each constant widened to float32 by an operator of its own."""

    name = "float16"
    settings_type = Settings
    after_training = 4

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Wherever the runtime reads float16 weights."""
        reason = self.unsupported(task.profile) or without_kernels(task.facts)
        if reason is not None:
            return self.declined(reason)
        return (Settings(),)

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device runs none of its files where the runtime reads no float16 weights."""
        if profile.runtime.kind == "tflite_micro":
            return "TFLite Micro has no kernel that reads float16 weights"
        is_absent = profile.numerics.float16 == "absent"
        return f"{profile.name} neither computes in float16 nor stores weights so" if is_absent else None

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """Half the bytes of weights and biases, and an operator for each that widens them."""
        return graph.changed(
            lambda node: {"weight_bits": 16, "bias_bytes": 2, "widened": WIDENED if node.weights else 0}
        )

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask the converter for float16 weights."""
        converter.optimizations = [door.tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [door.tf.float16]

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where every kernel is stored as float16."""
        found = kernels(tflite)
        halves = sum(kernel.dtype == "float16" for kernel in found)
        return Evidence(
            technique=self.name, holds=0 < halves == len(found), detail=f"{halves} of {len(found)} kernels are float16"
        )
