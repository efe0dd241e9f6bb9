"""Structured pruning: whole channels go, those that matter least, so that layers become narrower and every size and time with them.

Channels that can only go together (`passes/channels/groups`) are ranked over all layers by what they are worth and what they cost of a budget,
in a few rounds with a short training after each: Molchanov et al., "Importance Estimation for Neural Network Pruning" (arXiv 1906.10771). What
a channel is worth has three measures, none of which is always the best (PruningBench, arXiv 2406.12315): a probe chooses. Or channels are trained
to be worth nothing before one cut (group lasso). How it is done is in `narrowing/`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import replace

from edgekit.cost.budgets import held
from edgekit.cost.graph import Budget, Graph
from edgekit.cost.work_time import WorkTime
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.techniques.interface import Conversion, Evidence, Task, Training, TrainingTechnique
from edgekit.techniques.narrowing.counted import kernel_weights, of_file, of_model
from edgekit.techniques.narrowing.pays import (
    budgets,
    counting,
    cuttable,
    multiple_for,
    no_group,
    no_scale,
    time_of,
    too_little,
)
from edgekit.techniques.percents import about, percent, percent_gone
from edgekit.techniques.sites import matching, unwrapped
from edgekit.techniques.soft_threshold import ADAPTATIONS
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

LEFT = (0.7, 0.5, 0.35, 0.25, 0.18, 0.12)
"""The share of the budget that is left, from the lightest; the first two are proposed, the others follow where those leave room."""
TOLERANCE = 0.02
"""A file may hold so much more of the budget than was asked for: the converter counts padding and merged layers in its own way."""
WORDS: dict[Budget, str] = {
    "parameters": "weights",
    "macs": "multiply-accumulates",
    "activations": "elements of activations at the peak",
    "latency": "nanoseconds of predicted latency",
}


class Settings(Value):
    """`left` is the share of the budget that stays: weights, multiply-accumulates, the activations that are alive at once, or the latency predicted for the device.

    `criterion` says what a channel is worth ("probe" tries them; "group_lasso" trains channels to be worth nothing, and `rounds` is not used). `ranking` compares all layers, or leaves each the same share ("uniform").
    Widths are multiples of `multiple`, but in groups of less than two multiples. `exclude` names the layers that keep their shapes. `whole` is
    what the model holds of the budget before; of the latency `time` is what work takes on the device, and `fixed` the nanoseconds that no width
    changes. The planner writes these.
    """

    left: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    budget: Budget = "parameters"
    criterion: Literal["probe", "norm", "scale", "taylor", "group_lasso"] = "probe"
    ranking: Literal["global", "uniform"] = "global"
    rounds: Annotated[int, Meta(ge=1, le=10)] = 3
    multiple: Annotated[int, Meta(ge=1, le=64)] = 4
    exclude: tuple[str, ...] = ()
    whole: Annotated[int, Meta(ge=0)] = 0
    fixed: Annotated[int, Meta(ge=0)] = 0
    time: WorkTime | None = None


class StructuredPruning(TrainingTechnique):
    """Fewer channels in every layer that can do with fewer."""

    name = "structured_pruning"
    settings_type = Settings
    place_in_chain = 0
    predicts_shapes = False
    written_by_planner = ("whole", "fixed", "time")

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Two strengths, the lighter first, for the first cost that counts and that it moves: weights for flash and download, MACs for time, activations for RAM.

        Where the latency decides, it is the budget itself, unless what no width changes is most of it.
        """
        exclude = matching(task.facts, task.exclude)
        if not cuttable(task.graph, exclude):
            return self.declined(no_group(task.graph))
        reasons = []
        for metric in counting(task):
            for budget in budgets(task, metric):
                light = Settings(left=LEFT[0], budget=budget, multiple=multiple_for(task), exclude=exclude)
                light = self.on_device(task.profile, light)
                narrow = self.effect(task.graph, replace(light, left=LEFT[-1]))
                reason = self.requires(task.graph, light) or too_little(task, metric, narrow)
                if reason is None:
                    return light, replace(light, left=LEFT[1])
                reasons.append(reason)
        return self.declined(
            "; ".join(dict.fromkeys(reasons))
            or "neither a limit nor the goal asks for a smaller file, less memory or less time"
        )

    def stronger(self, settings: Settings) -> Settings | None:
        """The next smaller share of the budget; None beyond the smallest."""
        smaller = next((left for left in LEFT if left < settings.left), None)
        return None if smaller is None else replace(settings, left=smaller)

    def strength(self, settings: Settings) -> float:
        """The share of the budget that is taken away."""
        return 1 - settings.left

    def steps_needed(self, settings: Settings) -> int:
        """Of group lasso so many that its pull is adapted as often as it is meant to be."""
        from edgekit.techniques.narrowing.group_lasso import PULLED, RISING

        return math.ceil(ADAPTATIONS / (PULLED * RISING)) if settings.criterion == "group_lasso" else 0

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name: the percent that are taken away, and of what if it is not weights."""
        budget = "" if settings.budget == "parameters" else f"_{settings.budget}"
        return f"structured_pruning_{percent_gone(settings.left)}{budget}"

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """The layers that match the patterns: they keep their shapes."""
        return matching(facts, patterns)

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """Channels that can go, and enough of them; where they are ranked by scale, a scale for each group."""
        if not cuttable(graph, settings.exclude):
            return no_group(graph)
        unscaled = no_scale(graph) if settings.criterion == "scale" else None
        if unscaled is not None:
            return unscaled
        whole, least = (held(one, settings.budget, settings.time) for one in (graph, self.effect(graph, settings)))
        if least <= settings.left * whole:
            return None
        return (
            f"of the {WORDS[settings.budget]} at least {about(least / max(whole, 1), settings.left, decimals=0)}% stay, where {percent(settings.left)}% are asked for: "
            f"{'the overhead stays, and ' if settings.budget == 'latency' else ''}no layer keeps less than an eighth of its channels, nor less than four"
        )

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """All layers narrower by the same share. The real widths differ from layer to layer: what holds is the total of the budget."""
        from edgekit.cost.narrower import narrower, uniform

        able = set(cuttable(graph, settings.exclude))
        asked = replace(graph, groups=tuple(graph.groups[place] for place in sorted(able)))
        widths = iter(
            uniform(asked, budget=settings.budget, left=settings.left, multiple=settings.multiple, time=settings.time)
        )
        return narrower(
            graph, [next(widths) if place in able else group.size for place, group in enumerate(graph.groups)]
        )

    def settled(self, graph: Graph, settings: Settings) -> Settings:
        """With what the graph holds of the budget, which the evidence compares with."""
        fixed = 0 if settings.time is None else round(settings.time.overhead_ns(graph))
        return replace(settings, whole=round(held(graph, settings.budget, settings.time)), fixed=fixed)

    def on_device(self, profile: DeviceProfile, settings: Settings) -> Settings:
        """Of the latency, with what work takes on the device."""
        return replace(settings, time=time_of(profile)) if settings.budget == "latency" else settings

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Cut and train in rounds, or train towards one cut; the last training has the whole length."""
        from edgekit.techniques.narrowing.cutter import Plan
        from edgekit.techniques.narrowing.group_lasso import narrowed_by_group_lasso
        from edgekit.techniques.narrowing.rounds import narrowed_in_rounds

        chosen = settings.criterion
        plan = Plan(
            budget=settings.budget,
            left=settings.left,
            whole=0 if before else settings.whole,  # a student lost its dead channels after it was counted
            criterion=chosen if chosen != "probe" and chosen != "group_lasso" else None,
            ranking=settings.ranking,
            rounds=settings.rounds,
            multiple=settings.multiple,
            exclude=settings.exclude,
            time=settings.time,
            fixed=settings.fixed,
        )
        narrow = narrowed_by_group_lasso if chosen == "group_lasso" else narrowed_in_rounds
        return narrow(door, model, plan, training)

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where the model has no more of the budget than was asked for."""
        return self._judged(settings.fixed + of_model(model, settings.budget, settings.time), settings)

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the file has no more of the budget than was asked for, counted in its operators."""
        return self._judged(settings.fixed + of_file(tflite, settings.budget, settings.time), settings)

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Settings, conversion: Conversion
    ) -> Evidence:
        """As the bytes alone show; of activations, whose place in memory is the runtime's, the kernels of the file have the narrow model's sizes."""
        if settings.budget != "activations":
            return self.ensures(tflite, settings)
        own = Counter(
            filter(None, (kernel_weights(layer) for layer in map(unwrapped, model.layers) if _is_plain(layer)))
        )
        found = own & Counter(kernel.array.size for kernel in kernels(tflite))
        shown = self.ensures_in_model(door, model, settings)
        return Evidence(
            technique=self.name,
            holds=shown.holds and bool(own) and found == own,
            detail=f"{found.total()} of {own.total()} kernels have the size of the narrow layer; in the model {shown.detail}",
        )

    def _judged(self, found: int, settings: Settings) -> Evidence:
        """Holds where that is at most the share that was asked for; never where it is not known of what."""
        share = found / settings.whole if settings.whole else 1.0
        return Evidence(
            technique=self.name,
            holds=share <= settings.left + TOLERANCE,
            detail=f"{found:,} of {settings.whole:,} {WORDS[settings.budget]}, {share:.1%}; {percent(settings.left)}% asked for",
        )


def _is_plain(layer: Any) -> bool:
    """Whether a layer becomes one operator with its kernel as it is."""
    return type(layer).__name__ in ("Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D")
