"""How good a model's outputs are: a metric's value with its interval. One file a metric.

It gets targets and outputs as arrays, one row a sample, and does not know where they come from. A user's own function is
an argument: this folder imports no code of the user's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edgekit.errors import DataError
from edgekit.values import Value
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics.accuracy import Accuracy
from edgekit.verdict.metrics.auc import Auc
from edgekit.verdict.metrics.balanced_accuracy import BalancedAccuracy
from edgekit.verdict.metrics.interface import Measure
from edgekit.verdict.metrics.mean_error import MeanAbsoluteError, MeanSquaredError
from edgekit.verdict.metrics.users_metric import UserFunction, UsersMetric

if TYPE_CHECKING:
    import numpy as np


class Score(Value):
    """A metric's value with its 95% interval; None if the targets do not define it. `method` names the interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    method: str = ""
    reason: str | None = None


def score(
    spec: MetricSpec,
    targets: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    function: UserFunction | None = None,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
    keep: Callable[[np.ndarray], None] | None = None,
) -> Score:
    """The metric of a model's outputs with its 95% interval.

    `targets` and `outputs` have one array (samples, ...) for each output of the model; the spec says which is judged.
    The accuracy of one decision a sample has Wilson's interval, everything else a seeded bootstrap of 1000 resamples, or
    of as many as are done within `time_limit_s` seconds after the call, including the value; with fewer than 100 there is no
    interval. `keep` gets the metric on each resample, which `paired_drop` takes as known. Raises `DataError` if targets and outputs do not go together.
    """
    until = math.inf if time_limit_s is None else time.monotonic() + time_limit_s
    measure = measure_of(spec, targets, outputs, function)
    value = measure.value()
    if not math.isfinite(value):
        return Score(value=None, samples=measure.samples, reason=measure.undefined)
    interval, method, figures = measure.interval(value, seed, until)
    if keep is not None and figures is not None:
        keep(figures)
    return Score(
        value=value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        samples=measure.samples,
        method=method,
    )


def measure_of(
    spec: MetricSpec, targets: Sequence[np.ndarray], outputs: Sequence[np.ndarray], function: UserFunction | None
) -> Measure:
    """The metric that a spec names, over the outputs that it names; arguments and errors as of `score`."""
    target, output = _chosen(spec, targets, outputs)
    if function is not None:
        return UsersMetric(target, output, function)
    if spec.name == "accuracy":
        return Accuracy(target, output, spec.threshold)
    if spec.name == "balanced_accuracy":
        return BalancedAccuracy(target, output, spec.threshold)
    if spec.name == "auc":
        return Auc(target, output)
    if spec.name == "mae":
        return MeanAbsoluteError(target, output)
    if spec.name == "mse":
        return MeanSquaredError(target, output)
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
