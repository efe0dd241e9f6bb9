"""What the page shows of a `.tflite` beside its report: its operators, their bytes, and their predicted milliseconds.

If the file or the profile of its device is not available, the reason is shown instead of the figures.
"""

from __future__ import annotations

import math

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate
from edgekit.documents.report import Chosen
from edgekit.emit.html.scatter import is_finite
from edgekit.tflite.breakdown import Breakdown, breakdown
from edgekit.tflite.model import TfliteModel
from edgekit.units import format_ms
from edgekit.values import Value

NO_FILE = "the model's file is not at hand"
NO_PROFILE = "the profile of the device is not at hand"
ON_NPU = "the NPU runs what its compiler made of these operators, and their times stand under On the NPU"
WHOLE = "The milliseconds are the prediction for the whole, shared out by what each operator computes and moves."


class Insides(Value):
    """The parts of a file; `reason` says why there are none, `latency_reason` why there are no milliseconds.

    `latency_words` says what the milliseconds are. `is_compiled` says that an NPU runs another file than this one.
    """

    parts: Breakdown | None = None
    latencies: tuple[Estimate, ...] = ()
    reason: str = ""
    latency_reason: str = ""
    latency_words: str = WHOLE
    is_compiled: bool = False


def insides(model: TfliteModel | None, reason: str, profile: DeviceProfile | None, profile_reason: str) -> Insides:
    """The parts of a file on a device; the reasons say why model or profile is None."""
    if model is None:
        return Insides(reason=reason or NO_FILE)
    parts = breakdown(model)
    if profile is None:
        return Insides(parts=parts, latency_reason=profile_reason or NO_PROFILE)

    from edgekit.cost.file_latency import predicted_latency
    from edgekit.cost.operator_latency import operator_latencies

    latencies = operator_latencies(model, profile, parts=parts)
    why = "" if latencies else predicted_latency(model, profile).reason or "nothing predicts it"
    return Insides(parts=parts, latencies=latencies, latency_reason=why)


def as_judged(inside: Insides, chosen: Chosen | None) -> Insides:
    """The same with one total: the operators' milliseconds are scaled to sum to the figure of the verdict.

    If that figure was measured, or comes from an NPU's compiler, the predicted milliseconds would contradict it.
    """
    if chosen is None or not inside.latencies:
        return inside
    if chosen.compiled is not None and chosen.compiled.on_npu:
        return msgspec.structs.replace(inside, latencies=(), latency_reason=ON_NPU, is_compiled=True)
    metric, predicted = chosen.metrics.get("latency"), sum(time.value for time in inside.latencies)
    if metric is None or metric.value is None or not is_finite(metric.value) or predicted <= 0:
        return inside
    if math.isclose(metric.value, predicted, rel_tol=1e-6):
        return inside
    words = (
        f"The milliseconds are the {format_ms(metric.value)} of the whole, {metric.basis}, shared out as they are predicted for "
        f"each operator; the prediction of the whole was {format_ms(predicted)}."
    )
    shared = tuple(_scaled(time, metric.value / predicted) for time in inside.latencies)
    return msgspec.structs.replace(inside, latencies=shared, latency_words=words)


def _scaled(time: Estimate, factor: float) -> Estimate:
    """A scaled time without an interval."""
    value = time.value * factor
    return msgspec.structs.replace(time, value=value, low=value, high=value)
