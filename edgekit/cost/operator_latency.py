"""The predicted milliseconds of each operator of a `.tflite` on a device.

`file_latency.predicted_latency` predicts the whole, which is divided here. Nothing is run.
"""

from __future__ import annotations

from edgekit.cost.file_latency import COST_NAMES, decoded_weights, predicted_latency
from edgekit.cost.latency import Workload
from edgekit.cost.parts import apportion
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate
from edgekit.tflite.breakdown import Breakdown, OperatorRow, breakdown
from edgekit.tflite.model import TfliteModel


def operator_latencies(
    model: TfliteModel, profile: DeviceProfile, *, parts: Breakdown | None = None
) -> tuple[Estimate, ...]:
    """The predicted time of each operator, in the order of `model.operators`.

    Guarantees that the values sum to that of `predicted_latency`, and that the intervals together enclose its interval.
    Empty where `predicted_latency` has no value; its `reason` says why. `parts` is the model's breakdown, where it was
    already made.
    """
    whole = predicted_latency(model, profile)
    if whole.value is None or whole.low is None or whole.high is None:
        return ()
    estimate = Estimate(value=float(whole.value), low=whole.low, high=whole.high, source=whole.source)
    rows = (parts or breakdown(model)).operators
    # An operator without MACs takes the time of its bytes at any rate, so any known arithmetic will do.
    known = next((_dtype(row) for row in rows if row.macs), "float32")
    return apportion(profile, estimate, [_workload(model, row, _dtype(row) if row.macs else known) for row in rows])


def _dtype(row: OperatorRow) -> str:
    return COST_NAMES.get(row.dtype, row.dtype)


def _workload(model: TfliteModel, row: OperatorRow, dtype: str) -> Workload:
    operator = model.operators[row.index]
    if model.is_once(operator):
        return Workload(macs=0, weight_bytes=0, activation_bytes=0, operators=0, dtype=dtype)
    written, runs = [model.tensors[index] for index in operator.outputs], operator.runs or 0
    return Workload(
        macs=row.macs,
        weight_bytes=row.flash_bytes,
        activation_bytes=runs * sum(tensor.size_bytes for tensor in written),
        operators=runs,
        dtype=dtype,
        decoded=decoded_weights(written),
    )
