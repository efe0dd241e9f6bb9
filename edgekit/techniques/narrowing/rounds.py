"""Narrowing in rounds: what channels are worth is looked at anew after each cut, when a short training has mended what it broke."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from edgekit.cost.graph import Budget
from edgekit.errors import ProjectError
from edgekit.keras_graph.flat_graph import FlatGraph, model_of, read_graph
from edgekit.passes.channels.groups import Group, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.techniques.interface import Training
from edgekit.techniques.narrowing.account import Account
from edgekit.techniques.narrowing.importance import Criterion, Importance, State, by_norm, by_scale, by_taylor, state_of
from edgekit.techniques.narrowing.ranking import Range, Ranking, floor_of, globally, least_worth, step_of, uniformly

SHORT = 0.2
"""The share of the project's length that the training after a cut has, where another cut follows."""
CRITERIA: dict[Criterion, str] = {
    "norm": "the norm of their filters",
    "scale": "the scale of their batch normalization",
    "taylor": "the change of the loss without them",
}


class Plan(NamedTuple):
    """What a model is narrowed to: the share of a budget that stays, `whole` as it was planned (0: not known), and how.

    Without a criterion a probe chooses one. `exclude` names the layers that keep their shapes.
    """

    budget: Budget
    left: float
    whole: int
    criterion: Criterion | None
    ranking: Ranking
    rounds: int
    multiple: int
    exclude: tuple[str, ...]


def narrowed_in_rounds(door: Any, model: Any, plan: Plan, training: Training) -> Any:
    """The narrower model, trained; its layers keep their names. Where the groups' floors do not allow the goal, it is as near as they allow."""
    state = state_of(read_graph(door, model))
    cutter = _Cutter(door, state, plan)
    shares = [plan.left ** (number / plan.rounds) for number in range(1, plan.rounds + 1)]
    criterion = plan.criterion or _probed(cutter, state, model, training, shares[0])
    for number, share in enumerate(shares, start=1):
        graph = cutter.cut(state, _needed(criterion, state, model, training), share)
        model = cutter.model(graph)
        if number < plan.rounds:
            training.fit(model, share=SHORT)
            state = state_of(graph)
    training.fit(model)
    return model


class _Cutter:
    """Cuts a graph down to a share of what the first one held; the floors are those of the first one's groups."""

    def __init__(self, door: Any, state: State, plan: Plan) -> None:
        self._door, self._plan = door, plan
        self._sizes = {_key(group): group.size for group in state.groups}
        self._whole = Account(*state, plan.budget).whole

    def model(self, graph: FlatGraph) -> Any:
        """The model of a graph, which shares the graph's layers."""
        return model_of(self._door, graph, where="structured pruning")

    def cut(self, state: State, worth: Importance, share: float) -> FlatGraph:
        """The graph without the channels that go."""
        plan, account = self._plan, Account(*state, self._plan.budget)
        ranges = [self._range(group, state) for group in state.groups]
        rank = globally if plan.ranking == "global" else uniformly
        stay = rank(worth, ranges, account, self._goal(share))
        gone = {
            place: least_worth(worth[place], count)
            for place, count in enumerate(stay)
            if count < state.groups[place].size
        }
        return narrowed(self._door, state.graph, state.channels, left_out(state.groups, gone)) if gone else state.graph

    def _goal(self, share: float) -> float:
        """What may stay. Where more was planned than is counted here, as in layers that are not known, that stays as it is."""
        planned = self._plan.whole or self._whole
        if self._plan.budget == "activations":
            return share * min(planned, self._whole)
        return share * planned - max(0.0, planned - self._whole)

    def _range(self, group: Group, state: State) -> Range:
        """How narrow a group may become; not at all where a layer that is left out takes or makes its channels."""
        touched = (
            call.name
            for call in state.graph.calls
            if any(value in group.members for value in (*call.inputs, *call.outputs))
        )
        size, multiple = self._sizes.get(_key(group), group.size), self._plan.multiple
        held = bool(set(touched) & set(self._plan.exclude))
        return Range(group.size if held else min(group.size, floor_of(size, multiple)), step_of(size, multiple))


def _key(group: Group) -> tuple[str, ...]:
    """What tells a group in every round: the names of the layers that make and read it."""
    return (*(call.name for call in group.makers), "", *(call.name for call in group.readers))


def _worth(criterion: Criterion, state: State, model: Any, training: Training) -> Importance | None:
    """What the channels are worth by a criterion; None where it cannot tell of every group."""
    if criterion == "taylor":
        return by_taylor(state, lambda kernels: training.gradients(model, kernels))
    return by_norm(state) if criterion == "norm" else by_scale(state)


def _needed(criterion: Criterion, state: State, model: Any, training: Training) -> Importance:
    found = _worth(criterion, state, model, training)
    if found is None:
        raise ProjectError(
            "the channels cannot be ranked by scale: not every layer has a batch normalization behind it",
            where="structured pruning: criterion",
            received=criterion,
            allowed="probe, norm, taylor",
        )
    return found


def _probed(cutter: _Cutter, state: State, model: Any, training: Training, share: float) -> Criterion:
    """The criterion whose first cut, untrained, has the least loss on training samples."""
    losses: dict[Criterion, float] = {}
    for criterion in CRITERIA:
        worth = _worth(criterion, state, model, training)
        if worth is not None:
            losses[criterion] = training.loss(cutter.model(cutter.cut(state, worth, share)))
    best = min(losses, key=lambda one: losses[one])
    others = ", ".join(f"{loss:.4g} by {name}" for name, loss in losses.items() if name != best)
    shown = f"{losses[best]:.4g}" if math.isfinite(losses[best]) else "not finite"
    training.say(
        f"channels ranked by {CRITERIA[best]} ({best}): after the first cut the training loss is {shown}, {others}"
    )
    return best
