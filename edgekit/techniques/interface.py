"""The interface of a technique, and the values that it takes and returns.

A technique is a class in a file of its own. It derives from `TrainingTechnique`, which changes the model, or from
`Conversion`, which makes the file and always comes last. Everything that is known about a technique stands in its
class: the planner, the cost models and the workshop ask it, and know no technique by name. What a class leaves out has
the default of its base class. `door` is the workshop's `Door`: TensorFlow and its companions, once they are imported.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from msgspec.structs import replace

from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ModelFacts, Replacement
from edgekit.project.project import Goal
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value
from edgekit.verdict.limits import Limits

if TYPE_CHECKING:
    import numpy as np

COUNTS = 0.01
"""The smallest share that matters: of a limit that a cost takes, or of a size that something saves."""
Role = Literal["baseline", "candidate", "control"]
Engine = Literal["edgekit", "tfmot"]
"""What simulates rounding in training: edgekit itself, or TensorFlow Model Optimization."""
Form = Literal["keras3", "tf_keras"]
"""The Keras that a technique works on."""


class Task(Value, dict=True):
    """What a plan is for: a device, a model, a goal, and the limits in force.

    `trains` is false where the project allows no training (`epochs = 0`), or the model is a file that has no weights to train. `exclude` holds the project's patterns for
    layers that no training technique may change; `chains` holds the candidates that the project defines itself. `engine` simulates
    rounding in training. `replacement` is the network that the project offers in the model's place (None: it offers none).
    """

    profile: DeviceProfile
    facts: ModelFacts
    goal: Goal
    limits: Limits
    trains: bool = True
    exclude: tuple[str, ...] = ()
    chains: tuple[tuple[Step, ...], ...] = ()
    engine: Engine = "edgekit"
    replacement: Replacement | None = None

    @property
    def no_training(self) -> str | None:
        """Why nothing is trained; None where something may be."""
        if self.facts.untrainable:
            return self.facts.untrainable
        return None if self.trains else "the project allows no training (epochs = 0 in [training])"

    @cached_property
    def graph(self) -> Graph:
        """The model's lowered graph before any technique, made once; it holds that of the replacement."""
        other = self.replacement
        return replace(lower(self.facts), replacement=None if other is None else lower(other.facts))

    @cached_property
    def replaced(self) -> Task | None:
        """The task with the replacement as its model, for what follows it in a chain; None where the project offers none."""
        return None if self.replacement is None else replace(self, facts=self.replacement.facts, replacement=None)

    def room(self, metric: str) -> float | None:
        """The limit of a cost: the one that decides, else the profile's default; None where there is neither."""
        limit = self.limits.deciding.get(metric) or self.limits.defaults.get(metric)
        return None if limit is None else limit.value

    def counts(self, metric: str) -> bool:
        """Whether a cost matters: the goal makes it small, or it has a limit that decides; with a balanced goal, any limit or default."""
        if self.goal.aim == "balanced":
            return self.room(metric) is not None
        return self.goal.currency == metric or metric in self.limits.deciding

    @property
    def counts_weights(self) -> bool:
        """Whether zeros and repeated weights pay: in the deflated size, and in flash and time where an NPU's compiler encodes weights."""
        coded = ("flash", "latency") if self.profile.is_compiled_here else ()
        return any(self.counts(metric) for metric in ("download", *coded))


class Evidence(Value):
    """What a model or a file shows of a technique: whether it holds, and a sentence with the figures."""

    technique: str
    holds: bool
    detail: str


def _do_nothing(*_: int) -> None:
    """What is done after a step where a technique does not constrain the weights."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constraint:
    """How a technique keeps the weights in their form (zeros, few values) during one training run of known length.

    `after_step` is called with 0 before the first step, and with the step's number after each. `settle` makes the form
    exact, before the model is judged or stored. The form is complete after `whole_after` steps; weights of earlier
    steps are never kept.
    """

    after_step: Callable[[int], None] = _do_nothing
    settle: Callable[[], None] = _do_nothing
    whole_after: int = 0


class Training(Protocol):
    """What trains a model for a technique. The caller sets the data, the loss, the learning rate and the length."""

    def fit(self, model: Any, constraint: Callable[[int], Constraint] | None = None, *, share: float = 1.0) -> None:
        """Train in place. `constraint(steps)` is called before each run, when the model has the weights that the run starts from.

        `share` is the part of the project's length, for a technique that trains in rounds: its last training takes the whole length.
        """
        ...

    def loss(self, model: Any) -> float:
        """The mean loss on some hundred training samples, always the same ones; infinite if it is not finite."""
        ...

    def gradients(self, model: Any, weights: Sequence[Any]) -> Iterator[Sequence[np.ndarray]]:
        """The gradient of that loss by each of these weights (variables), on one batch of those samples after another."""
        ...

    def say(self, what: str) -> None:
        """Put something about how the model was made into the note of its training."""
        ...


class Technique(ABC):
    """What every technique tells about itself. `settings` are always of its `settings_type`.

    The checks are run by edgekit: `unsupported` on the device and `requires` on the lowered graph before the effect, `ensures` on the bytes of
    every file that the technique took part in. What the first two say is certain: nothing is made that they rule out. `role` is "baseline" for the technique that all others are compared
    with, and "control" for the one that shows what more training gains without any technique.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["training", "conversion"]]
    settings_type: ClassVar[type[Value]]
    role: ClassVar[Role] = "candidate"
    written_by_planner: ClassVar[tuple[str, ...]] = ()
    """Its settings that are facts of a network, which no project gives."""

    @abstractmethod
    def propose(self, task: Task) -> Sequence[Any] | Declined:
        """Settings worth a trial, the lighter first, or why there are none. Pure."""

    @abstractmethod
    def effect(self, graph: Graph, settings: Any) -> Graph:
        """The lowered graph after the technique: shapes, widths, scales, zeros, distinct values, multiply-accumulates, operators. Pure."""

    @abstractmethod
    def ensures(self, tflite: TfliteModel, settings: Any) -> Evidence:
        """What the bytes of a file show of it, counted in the file and never assumed."""

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """Why no file of it runs on a device; None where one may."""
        return None

    def requires(self, graph: Graph, settings: Any) -> str | None:
        """Why it cannot be applied to a lowered graph, whatever its weights are; None where it may be."""
        return None

    def defaults(self, task: Task) -> Any:
        """What a project's own chain takes for the settings that it does not give: the class's defaults, but for what the task needs always."""
        return self.settings_type()

    def label(self, settings: Any) -> str:
        """Its part of a candidate's name; settings that are proposed together have different labels."""
        return self.name

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """Of the layers that it would work on, those that match the patterns; called only where its settings have `exclude`."""
        return ()

    def told(self, settings: Any) -> str:
        """What a reader of the report must know of a chosen file that it took part in; empty where there is nothing."""
        return ""

    def declined(self, reason: str) -> Declined:
        """What `propose` returns where there are no settings; users read the reason."""
        return Declined(technique=self.name, reason=reason)


class TrainingTechnique(Technique):
    """A technique that changes the model, a flat Functional one of Keras 3 or what an earlier step left, before a conversion makes the file.

    `place_in_chain` orders the techniques of a chain; a technique without it is only used alone. `simulates` names the
    conversions whose rounding it simulates in training: no other is tried after it, but where a project's own chain says so.
    `from_replacement` says that it begins with the network that the project offers in the model's place
    (`Task.replacement`): `apply` gets that one. It then comes first in every chain. `rescalable` says that what it made stays where a conversion multiplies
    channels by factors, as zeros do: few distinct values do not, nor do trained ranges. `predicts_shapes` says that its `effect` has the shapes that the
    model will have: where it does not, what a later step requires may be met though the graph does not show it.
    """

    kind = "training"
    place_in_chain: ClassVar[float | None] = None
    simulates: ClassVar[tuple[str, ...]] = ()
    from_replacement: ClassVar[bool] = False
    rescalable: ClassVar[bool] = True
    predicts_shapes: ClassVar[bool] = True

    @abstractmethod
    def apply(self, door: Any, model: Any, settings: Any, training: Training, before: Sequence[Any]) -> Any:
        """The model with the technique applied, trained by `training.fit`; `before` are the steps already applied to the model."""

    @abstractmethod
    def ensures_in_model(self, door: Any, model: Any, settings: Any) -> Evidence:
        """What the model shows of it, after its own stage and after each later one."""

    def form(self, settings: Any) -> Form:
        """The Keras that it works on. For "tf_keras" a model of Keras 3 is rebuilt, with the same names of layers; a model that cannot be fails."""
        return "keras3"

    def keep(self, door: Any, model: Any, settings: Any) -> Constraint:
        """How a later stage of a chain preserves what this technique made."""
        return Constraint()

    def scope(self, door: Any, settings: Any) -> AbstractContextManager[Any]:
        """The context in which a model saved with this technique can be loaded."""
        return nullcontext()

    def converted_as(self, door: Any, model: Any, settings: Any, conversion: Conversion) -> Any:
        """The trained model as one conversion takes it."""
        return model

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Any, conversion: Conversion
    ) -> Evidence:
        """What a converted file shows of it, beside the model that it was converted from; else what the bytes alone show."""
        return self.ensures(tflite, settings)

    def settled(self, graph: Graph, settings: Any) -> Any:
        """The settings with what they take from the lowered graph that it is applied to, as a size that the evidence compares with. Pure."""
        return settings

    def on_device(self, profile: DeviceProfile, settings: Any) -> Any:
        """The settings with what they take from the device that a plan is for; whatever that is stands in them, and so in the key of the trained stage. Pure."""
        return settings

    def strength(self, settings: Any) -> float | None:
        """How much is taken away from the model: of two settings, the larger strength loses at least as much accuracy.

        None where it is not known which of two settings loses more: then no trial of one speaks for or against the other.
        """
        return None

    def steps_needed(self, settings: Any) -> int:
        """The optimiser's steps below which its schedule is too coarse, which a report then warns of; 0 where any number will do."""
        return 0

    def stronger(self, settings: Any) -> Any | None:
        """The next stronger settings; None where there are none."""
        return None

    def keeps(self, settings: Any, before: Sequence[str]) -> bool:
        """Whether these settings can preserve what the techniques named in `before` made."""
        return True

    def ends_in(self, settings: Any) -> Step | None:
        """The one conversion whose rounding it simulates with these settings, and what that one's settings must be; None where the device's own serves."""
        return None

    def undone(self, graph: Graph, settings: Any) -> str | None:
        """Why nothing of it is left in a file, by the lowered graph after the conversion; None where it is left. Such a chain is refused."""
        return None

    def mend(self, door: Any, model: Any, settings: Any) -> int:
        """Repair the form of the model's weights where rounding broke it; returns the number of weights changed."""
        return 0

    def mend_file(self, tflite: TfliteModel, settings: Any) -> Mapping[int, np.ndarray]:
        """The kernels of a file whose form rounding broke, repaired, by tensor index; no other kernels."""
        return {}


class Conversion(Technique):
    """A technique that makes the file: it sets the converter's options, and may change the bytes afterwards.

    `calibrated` says that it needs the representative data set. `after_training` ranks the conversions for trained
    models: the lowest that the device supports is used. A conversion without it never converts a trained model by
    itself. `replaces_failed` names a conversion: this one is worth a trial only where that one failed. `mends_loss` names one too: this one is worth a trial
    only where that one loses too much, or gives no file. `variant_of`
    names a conversion that is tried before this one; where this one is better, it takes that one's place after the
    training techniques in `keeps_trained`. `packs` names the conversion whose file it packs: it follows the same training,
    and is tried without one where it awaits nothing that training makes. `lacks` names operators that LiteRT has no
    kernel for in its arithmetic, although the converter makes them: a model is traced without them. `equalizes` says that the channels of the calibrated
    model may get factors where that makes the file's answers better: for one with a scale for each output channel. `takes_quantized` says that
    it is for a model that is a quantized file: no other conversion is asked about one, and it about nothing else.
    """

    kind = "conversion"
    calibrated: ClassVar[bool] = False
    after_training: ClassVar[int | None] = None
    replaces_failed: ClassVar[str | None] = None
    mends_loss: ClassVar[str | None] = None
    variant_of: ClassVar[str | None] = None
    keeps_trained: ClassVar[tuple[str, ...]] = ()
    packs: ClassVar[str | None] = None
    lacks: ClassVar[tuple[str, ...]] = ()
    equalizes: ClassVar[bool] = False
    takes_quantized: ClassVar[bool] = False

    @abstractmethod
    def configure(self, door: Any, converter: Any, settings: Any, representative: Callable[[], Any]) -> None:
        """Set the converter's options; `representative` gives the calibration samples."""

    def port_dtype(self, settings: Any) -> str:
        """The dtype of the model's inputs and outputs in the file."""
        return "float32"

    def float_share(self, settings: Any) -> float | None:
        """The most that may stay in float32 of the kernels' weights, where the converter makes integers: those that rounding hurts most are found.

        With 0 operators without weights that numbers of many decades pass stay, whatever rounding does to them. None: nothing is left in float by choice.
        """
        return None

    def finish(self, door: Any, content: bytes, settings: Any) -> bytes:
        """The file to keep, made from the converted bytes."""
        return content

    def awaits(self, graph: Graph, settings: Any) -> str | None:
        """What training must make first, where the graph is not known to have it: else only a project's own chain tries it. None where nothing is awaited."""
        return None

    def against(self, task: Task, graph: Graph) -> str | None:
        """Why it does not pay on a graph that the training techniques made; None where it is predicted to pay."""
        return None
