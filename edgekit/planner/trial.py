"""The result of trying a candidate, as the planner is told it."""

from __future__ import annotations

import math
from typing import Literal

from edgekit.documents.report import Check, Metrics
from edgekit.planner.proposal import Proposal
from edgekit.values import Value
from edgekit.verdict.checks import misses


class Trial(Value):
    """The result of trying a candidate: why it gave no file (`failure`), or its metrics and checks on validation data.

    `sha256` is the hash of its file.
    """

    candidate: Proposal
    seconds: float
    metrics: Metrics = {}
    checks: tuple[Check, ...] = ()
    failure: str | None = None
    sha256: str | None = None

    @property
    def passes(self) -> bool:
        """Whether it gave a file and every required check passed."""
        return self.failure is None and bool(self.checks) and not misses(self.checks)

    @property
    def is_predicted(self) -> bool:
        """Whether its training was ended by a prediction, so that there is no file."""
        drop = self.metrics.get("accuracy_drop")
        return drop is not None and drop.basis == "predicted"

    @property
    def outcome(self) -> Literal["pass", "fail", "failed", "control"]:
        """ "pass" or "fail" by its checks, "failed" where it gave no file, "control" where it is only compared with."""
        if self.failure is not None:
            return "failed"
        if self.candidate.role == "control":
            return "control"
        return "pass" if self.passes else "fail"

    @property
    def missed(self) -> str:
        """Why it does not pass: the failure, or what each check says; empty where it does."""
        return self.failure or "; ".join(f"{check.name}: {check.reason}" for check in misses(self.checks))


def figure(trial: Trial, name: str) -> float:
    """A metric's value; infinite where there is none."""
    metric = trial.metrics.get(name)
    return math.inf if metric is None or metric.value is None else float(metric.value)
