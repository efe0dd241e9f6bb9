"""Post-training full integer: int8 weights and activations, calibrated on training samples.

A quarter of the bytes, and the fastest arithmetic where the device has int8 instructions. Every operator must have an
integer kernel; input and output are int8 or float as the device needs. After quantization-aware training the same
conversion takes its ranges from the training.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, Settings, whole_integer
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel


class Int8(IntegerConversion):
    """int8 with a scale for each channel of the weights."""

    name = "int8"
    after_training = 1
    equalizes = True

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Wherever the device computes in int8; the profile says the dtype of inputs and outputs."""
        reason = self.unsupported(task.profile)
        if reason is not None:
            return self.declined(reason)
        return (self.defaults(task),)

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where every kernel is int8 and only operators at the inputs and outputs work in float."""
        holds, detail = whole_integer(tflite)
        return Evidence(technique=self.name, holds=holds, detail=detail)
