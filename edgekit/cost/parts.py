"""The predicted latency of a model, divided among its operators.

    part's time = the share of the overhead + overhead per operator + max(its MACs / rate, its bytes / bandwidth)

scaled so that the parts' values sum to the whole's prediction. That figure counts, because a single operator may be
bound by memory where the whole is bound by arithmetic. The low and the high ends are divided separately, and widened
where they would not enclose the value.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.cost.latency import Workload, predict_workload
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate

SOURCE = "edgekit.cost.parts: the whole's prediction, apportioned by each operator's own roofline"


def apportion(profile: DeviceProfile, whole: Estimate, parts: Sequence[Workload]) -> tuple[Estimate, ...]:
    """Milliseconds of each part on a profile, in order.

    Guarantees that the values sum to `whole.value`, the low ends to at most `whole.low` and the high ends to at
    least `whole.high`. Raises `ProfileError` where the profile has no rate for a part's arithmetic.
    """
    alone = [predict_workload(profile, part) for part in parts]
    values = _scaled([each.value for each in alone], whole.value)
    lows = _scaled([each.low for each in alone], whole.low)
    highs = _scaled([each.high for each in alone], whole.high)
    return tuple(
        Estimate(value=value, low=min(low, value), high=max(high, value), source=SOURCE)
        for value, low, high in zip(values, lows, highs, strict=True)
    )


def _scaled(weights: list[float], total: float) -> list[float]:
    together = sum(weights)
    return [total * weight / together if together else total / len(weights) for weight in weights]
