"""What a technique's file offers, and the values that it is asked with and answers in.

A technique is a module: `Settings`, `KIND`, `propose`, `label` and `evidence`, and, by its kind, `apply`, `keep`, `check`
and `scope` (training) or `configure` (conversion). Everything that is known of a technique stands in its file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ModelFacts
from edgekit.project.project import Goal
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

COUNTS = 0.01
"""A cost below this share of what there is stops counting."""


class Task(Value):
    """What a plan is for: a device, a model, a goal, and the limits in force (bytes, milliseconds) by metric name.

    `limits` are those that decide, `defaults` those of the profile that nobody asked for: none of them rules anything out.
    `trains` is false where the project allows no training (`epochs = 0`). `exclude` are the project's patterns of layers
    that no technique with training works on, `chains` its candidates of its own.
    """

    profile: DeviceProfile
    facts: ModelFacts
    goal: Goal
    limits: dict[str, float]
    defaults: dict[str, float] = {}
    trains: bool = True
    exclude: tuple[str, ...] = ()
    chains: tuple[tuple[Step, ...], ...] = ()

    def room(self, metric: str) -> float | None:
        """How much of a cost there may be: the limit that decides, else the profile's default; None where neither says it."""
        return self.limits.get(metric, self.defaults.get(metric))

    def counts(self, metric: str) -> bool:
        """Whether a cost is limited, or is what the user wants small; balanced, whatever there is so much of counts."""
        if self.goal.aim == "balanced":
            return self.room(metric) is not None
        return self.goal.currency == metric or metric in self.limits

    @property
    def counts_weights(self) -> bool:
        """Whether zeros and repeated weights pay: in the deflated size, and where an NPU's compiler codes weights in flash and time."""
        coded = ("flash", "latency") if self.profile.is_compiled_here else ()
        return any(self.counts(metric) for metric in ("download", *coded))


class Evidence(Value):
    """What can be seen of a technique in a model or a file: whether it holds, and a sentence with the figures."""

    technique: str
    holds: bool
    detail: str


def _nothing(*_: int) -> None:
    """What a technique that does not shape the weights does after a step."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constraint:
    """How a technique holds the weights to their form while they are trained, in one run of known length.

    `after_step` is called with 0 before the first step and with the step's number after each. `settle` puts the form right
    to the last bit, before the model is judged or stored. The form is whole after `whole_after` steps: earlier weights are
    never kept.
    """

    after_step: Callable[[int], None] = _nothing
    settle: Callable[[], None] = _nothing
    whole_after: int = 0


class Training(Protocol):
    """How a technique trains: the data, the loss, the learning rate and the length are the caller's."""

    def fit(self, model: Any, constraint: Callable[[int], Constraint] | None = None) -> None:
        """Train in place. `constraint(steps)` is asked anew for every run, which starts from the weights of now."""
        ...


class Technique(Protocol):
    """A technique's module. Kinds: 'training' changes the model, 'conversion' makes the file and is always last.

    `apply`, `keep`, `check` and `scope` are asked of training techniques, `configure` of conversions. `keep` is the constraint
    by which a later stage of a chain holds what this technique made; a technique that can be part of one has
    `PLACE_IN_CHAIN`, a number, and may have `strength(settings)`, which grows with what is taken away, `stronger(settings)`, the next stronger
    ones or None, `mend(door, model, settings)` and `mend_file(tflite, settings)`, which put right what a rounding made of its form, and `keeps(settings, before)`, whether these settings can keep what the techniques of these names made. One whose settings
    have `exclude` has `leave_out(facts, patterns)`, the names that patterns stand for there. A conversion
    may say `CALIBRATED = True` (it needs the representative data set), `COSTS_LIKE = "int8"` (the conversion whose
    predicted cost is its own) and `REPLACES_FAILED = "int8"` (it is worth a trial only where that one failed), and
    `VARIANT_OF = "int8"` (it is tried after that one, and where it is better it stands in its place after the training techniques of
    `AFTER_ONLY`). One that packs
    another's file has `finish(door, content, settings)`, the bytes of the converted file in and out, `PACKS = "int8"`, that
    other one, `AFTER = "clustering"`, without which in the chain it is not tried, and may have `against(task, steps)`, why it does not pay after
    these steps, or None.
    """

    KIND: Literal["training", "conversion"]
    Settings: type[Value]
    propose: Callable[[Task], Sequence[Any] | Declined]
    label: Callable[[Any], str]
    evidence: Callable[[TfliteModel, Any], Evidence]
    apply: Callable[[Any, Any, Any, Training, Sequence[Any]], Any]
    keep: Callable[[Any, Any, Any], Constraint]
    check: Callable[[Any, Any, Any], Evidence]
    scope: Callable[[Any], AbstractContextManager[Any]]
    configure: Callable[[Any, Any, Any, Callable[[], Any]], None]
