"""Post-training int8 where possible, float where an operator has no integer kernel.

It is for models with an operator that cannot be quantized, on devices that also compute in float. Among these are
microcontrollers with a floating-point unit, where inputs and outputs are still int8. Where every operator has an
integer kernel, it makes the same file as int8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, Settings, integer
from edgekit.techniques.interface import Evidence, Task
from edgekit.techniques.sites import without_kernels
from edgekit.tflite.float_ends import float_ends
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import float_operators
from edgekit.tflite.weights import kernels


class Int8FloatFallback(IntegerConversion):
    """int8 that may leave operators in float."""

    name = "int8_float_fallback"
    after_training = 2
    replaces_failed = "int8"
    equalizes = True

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the device computes in both; the profile says the dtype of inputs and outputs."""
        numerics = task.profile.numerics
        if numerics.float32 != "native":
            return self.declined(f"{task.profile.name} computes no operator in floating point")
        reason = self.unsupported(task.profile) or without_kernels(task.facts)
        if reason is not None:
            return self.declined(reason)
        return (self.defaults(task),)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """As int8; only the file shows which operators stay in float."""
        return replace(integer(graph), may_stay_float=True)

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask the converter for int8 and let it keep float operators."""
        super().configure(door, converter, settings, representative)
        operators = door.tf.lite.OpsSet
        converter.target_spec.supported_ops = [operators.TFLITE_BUILTINS_INT8, operators.TFLITE_BUILTINS]

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where at least one kernel is int8; names the operators that stayed float."""
        found = kernels(tflite)
        whole = sum(kernel.dtype == "int8" for kernel in found)
        ends = float_ends(tflite)
        floats = sorted({operator.name for operator in float_operators(tflite) if operator not in ends})
        detail = f"{whole} of {len(found)} kernels are int8; float: {', '.join(floats) or 'nothing'}"
        return Evidence(technique=self.name, holds=whole > 0, detail=detail)
