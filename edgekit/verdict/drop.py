"""How many points a model is worse than the baseline on the same samples, with the paired interval.

What a metric's value is, `edgekit.verdict.metrics` knows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from edgekit.values import Value
from edgekit.verdict.intervals import Interval, paired_difference
from edgekit.verdict.metric_spec import POINT, MetricSpec, point_of
from edgekit.verdict.metrics import measure_of
from edgekit.verdict.metrics.bootstrap import bootstrap
from edgekit.verdict.metrics.interface import Measure
from edgekit.verdict.metrics.users_metric import UserFunction

if TYPE_CHECKING:
    import numpy as np


class Drop(Value):
    """How many points a model is worse than the baseline on the same samples, with the 95% interval; below 0: better.

    A point is 0.01 of accuracy or AUC, else one percent of the baseline's value. None if the baseline's value is
    zero or not defined. `of_decisions` says that the drop is a share of the samples, each with one decision.
    """

    points: float | None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    method: str = ""
    reason: str | None = None
    of_decisions: bool = False


def paired_drop(
    spec: MetricSpec,
    targets: Sequence[np.ndarray],
    baseline: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    function: UserFunction | None = None,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
    known: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
) -> Drop:
    """How many points `outputs` are worse than `baseline` on the same samples, with the paired 95% interval.

    The accuracy of one decision a sample has the interval of Bonett and Price for paired shares, everything else a
    bootstrap in which both models get the same 1000 resamples, or as many as `score` would take in `time_limit_s`. `known` are
    the metrics of the baseline and of the model on the first of them, as `score` kept them: they are not computed again.
    Raises `DataError` as `score` does.
    """
    until = math.inf if time_limit_s is None else time.monotonic() + time_limit_s
    first = measure_of(spec, targets, baseline, function)
    second = measure_of(spec, targets, outputs, function)
    before, after = first.value(), second.value()
    point = point_of(spec.name, before)
    reason = _undefined(first, before, after, point)
    if reason is not None:
        return Drop(points=None, samples=first.samples, reason=reason)
    if point == 0.0:
        return Drop(points=0.0, low=0.0, high=0.0, samples=first.samples, method="equal values")
    sign = 1.0 if spec.higher_is_better else -1.0
    points = sign * (before - after) / point
    interval, method = _paired_interval(
        _Known(first, known[0]), _Known(second, known[1]), points, sign, point, seed, until
    )
    return Drop(
        points=points,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        samples=first.samples,
        method=method,
        of_decisions=first.decisions is not None and second.decisions is not None,
    )


def _undefined(first: Measure, before: float, after: float, point: float) -> str | None:
    """Why no drop can be told between two values; None where one can."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return first.undefined
    if point == 0.0 and before != after:
        return "the baseline's value is 0, and a percentage of it says nothing"
    return None


class _Known(NamedTuple):
    """A metric over one model's outputs, and its figures on the first resamples, where they are known."""

    measure: Measure
    figures: np.ndarray | None

    def resampled(self, rows: np.ndarray, start: int) -> np.ndarray:
        """The metric on some resamples, of which the first has the number `start`."""
        import numpy as np

        known = np.empty(0) if self.figures is None else self.figures[start : start + len(rows)]
        rest = rows[len(known) :]
        return np.concatenate([known, self.measure.resampled(rest)]) if len(rest) else known


def _paired_interval(
    before: _Known, after: _Known, points: float, sign: float, point: float, seed: int, until: float
) -> tuple[Interval | None, str]:
    import numpy as np

    first, second = before.measure, after.measure
    if first.decisions is not None and second.decisions is not None:
        only_first = int(np.sum(first.decisions & ~second.decisions))
        only_second = int(np.sum(second.decisions & ~first.decisions))
        share = paired_difference(only_first, only_second, first.samples)
        both = (share.low / POINT, share.high / POINT)
        return Interval(low=min(*both, points), high=max(*both, points)), "Bonett-Price interval for paired shares"

    def difference(rows: np.ndarray, start: int) -> np.ndarray:
        apart: np.ndarray = sign * (before.resampled(rows, start) - after.resampled(rows, start)) / point
        return apart

    interval, method, _ = bootstrap(difference, first.samples, points, seed, until)
    return interval, f"paired {method}" if interval else method
