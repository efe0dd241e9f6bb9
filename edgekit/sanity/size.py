"""Whether there are enough samples for the verdict: how exactly they measure the drop, compared with the drop that is allowed."""

from __future__ import annotations

import math

from edgekit.documents.report import Finding, Metric
from edgekit.verdict.intervals import Z_95, paired_difference
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.task import Kind

MOST = 10**7
SCORE_POINTS = 10.0
"""A score whose 95% interval is wider than twice this gets a finding."""
NAME = "too_few_samples"


def too_few_beforehand(samples: int, metric: MetricSpec, kind: Kind | None, max_drop_points: float) -> Finding | None:
    """Too few samples to measure the allowed drop even if every decision stayed the same.

    Known beforehand for the accuracy of one decision a sample, by the interval of paired shares; other metrics must be measured.
    """
    if metric.name != "accuracy" or kind not in ("classification", "binary") or not 0 < max_drop_points < 100:
        return None
    half = _least_half_interval(samples)
    if half <= max_drop_points:
        return None
    enough = math.ceil(100 * Z_95 * math.sqrt(2) / max_drop_points - 2)
    return Finding(
        name=NAME,
        what=f"{samples:,} test samples tell a drop to ±{half:.1f} points at best, and {max_drop_points:g} may be lost",
        advice=f"test on {enough:,} samples or more, or allow more with max_drop",
    )


def too_few(drop: Metric, samples: int, max_drop_points: float) -> Finding | None:
    """Too few samples: half the interval of the drop exceeds the drop that is allowed; `drop` is in points, with its 95% interval."""
    if drop.low is None or drop.high is None or drop.value is None or max_drop_points <= 0 or samples < 1:
        return None
    half = (drop.high - drop.low) / 2
    if not math.isfinite(half) or half <= max_drop_points * (1 + 1e-9):
        return None
    enough = _samples_needed(samples, half, max_drop_points, of_shares="Bonett" in drop.source)
    about = f"about {_rounded(enough):,} samples" if enough < MOST else "many more samples"
    return Finding(
        name=NAME,
        what=f"{samples:,} {drop.split or 'test'} samples tell the drop of {drop.value:.2f} points to ±{half:.1f} points only "
        f"({drop.low:.1f} to {drop.high:.1f}), and {max_drop_points:g} may be lost",
        advice=f"test on {about}, or allow more with max_drop",
    )


def too_few_for_the_score(name: str, score: Metric, samples: int) -> Finding | None:
    """A score with a wide 95% interval, from too few samples, where no drop is measured; `score` is from 0 to 1."""
    if score.unit != "fraction" or score.low is None or score.high is None or score.value is None or samples < 1:
        return None
    half = 50 * (score.high - score.low)
    if not math.isfinite(half) or half <= SCORE_POINTS:
        return None
    said = "sample tells" if samples == 1 else "samples tell"
    enough = max(samples + 1, _rounded(math.ceil(samples * (half / SCORE_POINTS) ** 2)))
    return Finding(
        name=NAME,
        what=f"{samples:,} {score.split or 'test'} {said} the {name} of {score.value:.2%} only to lie between {score.low:.0%} and {score.high:.0%}",
        advice=f"test on about {enough:,} samples or more",
    )


def _samples_needed(samples: int, half: float, wanted: float, *, of_shares: bool) -> int:
    """How many samples would measure a drop to ±`wanted` points if these measure it to ±`half`.

    Scaled by the square of the ratio. For paired shares the interval itself is solved: it adds one decision to each kind of
    change, which counts for more where samples are few.
    """
    if not of_shares:
        return math.ceil(samples * (half / wanted) ** 2)
    changed = max(0.0, (half / 100 / Z_95) ** 2 * (samples + 2) ** 2 - 2) / samples
    # (changed n + 2) / (n + 2)^2 = (wanted / 100 Z)^2, solved for n + 2
    q = (wanted / 100 / Z_95) ** 2
    return math.ceil((changed + math.sqrt(changed**2 + 8 * q * (1 - changed))) / (2 * q) - 2)


def _least_half_interval(samples: int) -> float:
    """Half the interval of a drop in points if no decision changed: the smallest possible."""
    found = paired_difference(0, 0, samples)
    return 100 * (found.high - found.low) / 2


def _rounded(count: int) -> int:
    """A number of samples rounded up to two digits.

    >>> _rounded(1234), _rounded(87)
    (1300, 87)
    """
    if count < 100:
        return count
    step = int(10 ** (len(str(count)) - 2))
    return -(-count // step) * step
