"""How good a model's outputs are: the score, its interval, the drop from a baseline.

It gets targets and outputs as arrays, one row a sample, and does not know where they come from. A user's own function is
an argument: this module imports no code of the user's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgekit.errors import DataError
from edgekit.values import Value
from edgekit.verdict.intervals import Interval, occurrences, paired_difference, percentiles, resamples, wilson
from edgekit.verdict.metric_spec import POINT, point_of
from edgekit.verdict.metric_spec import MetricSpec as MetricSpec

if TYPE_CHECKING:
    import numpy as np

UserFunction = Callable[["np.ndarray", "np.ndarray"], float]
LABEL_THRESHOLD = 0.5
LEAST_RESAMPLES = 100
"""The fewest resamples for an interval: each end of a 95% interval cuts off one in forty, which here are two or three."""


class Score(Value):
    """A metric's value with its 95% interval; None if the targets do not define it. `method` names the interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    method: str = ""
    reason: str | None = None


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


def score(
    spec: MetricSpec,
    targets: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    function: UserFunction | None = None,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
) -> Score:
    """The metric of a model's outputs with its 95% interval.

    `targets` and `outputs` have one array (samples, ...) for each output of the model; the spec says which is judged.
    The accuracy of one decision a sample has Wilson's interval, everything else a seeded bootstrap of 1000 resamples, or
    of as many as are done within `time_limit_s` seconds after the call, including the value; with fewer than 100 there is no
    interval. Raises `DataError` if targets and outputs do not go together.
    """
    until = math.inf if time_limit_s is None else time.monotonic() + time_limit_s
    measure = _measure(spec, targets, outputs, function)
    value = measure.value()
    if not math.isfinite(value):
        return Score(value=None, samples=measure.samples, reason=measure.undefined)
    interval, method = measure.interval(value, seed, until)
    return Score(
        value=value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        samples=measure.samples,
        method=method,
    )


def paired_drop(
    spec: MetricSpec,
    targets: Sequence[np.ndarray],
    baseline: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    function: UserFunction | None = None,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
) -> Drop:
    """How many points `outputs` are worse than `baseline` on the same samples, with the paired 95% interval.

    The accuracy of one decision a sample has the interval of Bonett and Price for paired shares, everything else a
    bootstrap in which both models get the same 1000 resamples, or as many as `score` would take in `time_limit_s`.
    Raises `DataError` as `score` does.
    """
    until = math.inf if time_limit_s is None else time.monotonic() + time_limit_s
    first = _measure(spec, targets, baseline, function)
    second = _measure(spec, targets, outputs, function)
    before, after = first.value(), second.value()
    point = point_of(spec.name, before)
    sign = 1.0 if spec.higher_is_better else -1.0
    if not (math.isfinite(before) and math.isfinite(after)):
        return Drop(points=None, samples=first.samples, reason=first.undefined)
    if point == 0.0:
        if before == after:
            return Drop(points=0.0, low=0.0, high=0.0, samples=first.samples, method="equal values")
        return Drop(
            points=None, samples=first.samples, reason="the baseline's value is 0, and a percentage of it says nothing"
        )
    points = sign * (before - after) / point
    interval, method = _paired_interval(first, second, points, sign, point, seed, until)
    return Drop(
        points=points,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        samples=first.samples,
        method=method,
        of_decisions=first.decisions is not None and second.decisions is not None,
    )


def _paired_interval(
    first: _Measure, second: _Measure, points: float, sign: float, point: float, seed: int, until: float
) -> tuple[Interval | None, str]:
    import numpy as np

    if first.decisions is not None and second.decisions is not None:
        only_first = int(np.sum(first.decisions & ~second.decisions))
        only_second = int(np.sum(second.decisions & ~first.decisions))
        share = paired_difference(only_first, only_second, first.samples)
        both = (share.low / POINT, share.high / POINT)
        return Interval(low=min(*both, points), high=max(*both, points)), "Bonett-Price interval for paired shares"

    def difference(rows: np.ndarray) -> np.ndarray:
        apart: np.ndarray = sign * (first.resampled(rows) - second.resampled(rows)) / point
        return apart

    interval, method = _bootstrap(difference, first.samples, points, seed, until)
    return interval, f"paired {method}" if interval else method


def _bootstrap(
    figures: Callable[[np.ndarray], np.ndarray], samples: int, value: float, seed: int, until: float
) -> tuple[Interval | None, str]:
    """The interval of a figure by resampling, and the method's name; it ends before `until`, a time of the monotonic clock."""
    import numpy as np

    found, longest = [np.empty(0)], 0.0
    chunks = resamples(samples, seed=seed)
    for part in chunks if math.isinf(until) else (row for rows in chunks for row in np.split(rows, len(rows))):
        began = time.monotonic()
        if began + longest > until:
            break
        found.append(figures(part))
        longest = max(longest, time.monotonic() - began)
    values = np.concatenate(found)
    if len(values) < LEAST_RESAMPLES:
        return None, f"none, only {len(values)} resamples were done in the time that the metric's function was given"
    return percentiles(values, value), f"bootstrap, {len(values)} resamples"


class _Measure:
    """A metric over one model's outputs; `decisions` are right or wrong, if the metric is a share of right ones."""

    decisions: np.ndarray | None = None
    undefined = "the metric is not defined on these targets"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray) -> None:
        self.targets, self.outputs = targets, outputs
        self.samples = len(outputs)

    def value(self) -> float:
        """The metric on all samples."""
        raise NotImplementedError

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        """The metric on each resample, float64 (resamples,)."""
        raise NotImplementedError

    def interval(self, value: float, seed: int, until: float) -> tuple[Interval | None, str]:
        """The 95% interval of the value and its name."""
        return _bootstrap(self.resampled, self.samples, value, seed, until)


class _Mean(_Measure):
    """A mean of one figure a sample: accuracy, MAE, MSE."""

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, figures: np.ndarray) -> None:
        super().__init__(targets, outputs)
        self.figures = figures
        self.undefined = "an output is not a number"
        if figures.dtype == bool:
            self.decisions = figures

    def value(self) -> float:
        return float(self.figures.mean())

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        made: np.ndarray = self.figures[rows].mean(axis=1)
        return made

    def interval(self, value: float, seed: int, until: float) -> tuple[Interval | None, str]:
        if self.decisions is None:
            return super().interval(value, seed, until)
        return wilson(int(self.decisions.sum()), self.samples), "Wilson"


class _Balanced(_Measure):
    """The mean over the classes of the share of their samples (or places) that are right, however many these are.

    With several labels at once, each label's yes and no are two classes of their own.
    """

    undefined = "no target names a class"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, threshold: float) -> None:
        import numpy as np

        super().__init__(targets, outputs)
        decided, labels = (each.reshape(len(outputs), -1) for each in decisions(targets, outputs, threshold))
        right = decided == labels
        if targets.shape == outputs.shape and outputs.shape[-1] > 1 and not _is_one_hot(targets):
            labels = labels + 2 * np.arange(labels.shape[1])
        self._classes, self._labels, self._right = int(labels.max()) + 1, labels, right.astype(np.float64)

    def value(self) -> float:
        import numpy as np

        return float(self.resampled(np.arange(self.samples)[None])[0])

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.array([self._mean(self._labels[row].reshape(-1), self._right[row].reshape(-1)) for row in rows])

    def _mean(self, labels: np.ndarray, right: np.ndarray) -> float:
        import numpy as np

        there = np.bincount(labels, minlength=self._classes)
        found = np.bincount(labels, weights=right, minlength=self._classes)
        return float(np.mean(found[there > 0] / there[there > 0]))


class _Auc(_Measure):
    """Area under the ROC curve; for several classes, the unweighted mean of one class against the rest."""

    undefined = "the area under the curve needs both classes in the targets (and outputs that are numbers)"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray) -> None:
        super().__init__(targets, outputs)
        self._columns = _one_against_rest(targets, outputs)

    def value(self) -> float:
        import numpy as np

        return float(self._mean(np.ones((1, self.samples)))[0])

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        return self._mean(occurrences(rows))

    def _mean(self, weights: np.ndarray) -> np.ndarray:
        import numpy as np

        areas = np.array([_area(positive, values, weights) for positive, values in self._columns])
        if not len(areas) or not np.isfinite(self.outputs).all():
            return np.full(len(weights), np.nan)
        known = np.isfinite(areas)
        total: np.ndarray = np.where(known, areas, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return np.where(known.any(axis=0), total, np.nan)


class _User(_Measure):
    """The user's function of (y_true, y_pred)."""

    undefined = "the metric's function did not return a number"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, function: UserFunction) -> None:
        super().__init__(targets, outputs)
        self._function = function

    def value(self) -> float:
        return float(self._function(self.targets, self.outputs))

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.array([float(self._function(self.targets[row], self.outputs[row])) for row in rows])


def _measure(
    spec: MetricSpec, targets: Sequence[np.ndarray], outputs: Sequence[np.ndarray], function: UserFunction | None
) -> _Measure:
    target, output = _chosen(spec, targets, outputs)
    if function is not None:
        return _User(target, output, function)
    if spec.name == "accuracy":
        return _Mean(target, output, _hits(target, output, spec.threshold))
    if spec.name == "balanced_accuracy":
        return _Balanced(target, output, spec.threshold)
    if spec.name == "auc":
        return _Auc(target, output)
    if spec.name in ("mae", "mse"):
        return _Mean(target, output, _errors(target, output, squared=spec.name == "mse"))
    raise DataError("the metric is the user's own and needs its function", received=spec.name)


def _chosen(
    spec: MetricSpec, targets: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    if spec.output >= len(outputs) or (len(targets) > 1 and spec.output >= len(targets)) or not targets:
        raise DataError(
            "the metric looks at an output that is not there",
            received=f"output {spec.output}",
            allowed=f"0 to {min(len(outputs), max(1, len(targets))) - 1}",
        )
    target = targets[spec.output if len(targets) > 1 else 0]
    output = outputs[spec.output]
    if len(target) != len(output) or not len(output):
        raise DataError(
            "targets and outputs have a different number of samples, or none",
            received=f"{len(target)} targets, {len(output)} outputs",
        )
    return target, output


def _hits(targets: np.ndarray, outputs: np.ndarray, threshold: float) -> np.ndarray:
    """For each sample, whether it is right, bool (samples,); with many decisions a sample, the share, float (samples,)."""
    decided, labels = decisions(targets, outputs, threshold)
    right: np.ndarray = (decided == labels).reshape(len(outputs), -1)
    return right[:, 0] if right.shape[1] == 1 else right.mean(axis=1)


def decisions(targets: np.ndarray, outputs: np.ndarray, threshold: float = LABEL_THRESHOLD) -> tuple[Any, Any]:
    """The decisions and the true ones, as class numbers int64 of one shape (samples, ...); -1 for an output that is not a number.

    Outputs (samples, classes): the largest one decides; (samples, 1) or (samples,): above the threshold is
    class 1. Targets are class numbers, or have the outputs' shape: one-hot, or several labels at once (each output is
    compared with the threshold). Raises `DataError` if they do not go together.
    """
    import numpy as np

    unknown = np.isnan(outputs)
    if outputs.ndim == 1 or outputs.shape[-1] == 1:
        decided = (outputs.reshape(len(outputs), -1) > threshold).astype(np.int64)
        unknown = unknown.reshape(len(outputs), -1)
        labels = _class_numbers(_hardened(targets), 2, decided.shape)
    elif targets.shape == outputs.shape and not _is_one_hot(targets):
        decided, labels = (outputs > threshold).astype(np.int64), (targets > LABEL_THRESHOLD).astype(np.int64)
    else:
        decided, unknown = outputs.argmax(axis=-1), unknown.any(axis=-1)
        labels = _class_numbers(targets, outputs.shape[-1], decided.shape)
    return np.where(unknown, -1, decided), labels


def _hardened(targets: np.ndarray) -> np.ndarray:
    """Targets between 0 and 1, as label smoothing makes them, rounded to 0 or 1; anything else unchanged."""
    shares = targets.dtype.kind == "f" and targets.size and targets.min() >= 0 and targets.max() <= 1
    return (targets > LABEL_THRESHOLD) if shares else targets


def _is_one_hot(targets: np.ndarray) -> bool:
    import numpy as np

    return bool(np.allclose(targets.sum(axis=-1), 1.0, atol=1e-3))


def _class_numbers(targets: np.ndarray, classes: int, shape: tuple[int, ...]) -> np.ndarray:
    """Targets as class numbers of a shape; raises `DataError` if they are not class numbers."""
    import numpy as np

    labels = targets
    if labels.size == math.prod(shape) * classes and labels.shape[-1] == classes and labels.size != math.prod(shape):
        labels = labels.argmax(axis=-1)
    if labels.size != math.prod(shape):
        raise DataError(
            "the labels do not go with the outputs",
            received=f"targets of shape {targets.shape}",
            allowed=f"class numbers of shape {shape}, or one-hot rows of {classes}",
        )
    labels = labels.reshape(shape)
    if not np.isfinite(labels).all() or labels.min() < 0 or labels.max() >= classes or (labels % 1).any():
        raise DataError(
            "a label names no output of the model",
            received=f"labels from {labels.min()} to {labels.max()}",
            allowed=f"class numbers from 0 to {classes - 1}",
        )
    return labels.astype(np.int64)


def _errors(targets: np.ndarray, outputs: np.ndarray, *, squared: bool) -> np.ndarray:
    """Mean absolute or squared error of each sample, float64 (samples,)."""
    import numpy as np

    if targets.size != outputs.size:
        raise DataError(
            "targets of another shape than the outputs", received=str(targets.shape), allowed=str(outputs.shape)
        )
    gaps = outputs.reshape(len(outputs), -1).astype(np.float64) - targets.reshape(len(outputs), -1)
    return np.asarray((gaps**2 if squared else np.abs(gaps)).mean(axis=1))


def _one_against_rest(targets: np.ndarray, outputs: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each class (with two classes, the second alone): which samples are of it, and the model's output for it."""
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] == 1:
        labels = _class_numbers(targets, 2, (len(flat),))
        return [(labels == 1, flat[:, 0])]
    if targets.shape == outputs.shape and not _is_one_hot(targets):
        wanted = targets.reshape(flat.shape) > LABEL_THRESHOLD
        return [(wanted[:, index], flat[:, index]) for index in range(flat.shape[1])]
    labels = _class_numbers(targets, flat.shape[1], (len(flat),))
    classes = [1] if flat.shape[1] == 2 else range(flat.shape[1])
    return [(labels == index, flat[:, index]) for index in classes]


def _area(positive: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve for rows of sample weights (resamples, samples); NaN if a class is missing.

    The share of pairs (positive, negative) in which the positive has the larger value, ties counting half
    (Hanley and McNeil, Radiology 143:29, 1982).
    """
    import numpy as np

    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    ordered = weights[:, order]
    of_positive = np.add.reduceat(ordered * positive[order], starts, axis=1)
    of_negative = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(of_negative, axis=1) - of_negative
    pairs = of_positive.sum(axis=1) * of_negative.sum(axis=1)
    wins = (of_positive * (below + 0.5 * of_negative)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(pairs > 0, wins / pairs, np.nan))
