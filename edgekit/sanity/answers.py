"""Outputs of the model that are not finite numbers, and targets outside the range of its last activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.documents.report import Finding
from edgekit.sanity.amounts import share
from edgekit.verdict.targets import TargetFacts

if TYPE_CHECKING:
    import numpy as np

REACH = {
    "softmax": (0.0, 1.0), "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, float("inf")),
    "relu6": (0.0, 6.0), "softplus": (0.0, float("inf")), "softsign": (-1.0, 1.0), "exponential": (0.0, float("inf")),
}  # fmt: skip
"""The range of an activation's outputs."""
SLACK = 0.05
"""Tolerance, as a share of the targets' range: targets a little below 0 still train a relu well enough."""


def not_finite(split: str, outputs: Sequence[np.ndarray]) -> Finding | None:
    """Samples for which an output is not a finite number."""
    import numpy as np

    wrong = np.zeros(len(outputs[0]), bool) if outputs else np.zeros(0, bool)
    for output in outputs:
        wrong |= ~np.isfinite(output.reshape(len(output), -1)).all(axis=1)
    if not wrong.any():
        return None
    return Finding(
        name="not_finite",
        what=f"the model answers {share(int(wrong.sum()), len(wrong))} samples of {split} with NaN or infinity",
        advice="look at those samples, and at divisions, logarithms and variances in the model: a converted file does the same or worse",
    )


def target_range(output: str, activation: str | None, targets: TargetFacts) -> Finding | None:
    """Targets outside the range of the output's last activation."""
    low, high = REACH.get(activation or "", (float("-inf"), float("inf")))
    slack = SLACK * (targets.high - targets.low)
    if targets.low >= low - slack and targets.high <= high + slack:
        return None
    return Finding(
        name="target_range",
        what=f"targets go from {targets.low:g} to {targets.high:g}, and output {output!r} ends in {activation}, which gives {low:g} to {high:g}",
        advice="scale the targets as they were in training",
    )
