"""Post-training dynamic range: int8 weights, float activations that kernels quantize as they run.

A quarter of the bytes without any calibration data. Not for devices without floating point, and TFLite Micro runs
no such files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.cost.lowering import DYNAMIC_RANGE_LEAST_ELEMENTS
from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import ABSENT, TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"


class Settings(Value):
    """Nothing to set."""


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Wherever the runtime has hybrid kernels, the device computes in float, and a kernel is large enough."""
    if task.profile.runtime.kind == "tflite_micro":
        return Declined(
            technique="dynamic_range", reason="TFLite Micro has no kernels for int8 weights with float activations"
        )
    if task.profile.numerics.float32 == "absent":
        return Declined(
            technique="dynamic_range", reason=f"activations stay float and {task.profile.name} has no floating point"
        )
    # Vectors are no kernels: batch normalisation is folded, biases stay in float.
    shapes = [layer.kernel for layer in task.facts.layers if layer.kernel is not None and len(layer.kernel) > 1]
    largest = max(map(math.prod, shapes), default=0)
    if largest < DYNAMIC_RANGE_LEAST_ELEMENTS:
        return Declined(
            technique="dynamic_range",
            reason=f"the converter leaves kernels below {DYNAMIC_RANGE_LEAST_ELEMENTS} weights in float: the largest has {largest}",
        )
    return (Settings(),)


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "dynamic_range"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Ask the converter for int8 weights and nothing else."""
    converter.optimizations = [door.tf.lite.Optimize.DEFAULT]


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where the large kernels and tables are int8; the converter leaves small ones in float."""
    large = [kernel.dtype for kernel in kernels(tflite) if kernel.array.size >= DYNAMIC_RANGE_LEAST_ELEMENTS]
    large += _tables(tflite)
    whole = large.count("int8")
    detail = f"{whole} of {len(large)} kernels of {DYNAMIC_RANGE_LEAST_ELEMENTS} weights or more are int8"
    return Evidence(technique="dynamic_range", holds=whole == len(large) and whole > 0, detail=detail)


def _tables(tflite: TfliteModel) -> list[str]:
    """The types of the large tables that embeddings are looked up in, each once."""
    found = {operator.inputs[0] for operator in tflite.operators if operator.name == "GATHER" and operator.inputs}
    tensors = [tflite.tensors[index] for index in sorted(found - {ABSENT})]
    return [
        tensor.dtype
        for tensor in tensors
        if tensor.constant and tensor.elements >= DYNAMIC_RANGE_LEAST_ELEMENTS and tensor.dtype in ("float32", "int8")
    ]
