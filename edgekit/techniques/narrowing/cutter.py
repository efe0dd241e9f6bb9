"""Cutting a graph down to a share of a budget, by what its channels are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from edgekit.cost.graph import Budget
from edgekit.cost.widths import floor_of, step_of
from edgekit.cost.work_time import WorkTime
from edgekit.keras_graph.flat_graph import FlatGraph, model_of
from edgekit.passes.channels.groups import Group, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.techniques.narrowing.account import Account
from edgekit.techniques.narrowing.importance import Criterion, Importance, State
from edgekit.techniques.narrowing.ranking import Range, Ranking, globally, least_worth, uniformly


class Plan(NamedTuple):
    """What a model is narrowed to: the share of a budget that stays, `whole` as it was planned (0: not known), and how.

    Without a criterion a probe chooses one. `exclude` names the layers that keep their shapes. Of the latency, `time` tells what work takes, and `fixed`
    nanoseconds of the whole are no work.
    """

    budget: Budget
    left: float
    whole: int
    criterion: Criterion | None
    ranking: Ranking
    rounds: int
    multiple: int
    exclude: tuple[str, ...]
    time: WorkTime | None = None
    fixed: int = 0


Key = tuple[tuple[str, ...], int]


class Cutter:
    """Cuts a graph down to a share of what the first one held; the floors are those of the first one's groups."""

    def __init__(self, door: Any, state: State, plan: Plan) -> None:
        self._door, self._plan = door, plan
        self._sizes = {key: group.size for key, group in zip(_keys(state), state.groups, strict=True)}
        self._whole = Account(*state, plan.budget, plan.time).whole

    def model(self, graph: FlatGraph) -> Any:
        """The model of a graph, which shares the graph's layers."""
        return model_of(self._door, graph, where="structured pruning")

    def staying(self, state: State, worth: Importance, share: float) -> list[int]:
        """How many channels of each group stay."""
        ranges = [self._range(group, key, state) for key, group in zip(_keys(state), state.groups, strict=True)]
        rank = globally if self._plan.ranking == "global" else uniformly
        return rank(worth, ranges, Account(*state, self._plan.budget, self._plan.time), self._goal(share))

    def cut(self, state: State, worth: Importance, share: float) -> FlatGraph:
        """The graph without the channels that go."""
        return self.cut_to(state, worth, self.staying(state, worth, share))

    def cut_to(self, state: State, worth: Importance, stay: Sequence[int]) -> FlatGraph:
        """The graph with so many channels of each group: those that are worth the most."""
        gone = {
            place: least_worth(worth[place], count)
            for place, count in enumerate(stay)
            if count < state.groups[place].size
        }
        return narrowed(self._door, state.graph, state.channels, left_out(state.groups, gone)) if gone else state.graph

    def _goal(self, share: float) -> float:
        """What may stay. Where more was planned than is counted here, as in layers that are not known, that stays as it is."""
        planned = self._plan.whole or self._whole + self._plan.fixed
        if self._plan.budget == "activations":
            return share * min(planned, self._whole)
        return share * planned - max(0.0, planned - self._whole)

    def _range(self, group: Group, key: Key, state: State) -> Range:
        """How narrow a group may become; not at all where a layer that is left out takes or makes its channels."""
        touched = (
            call.name
            for call in state.graph.calls
            if any(value in group.members for value in (*call.inputs, *call.outputs))
        )
        size, multiple = self._sizes.get(key, group.size), self._plan.multiple
        held = bool(set(touched) & set(self._plan.exclude))
        least, step = floor_of(size, multiple, each=group.each), step_of(size, multiple, each=group.each)
        return Range(group.size if held else min(group.size, least), step)


def _keys(state: State) -> list[Key]:
    """What tells each group in every round: the names of the layers that make and read it, and its number among those of the same."""
    names = [
        (*(call.name for call in group.makers), "", *(call.name for call in group.readers)) for group in state.groups
    ]
    return [(own, names[:place].count(own)) for place, own in enumerate(names)]
