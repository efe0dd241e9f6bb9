"""What a technique's file offers, and the values that it is asked with and answers in.

A technique is a module: `Settings`, `KIND`, `propose`, `label` and `evidence`, and, by its kind, `apply`, `check`,
`finish` and `scope` (training) or `configure` (conversion). Everything that is known of a technique stands in its file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from edgekit.candidate import Declined
from edgekit.facts import ModelFacts
from edgekit.profile import DeviceProfile
from edgekit.project import Goal
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value


class Task(Value):
    """What a plan is for: a device, a model, a goal, and the limits in force (bytes, milliseconds) by metric name.

    `trains` is false where the project allows no training (`epochs = 0`).
    """

    profile: DeviceProfile
    facts: ModelFacts
    goal: Goal
    limits: dict[str, float]
    trains: bool = True

    def counts(self, currency: str) -> bool:
        """Whether a currency is limited, or is what the user wants small."""
        return self.goal.currency == currency or currency in self.limits


class Evidence(Value):
    """What can be seen of a technique in a model or a file: whether it holds, and a sentence with the figures."""

    technique: str
    holds: bool
    detail: str


class Training(Protocol):
    """How a technique trains: the data, the loss and the budget are the caller's."""

    steps: int

    def fit(self, model: Any, callbacks: Sequence[Any] = ()) -> None:
        """Train for the project's epochs, `steps` steps in all."""
        ...


class Technique(Protocol):
    """A technique's module. Kinds: 'training' changes the model, 'conversion' makes the file and is always last.

    `apply`, `check`, `finish` and `scope` are asked of training techniques, `configure` of conversions. A conversion
    may say `CALIBRATED = True` (it needs the representative data set), `COSTS_LIKE = "int8"` (the conversion whose
    predicted cost is its own) and `REPLACES_FAILED = "int8"` (it is worth a trial only where that one failed).
    """

    KIND: Literal["training", "conversion"]
    Settings: type[Value]
    propose: Callable[[Task], Sequence[Any] | Declined]
    label: Callable[[Any], str]
    evidence: Callable[[TfliteModel, Any], Evidence]
    apply: Callable[[Any, Any, Any, Training, Sequence[Any]], Any]
    check: Callable[[Any, Any, Any], Evidence]
    finish: Callable[[Any, Any], Any]
    scope: Callable[[Any], AbstractContextManager[Any]]
    configure: Callable[[Any, Any, Any, Callable[[], Any]], None]
