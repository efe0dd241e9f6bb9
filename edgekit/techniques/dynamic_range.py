"""Post-training dynamic range: int8 weights, float activations that kernels quantize as they run.

The file takes a quarter of the bytes and needs no calibration data. Devices without floating point cannot run it, nor can TFLite Micro.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Conversion, Evidence, Task
from edgekit.tflite.int8_weights import LEAST_ELEMENTS
from edgekit.tflite.model import ABSENT, TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value


class Settings(Value):
    """Nothing to set."""


class DynamicRange(Conversion):
    """int8 weights in large kernels; everything else stays float."""

    name = "dynamic_range"
    settings_type = Settings
    after_training = 3

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Wherever the runtime has hybrid kernels, the device computes in float, and a kernel is large enough."""
        reason = self.unsupported(task.profile)
        if reason is not None:
            return self.declined(reason)
        # Vectors are no kernels: batch normalisation is folded, biases stay in float.
        shapes = [layer.kernel for layer in task.facts.layers if layer.kernel is not None and len(layer.kernel) > 1]
        reason = _too_small(max(map(math.prod, shapes), default=0))
        return (Settings(),) if reason is None else self.declined(reason)

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device runs none of its files where the runtime has no hybrid kernels, or nothing computes in float."""
        if profile.runtime.kind == "tflite_micro":
            return "TFLite Micro has no kernels for int8 weights with float activations"
        is_absent = profile.numerics.float32 == "absent"
        return f"activations stay float and {profile.name} has no floating point" if is_absent else None

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires an operator with weights enough."""
        return _too_small(max((node.weights for node in graph.nodes), default=0))

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """int8 weights with one scale per channel where an operator has enough of them; activations stay float32."""
        return graph.changed(
            lambda node: {
                "arithmetic": "dynamic_range",
                **(
                    {"weight_bits": 8, "resident_bytes": 1, "scales": node.channels}
                    if node.weights >= LEAST_ELEMENTS
                    else {}
                ),
            }
        )

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask the converter for int8 weights and nothing else."""
        converter.optimizations = [door.tf.lite.Optimize.DEFAULT]

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the large kernels and tables are int8; the converter leaves small ones in float."""
        large = [kernel.dtype for kernel in kernels(tflite) if kernel.array.size >= LEAST_ELEMENTS]
        large += _tables(tflite)
        whole = large.count("int8")
        detail = f"{whole} of {len(large)} kernels of {LEAST_ELEMENTS} weights or more are int8"
        return Evidence(technique=self.name, holds=whole == len(large) and whole > 0, detail=detail)


def _too_small(largest: int) -> str | None:
    """Why nothing is stored in int8 where the largest kernel has so many weights."""
    if largest >= LEAST_ELEMENTS:
        return None
    return f"the converter leaves kernels below {LEAST_ELEMENTS} weights in float: the largest has {largest}"


def _tables(tflite: TfliteModel) -> list[str]:
    """The types of the large tables that embeddings are looked up in, each once."""
    found = {operator.inputs[0] for operator in tflite.operators if operator.name == "GATHER" and operator.inputs}
    tensors = [tflite.tensors[index] for index in sorted(found - {ABSENT})]
    return [
        tensor.dtype
        for tensor in tensors
        if tensor.constant and tensor.elements >= LEAST_ELEMENTS and tensor.dtype in ("float32", "int8")
    ]
