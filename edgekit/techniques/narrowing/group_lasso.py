"""Narrowing at once: channels are first trained to be worth nothing, by the group lasso, and then cut.

The weights that read a channel, in all the layers that do, are drawn towards zero together: after each step of the optimiser their norm becomes
smaller, and one that would fall below zero becomes zero (the proximal step of the group lasso: Parikh and Boyd, Proximal Algorithms; for channels:
Wen et al., arXiv 1608.03665). It is the weights that read a channel and not those that make it: without the former the model answers as
before when the channel goes, while a filter of zeros behind which stand a bias or a batch normalization still makes a constant.

How many channels of each group go is ranked before, as for a cut without it. Only as many are drawn at a time, those that are worth the least (the
trimmed lasso: Bertsimas, Copenhaver and Mazumder, arXiv 1708.04527): channels of a layer have norms so alike that a pull on all of them makes whole layers zero.
What a channel is worth follows its norm, so one that the loss makes larger takes the place of one that stays small. Each group has a threshold of its own,
since layers have weights of different size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import read_graph
from edgekit.passes.channels.groups import Group
from edgekit.techniques.interface import Constraint, Training
from edgekit.techniques.narrowing.cutter import Cutter, Plan
from edgekit.techniques.narrowing.importance import Importance, placed, state_of
from edgekit.techniques.narrowing.ranking import least_worth
from edgekit.techniques.narrowing.rounds import needed, probed
from edgekit.techniques.soft_threshold import TINY, SoftThreshold

PULLED = 0.4
"""The share of the project's length in which channels are drawn: as long as the trainings between three cuts are together."""
RISING = 0.8
"""The share of those steps in which the share of zeros rises to what is to go."""

SLACK = 0.1
"""So many more of a group's channels than its schedule asks for may be zero before they are drawn less."""


def narrowed_by_group_lasso(door: Any, model: Any, plan: Plan, training: Training) -> Any:
    """The narrower model, trained; its layers keep their names. The training's note says what the loss was before the cut, and after it."""
    state = state_of(read_graph(door, model))
    cutter = Cutter(door, state, plan)
    criterion = plan.criterion or probed(cutter, state, model, training, plan.left)
    worth = needed(criterion, state, model, training)
    stay = cutter.staying(state, worth, plan.left)
    before = training.loss(model)
    training.fit(model, lambda steps: _drawn(state.groups, worth, stay, steps), share=PULLED)
    state = state_of(state.graph)
    narrow = cutter.model(cutter.cut_to(state, [norms(group) for group in state.groups], stay))
    training.say(
        f"group lasso: the training loss was {before:.4g} and is {training.loss(narrow):.4g} after the cut of what was drawn to zero"
    )
    training.fit(narrow)
    return narrow


def norms(group: Group) -> np.ndarray:
    """By channel the norm of all the weights that read it."""
    squares = np.zeros(group.size)
    for weight, which in group.reads:
        squares += placed(weight.by_given(np.asarray(weight.variable) ** 2), which, group.size)
    return np.asarray(np.sqrt(squares))


class GroupPull:
    """Draws channels of a group towards zero until only `stay` are left at the step `end`; `worth` is what each is worth at the start."""

    def __init__(self, group: Group, worth: np.ndarray, stay: int, end: int) -> None:
        sizes = norms(group)
        self._group, self._stay = group, stay
        self._weights = worth / np.maximum(sizes, TINY)
        goal = (group.size - stay) / group.size
        self._threshold = SoftThreshold(sizes[self._drawn(sizes)], goal, end, SLACK)

    def step(self, step: int) -> None:
        """Move the norms of the channels that are worth the least towards zero; from time to time, adapt the threshold."""
        sizes = norms(self._group)
        reach = np.where(self._drawn(sizes), np.minimum(self._threshold.reach(sizes), sizes), 0.0)
        scale(self._group, 1 - reach / np.maximum(sizes, TINY))
        if self._threshold.is_adapted_at(step):
            self._threshold.adapt(float((reach == sizes).mean()), step)

    def settle(self) -> None:
        """Make zero what is still missing."""
        scale(self._group, np.where(self._drawn(norms(self._group)), 0.0, 1.0))

    def _drawn(self, sizes: np.ndarray) -> np.ndarray:
        return least_worth(self._weights * sizes, self._stay)


def scale(group: Group, factors: np.ndarray) -> None:
    """Multiply the weights that read each channel by its factor."""
    for weight, which in group.reads:
        of_given = np.where(which >= 0, factors[which], 1.0).astype("float32")
        weight.variable.assign(np.asarray(weight.variable) * weight.spread(of_given))


def _drawn(groups: Sequence[Group], worth: Importance, stay: Sequence[int], steps: int) -> Constraint:
    """What draws the channels of all groups that lose some, in a run of so many steps; `settle` makes the zeros exact."""
    end = max(1, round(RISING * steps))
    trios = zip(groups, worth, stay, strict=True)
    pulls = [GroupPull(group, own, count, end) for group, own, count in trios if count < group.size]

    def after_step(step: int) -> None:
        for pull in pulls if step else []:
            pull.step(step)

    def settle() -> None:
        for pull in pulls:
            pull.settle()

    return Constraint(after_step=after_step, settle=settle, whole_after=end)
