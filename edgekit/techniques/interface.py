"""What a technique offers, and the values that it is asked with and answers in.

A technique is a class in a file of its own, derived from `TrainingTechnique`, which changes the model, or `Conversion`, which makes the
file and always comes last. Everything that is known of a technique stands in its class: the planner, the cost models and the
workshop ask it and know no technique by name. What it does not say has the default of the base.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ModelFacts
from edgekit.project.project import Goal
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value
from edgekit.verdict.limits import Limits

if TYPE_CHECKING:
    import numpy as np

COUNTS = 0.01
"""A cost below this share of what there is stops counting."""
Role = Literal["baseline", "candidate", "control"]


class Task(Value, dict=True):
    """What a plan is for: a device, a model, a goal, and the limits in force.

    `trains` is false where the project allows no training (`epochs = 0`). `exclude` are the project's patterns of layers
    that no technique with training works on, `chains` its candidates of its own.
    """

    profile: DeviceProfile
    facts: ModelFacts
    goal: Goal
    limits: Limits
    trains: bool = True
    exclude: tuple[str, ...] = ()
    chains: tuple[tuple[Step, ...], ...] = ()

    @cached_property
    def graph(self) -> Graph:
        """The model's lowered graph before any technique, made once."""
        return lower(self.facts)

    def room(self, metric: str) -> float | None:
        """How much of a cost there may be: the limit that decides, else the profile's default; None where neither says it."""
        limit = self.limits.deciding.get(metric) or self.limits.defaults.get(metric)
        return None if limit is None else limit.value

    def counts(self, metric: str) -> bool:
        """Whether a cost is limited, or is what the user wants small; balanced, whatever there is so much of counts."""
        if self.goal.aim == "balanced":
            return self.room(metric) is not None
        return self.goal.currency == metric or metric in self.limits.deciding

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


class Technique(ABC):
    """What every technique says of itself. `settings` are always of its `settings_type`.

    `requires` and `ensures` are run by the machinery: the one on the lowered graph before the effect, the other on the bytes of every
    file that the technique took part in. `role` is "baseline" for the one that all others are compared with, and "control"
    for the one that tells training with a technique from more training alone.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["training", "conversion"]]
    settings_type: ClassVar[type[Value]]
    role: ClassVar[Role] = "candidate"

    @abstractmethod
    def propose(self, task: Task) -> Sequence[Any] | Declined:
        """Settings worth a trial, the lighter first, or why there are none. Pure."""

    @abstractmethod
    def effect(self, graph: Graph, settings: Any) -> Graph:
        """What it makes of the lowered graph: shapes, widths, scales, zeros, distinct values, multiply-accumulates, operators. Pure."""

    @abstractmethod
    def ensures(self, tflite: TfliteModel, settings: Any) -> Evidence:
        """What is seen of it in the bytes of a file: counted, not believed."""

    def requires(self, graph: Graph, settings: Any) -> str | None:
        """Why it cannot be applied to a lowered graph; None where it can."""
        return None

    def label(self, settings: Any) -> str:
        """Its part of a candidate's name; settings that are proposed together have labels that differ."""
        return self.name

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """The layers that patterns leave out, of those that it would work on; asked only where its settings have `exclude`."""
        return ()

    def declined(self, reason: str) -> Declined:
        """The answer to `propose` for a reason that a user understands."""
        return Declined(technique=self.name, reason=reason)


class TrainingTechnique(Technique):
    """A technique that changes the tf_keras model, before a conversion makes the file.

    `place_in_chain` orders the techniques of a chain; None: it is only used alone. `simulates` names the conversion whose rounding it
    trains with: no other may follow.
    """

    kind = "training"
    place_in_chain: ClassVar[float | None] = None
    simulates: ClassVar[str | None] = None

    @abstractmethod
    def apply(self, door: Any, model: Any, settings: Any, training: Training, before: Sequence[Any]) -> Any:
        """The model with the technique applied, trained by `training.fit`; `before` are the steps that made the model."""

    @abstractmethod
    def ensures_in_model(self, door: Any, model: Any, settings: Any) -> Evidence:
        """What is seen of it in the model, after its own stage and after each later one."""

    def keep(self, door: Any, model: Any, settings: Any) -> Constraint:
        """How a later stage of a chain holds what this technique made."""
        return Constraint()

    def scope(self, door: Any) -> AbstractContextManager[Any]:
        """What is needed to read a model again that was saved with it."""
        return nullcontext()

    def strength(self, settings: Any) -> float:
        """How much is taken away: of two settings the larger one loses no less."""
        return 0.0

    def stronger(self, settings: Any) -> Any | None:
        """The next stronger settings; None where there are none."""
        return None

    def keeps(self, settings: Any, before: Sequence[str]) -> bool:
        """Whether these settings can keep what the techniques of these names made."""
        return True

    def mend(self, door: Any, model: Any, settings: Any) -> int:
        """Put right in the model what a rounding made of its form; the number of weights that were moved."""
        return 0

    def mend_file(self, tflite: TfliteModel, settings: Any) -> Mapping[int, np.ndarray]:
        """The kernels of a file that need it with their form put right, by the index of their tensor."""
        return {}


class Conversion(Technique):
    """A technique that makes the file, by the converter's options, and by what it does to the bytes afterwards.

    `calibrated`: it needs the representative data set. `after_training`: where it stands among the conversions of trained models, the
    lowest that a device takes first; None: it converts none by itself. `replaces_failed`: it is worth a trial only where that conversion failed.
    `variant_of`: it is tried after that conversion, and where it is better it stands in its place after the training techniques
    that `keeps_trained` names. `packs`: it packs the file of that conversion.
    """

    kind = "conversion"
    calibrated: ClassVar[bool] = False
    after_training: ClassVar[int | None] = None
    replaces_failed: ClassVar[str | None] = None
    variant_of: ClassVar[str | None] = None
    keeps_trained: ClassVar[tuple[str, ...]] = ()
    packs: ClassVar[str | None] = None

    @abstractmethod
    def configure(self, door: Any, converter: Any, settings: Any, representative: Callable[[], Any]) -> None:
        """Set the converter's options; `representative` gives the calibration samples."""

    def ends(self, settings: Any) -> str:
        """The dtype of the model's inputs and outputs in the file."""
        return "float32"

    def finish(self, door: Any, content: bytes, settings: Any) -> bytes:
        """The converted file as it is kept."""
        return content

    def against(self, task: Task, graph: Graph) -> str | None:
        """Why it does not pay on a graph that the training techniques made; None where it is predicted to."""
        return None
