"""What the page shows of a `.tflite` beside its report: its operators, their bytes, and their predicted milliseconds.

A file that is not at hand, or is for a device that nobody named, gives the reason in place of the figures.
"""

from __future__ import annotations

from edgekit.candidate import Estimate
from edgekit.profile import DeviceProfile
from edgekit.tflite.breakdown import Breakdown, breakdown
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

NO_FILE = "the model's file is not at hand"
NO_PROFILE = "the profile of the device is not at hand"


class Insides(Value):
    """The parts of a file; `reason` says why there are none, `latency_reason` why there are no milliseconds."""

    parts: Breakdown | None = None
    latencies: tuple[Estimate, ...] = ()
    reason: str = ""
    latency_reason: str = ""


def insides(model: TfliteModel | None, reason: str, profile: DeviceProfile | None, profile_reason: str) -> Insides:
    """The parts of a file on a device; the reasons are those for which the one or the other is None."""
    if model is None:
        return Insides(reason=reason or NO_FILE)
    parts = breakdown(model)
    if profile is None:
        return Insides(parts=parts, latency_reason=profile_reason or NO_PROFILE)

    from edgekit.runtimes.operator_latency import operator_latencies
    from edgekit.runtimes.static import predicted_latency

    latencies = operator_latencies(model, profile, parts=parts)
    why = "" if latencies else predicted_latency(model, profile).reason or "nothing predicts it"
    return Insides(parts=parts, latencies=latencies, latency_reason=why)
