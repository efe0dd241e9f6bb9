"""What was measured corrects what was estimated: predictions of candidates that were not tried yet, made anew.

Training changes neither the size nor the speed of a conversion's file, so the measured figures of the same conversion
without training hold (but where an NPU's compiler codes the weights, or look-up tables pack them); for another conversion the baseline tells by how much the cost models are off on this model.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edgekit.cost import npu
from edgekit.documents.candidate import Candidate, Estimate, Step
from edgekit.planner.chains import packs
from edgekit.planner.trial import Trial, figure

SCALED = ("flash", "download", "ram")
SAME_AS_UNTRAINED = ("flash", "ram", "latency")


def corrected(candidate: Candidate, trials: Sequence[Trial], *, compiled: bool = False) -> Candidate:
    """The candidate with its estimates scaled by measured over estimated of the nearest trial there is.

    `compiled` says that an NPU's compiler codes the weights, so that training does change size and time.
    """
    baseline = next((trial for trial in trials if trial.candidate.role == "baseline"), None)
    packed = packs(candidate.steps[-1].technique)
    wanted = (
        candidate.steps[-1:] if packed is None else (Step(technique=packed, settings=candidate.steps[-1].settings),)
    )
    plain = next((trial for trial in trials if trial.candidate.steps == wanted), None)
    trained = len(candidate.steps) > 1
    reference = plain if trained and plain is not None and plain.failure is None else baseline
    if reference is None:
        return candidate
    same = SAME_AS_UNTRAINED if reference is plain and not compiled and packed is None else ()
    estimates = {name: _scaled(name, found, reference, name in same) for name, found in candidate.estimates.items()}
    if compiled and reference is plain and figure(reference, "latency") != float("inf"):
        plain_ms = figure(reference, "latency")
        estimates["latency"] = npu.latency_after(candidate.steps, plain_ms, reference.candidate.name)
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
