"""Post-training 16x8: int16 activations with int8 weights, where int8 activations lose too much.

The file is about as small as with int8; activations take twice the RAM, and few processors are fast at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import Conversion, Evidence, Task
from edgekit.techniques.sites import without_kernels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import dominant_arithmetic
from edgekit.tflite.weights import kernels
from edgekit.values import Value


class Settings(Value):
    """`io` is the dtype of the model's inputs and outputs."""

    io: Literal["int16", "float32"] = "float32"


class Int16x8(Conversion):
    """int16 activations and int8 weights."""

    name = "int16x8"
    settings_type = Settings
    calibrated = True
    lacks = ("SQUARED_DIFFERENCE", "L2_NORMALIZATION")

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the device computes in 16x8 and takes float or int16 as inputs and outputs."""
        taken = task.profile.numerics.input_output
        reason = self.unsupported(task.profile) or without_kernels(task.facts)
        if reason is not None:
            return self.declined(reason)
        asked = self.defaults(task)
        if asked.io in taken:
            return (asked,)
        return self.declined(
            f"{task.profile.name} takes {' or '.join(taken)} at a model's ends, and 16x8 has int16 or float there",
        )

    def defaults(self, task: Task) -> Settings:
        """float32 at the ends, and int16 where the device takes that alone of the two."""
        taken = task.profile.numerics.input_output
        return Settings(io="int16" if "int16" in taken and "float32" not in taken else "float32")

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device without such kernels runs none of its files."""
        is_absent = profile.numerics.int16x8 == "absent"
        return f"{profile.name} has no kernels for int16 activations" if is_absent else None

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """int8 weights, activations of two bytes, biases of eight."""
        return integer(graph, activation_bytes=2, bias_bytes=8, arithmetic="int16x8")

    def port_dtype(self, settings: Settings) -> str:
        """The dtype that the settings name."""
        return settings.io

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask the converter for int16 activations, int8 weights, and integer operators only."""
        tf = door.tf
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        dtype = tf.int16 if settings.io == "int16" else tf.float32
        converter.inference_input_type = dtype
        converter.inference_output_type = dtype

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the arithmetic is int16 activations with int8 kernels."""
        found, kind = kernels(tflite), dominant_arithmetic(tflite)
        whole = sum(kernel.dtype == "int8" for kernel in found)
        return Evidence(
            technique=self.name,
            holds=kind == "int16x8" and whole == len(found),
            detail=f"{kind} arithmetic; {whole} of {len(found)} kernels are int8",
        )
