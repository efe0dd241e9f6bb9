"""The predicted latency of a `.tflite` on a device: the work of its operators, and the roofline of the board.

Nothing is run. `operator_latency` divides the latency among the operators.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from edgekit.cost.latency import Workload, predict_workload
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.report import Metric
from edgekit.errors import ProfileError
from edgekit.tflite.coding.kinds import NAMES
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.numerics import arithmetic

COST_NAMES = {"float16": "float32", "hybrid": "dynamic_range", "other": "float32"}
"""The cost model's name of an arithmetic, where the file's analysis has another."""


def predicted_latency(model: TfliteModel, profile: DeviceProfile) -> Metric:
    """The latency on the profile's device by the roofline; without a value where the file's work cannot be counted.

    Kernels that are written out once, when the file is opened, take no time of an inference but for reading them.
    """
    if model.compiled_by is not None:
        return _no_latency(hidden(model))
    if model.runs is None:
        return _no_latency("it has a loop (WHILE), whose turns the file does not tell")
    kinds = _arithmetic(model)
    once = [operator for operator in model.operators if model.is_once(operator)]
    expanded = sum(model.tensors[index].size_bytes for operator in once for index in operator.outputs)
    written = model.activation_bytes if model.subgraphs == 1 else model.written_bytes
    estimates, fast = [], []
    try:
        for dtype in kinds or ("float32",):
            work = Workload(
                macs=model.macs,
                weight_bytes=model.weight_bytes,
                activation_bytes=written - expanded,
                operators=model.runs - len(once),
                dtype=dtype,
                decoded=decoded_weights(model.tensors),
            )
            estimates.append(predict_workload(profile, work))
            # The operators of a loop's body are small, and LiteRT runs some in less than the usual overhead per
            # operator.
            fast.append(
                predict_workload(profile, msgspec.structs.replace(work, operators=len(model.operators) - len(once)))
            )
    except ProfileError as problem:
        return _no_latency(problem.what)
    return Metric(
        value=estimates[0].value,
        unit="ms",
        basis="predicted",
        source=estimates[0].source,
        low=min(estimate.low for estimate in (*estimates, *fast)),
        high=max(estimate.high for estimate in estimates),
        runtime=profile.runtime.kind,
        threads=profile.runtime.threads,
    )


def decoded_weights(tensors: Iterable[Tensor]) -> dict[str, int]:
    """How many weights are decoded into these tensors, by the kind of their coding."""
    found: dict[str, int] = {}
    for tensor in tensors:
        if tensor.coding is not None:
            kind = NAMES[type(tensor.coding)]
            found[kind] = found.get(kind, 0) + tensor.elements
    return found


def _arithmetic(model: TfliteModel) -> tuple[str, ...]:
    """The arithmetic of a file's multiply-accumulates in the cost model's names, the one with most of them first."""
    macs: dict[str, int] = {}
    for operator, kind in zip(model.operators, arithmetic(model), strict=True):
        if operator.macs:
            name = COST_NAMES.get(kind, kind)
            macs[name] = macs.get(name, 0) + operator.macs
    return tuple(sorted(macs, key=lambda name: -macs[name]))


def _no_latency(reason: str) -> Metric:
    return Metric(value=None, unit="ms", basis=None, source="", reason=reason)


def hidden(model: TfliteModel) -> str:
    """Why the work of a compiled file cannot be counted."""
    return f"{model.compiled_by} compiled this file: its work is inside a custom operator"
