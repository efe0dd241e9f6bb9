"""Which metric judges a model: its name, which direction is better, which output it is computed on.

How a metric is computed is known to `edgekit.verdict.metrics`.
"""

from __future__ import annotations

from edgekit.errors import ProjectError, did_you_mean
from edgekit.values import Value

HIGHER_IS_BETTER = {"accuracy": True, "balanced_accuracy": True, "auc": True, "mae": False, "mse": False}
FRACTIONS = ("accuracy", "balanced_accuracy", "auc")
"""Metrics from 0 to 1, of which one point is 0.01."""
POINT = 0.01


class MetricSpec(Value):
    """A metric by name (`accuracy`, `balanced_accuracy`, `auc`, `mae`, `mse` or the user's `module:function`).

    `threshold` is the value above which a single output, or each of several labels, means yes: 0.5 for a
    probability, 0 for a logit.
    """

    name: str = "accuracy"
    higher_is_better: bool = True
    output: int = 0
    threshold: float = 0.5

    @property
    def is_fraction(self) -> bool:
        """Whether one point is 0.01 of the metric (else one percent of the baseline's value)."""
        return self.name in FRACTIONS


def point_of(metric: str, baseline: float) -> float:
    """One point of a metric: 0.01 of a share, else one percent of the baseline's value.

    >>> point_of("accuracy", 0.97), point_of("mae", 2.5)
    (0.01, 0.025)
    """
    return POINT if metric in FRACTIONS else abs(baseline) / 100


def least_score(metric: str, baseline: float, points: float, *, higher_is_better: bool) -> float:
    """What a score may fall (or an error rise) to where so many points may be lost against the baseline's.

    >>> least_score("accuracy", 0.97, 1.0, higher_is_better=True), least_score("mae", 2.0, 5.0, higher_is_better=False)
    (0.96, 2.1)
    """
    return baseline - points * point_of(metric, baseline) * (1 if higher_is_better else -1)


def metric_spec(
    name: str, direction: str | None, output: int = 0, *, threshold: float = 0.5, where: str = "goal"
) -> MetricSpec:
    """The metric with a name and a declared direction; raises `ProjectError` if one of them is missing or wrong."""
    if name in HIGHER_IS_BETTER:
        better = HIGHER_IS_BETTER[name]
        if direction is not None and (direction == "higher") != better:
            raise ProjectError(
                f"the direction of {name} is known", where=f"{where}.direction", received=direction, allowed="higher" if better else "lower",
                next_step="leave it out: only a metric of your own needs one",
            )  # fmt: skip
        return MetricSpec(name=name, higher_is_better=better, output=output, threshold=threshold)
    if ":" not in name:
        near = did_you_mean(name, HIGHER_IS_BETTER)
        raise ProjectError(
            "unknown metric",
            where=f"{where}.metric",
            received=name,
            allowed=", ".join([*HIGHER_IS_BETTER, "module:function"]),
            next_step=f"did you mean {near!r}?" if near else "name one of them, or a function of your own",
        )
    if direction is None:
        raise ProjectError(
            "a metric of your own needs its direction",
            where=f"{where}.direction",
            allowed="higher, lower",
            next_step='add direction = "higher" (or "lower") to [goal]',
        )
    return MetricSpec(name=name, higher_is_better=direction == "higher", output=output, threshold=threshold)
