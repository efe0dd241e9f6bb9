"""Computes what a page shows of a `.tflite` besides its report: bytes and memory counted, milliseconds predicted.

Nothing is run. The milliseconds of the operators sum to the latency of the verdict, so that a page shows one total.
"""

from __future__ import annotations

import math

import msgspec

from edgekit.cost.file_latency import predicted_latency
from edgekit.cost.operator_latency import operator_latencies
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate
from edgekit.documents.insides import NO_CANDIDATE, NO_FILE, NO_PROFILE, ON_NPU, Insides
from edgekit.documents.report import Chosen
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.model import TfliteModel

LARGEST_MS = 1e18
"""A larger latency, as in a damaged report, is not divided among the operators."""


def insides(
    chosen: Chosen | None,
    model: TfliteModel | None,
    profile: DeviceProfile | None,
    *,
    model_reason: str = "",
    profile_reason: str = "",
) -> Insides:
    """The parts of a report's chosen file on its device; the reasons say why `model` or `profile` is None."""
    if chosen is None:
        return Insides(reason=model_reason or NO_CANDIDATE)
    if model is None:
        return Insides(reason=model_reason or NO_FILE)
    parts = breakdown(model)
    if profile is None:
        return Insides(parts=parts, latency_reason=profile_reason or NO_PROFILE)
    latencies = operator_latencies(model, profile, parts=parts)
    if not latencies:
        why = predicted_latency(model, profile).reason or "nothing predicts it"
        return Insides(parts=parts, latency_reason=why)
    whole = sum(time.value for time in latencies)
    found = Insides(parts=parts, latencies=latencies, latency_ms=whole, latency_basis="predicted")
    return _with_one_total(found, whole, chosen)


def _with_one_total(found: Insides, predicted_ms: float, chosen: Chosen) -> Insides:
    """The same with operators whose milliseconds sum to the latency of the verdict.

    For a file on an NPU there are none: the NPU runs what its compiler made of the operators.
    """
    if chosen.compiled is not None and chosen.compiled.on_npu:
        return Insides(parts=found.parts, latency_reason=ON_NPU, is_compiled=True)
    metric = chosen.metrics.get("latency")
    if metric is None or metric.value is None or not abs(metric.value) <= LARGEST_MS or predicted_ms <= 0:
        return found
    if math.isclose(metric.value, predicted_ms, rel_tol=1e-6):
        return found
    return msgspec.structs.replace(
        found,
        latencies=tuple(_scaled(time, metric.value / predicted_ms) for time in found.latencies),
        latency_ms=float(metric.value),
        latency_basis=metric.basis,
        predicted_ms=predicted_ms,
    )


def _scaled(time: Estimate, factor: float) -> Estimate:
    """One operator's part of a latency that has no interval."""
    value = time.value * factor
    return msgspec.structs.replace(time, value=value, low=value, high=value)
