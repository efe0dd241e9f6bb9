"""The values of a plan: a step, a candidate with its estimates, and a technique that was declined.

`plan.json` is one `Plan`: what would be tried on a device, in which order, and why the rest would not.
"""

from __future__ import annotations

from typing import Any, Literal

from edgekit.documents.shown import Shown
from edgekit.values import Value


class Step(Value):
    """One technique with its settings as JSON builtins; the last step of a candidate is its conversion."""

    technique: str
    settings: dict[str, Any] = {}


class Estimate(Value):
    """What a candidate is predicted to cost, with its interval; None where there is no model of it."""

    value: float
    low: float
    high: float
    source: str


class Candidate(Value):
    """Steps in the order they are applied, and what they are predicted to cost.

    `estimates` are keyed by metric name (`flash`, `download`, `ram` in bytes, `latency` in milliseconds).
    `control` names the candidate that was trained by the same rules, without the technique.
    """

    name: str
    steps: tuple[Step, ...]
    estimates: dict[str, Estimate] = {}
    role: Literal["baseline", "candidate", "control"] = "candidate"
    control: str | None = None


class Declined(Value):
    """A technique that is not tried, and a reason that a user understands."""

    technique: str
    reason: str


class Plan(Shown):
    """What would be tried for a device, cheapest first.

    `limits` are those that decide, `defaults` those of the profile that nobody asked for: what exceeds one is warned of.
    `notes` say how the model was read, and what passes over its graph did.
    """

    schema_version: int
    device: str
    outcome: Literal["possible", "impossible"]
    reason: str
    candidates: tuple[Candidate, ...]
    declined: tuple[Declined, ...]
    limits: dict[str, float] = {}
    defaults: dict[str, float] = {}
    notes: tuple[str, ...] = ()
