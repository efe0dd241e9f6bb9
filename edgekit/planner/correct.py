"""Predictions of candidates that were not tried yet, corrected by what was measured of those that were.

Training changes neither the size nor the speed of a conversion's file, so the figures measured for the same conversion
without training hold. This is not so where an NPU's compiler encodes the weights, the file codes them, or training
changed the shapes of layers. For another conversion, the baseline shows by how much the cost models are off on this
model.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edgekit.cost import npu
from edgekit.documents.candidate import Estimate
from edgekit.planner.conversions import unpacked
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial, figure

SCALED = ("flash", "download", "ram")
SAME_AS_UNTRAINED = ("flash", "ram", "latency")


def corrected(candidate: Proposal, trials: Sequence[Trial], *, compiled: bool = False) -> Proposal:
    """The candidate with its estimates scaled by measured over estimated of the nearest trial.

    `compiled` says that an NPU's compiler encodes the weights, so that training does change size and time.
    """
    baseline = next((trial for trial in trials if trial.candidate.role == "baseline"), None)
    wanted = (unpacked(candidate),)
    plain = next((trial for trial in trials if trial.candidate.steps == wanted), None)
    reference = plain if candidate.training and plain is not None and plain.failure is None else baseline
    if reference is None:
        return candidate
    alike = reference is plain and candidate.graph.dense == reference.candidate.graph.dense
    same = SAME_AS_UNTRAINED if alike and not compiled else ()
    estimates = {name: _scaled(name, found, reference, name in same) for name, found in candidate.estimates.items()}
    if compiled and alike and figure(reference, "latency") != float("inf"):
        plain_ms = figure(reference, "latency")
        estimates["latency"] = npu.latency_after(candidate.graph, plain_ms, reference.candidate.name)
    return msgspec.structs.replace(candidate, estimates=estimates)


def _scaled(name: str, estimate: Estimate, reference: Trial, same: bool) -> Estimate:
    measured, expected = figure(reference, name), reference.candidate.estimates.get(name)
    if same and measured != float("inf"):
        source = f"measured of {reference.candidate.name}, which has the same {name}"
        return Estimate(value=measured, low=measured, high=measured, source=source)
    if name not in SCALED or expected is None or expected.value <= 0 or measured == float("inf"):
        return estimate
    ratio = measured / expected.value
    return Estimate(
        value=estimate.value * ratio,
        low=min(estimate.low, estimate.low * ratio),
        high=max(estimate.high, estimate.high * ratio),
        source=f"{estimate.source}; scaled by {ratio:.2f}, measured over predicted of {reference.candidate.name}",
    )
