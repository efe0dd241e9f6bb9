"""What a flat graph holds of a budget while its groups of channels become narrower.

The width of a value is a sum over the groups in it, a kernel's size a product of two widths: so every width is weighed without making a
narrower graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.cost.graph import Budget
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.affine import DEPTHWISE
from edgekit.passes.channels.groups import Group
from edgekit.passes.channels.ranges import Channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.kinds import kind
from edgekit.techniques.narrowing.counted import Work, elements, kernel_weights, lifetimes, positions, works_of


class Account:
    """A budget of a graph by the shares of its groups that stay: the products of widths that are summed, or what is alive during each call."""

    def __init__(self, graph: FlatGraph, channels: Channels, groups: Sequence[Group], budget: Budget) -> None:
        values = [*graph.inputs, *(value for call in graph.calls for value in call.outputs)]
        self._place = {value: place for place, value in enumerate(values)}
        self._slopes = np.zeros((len(groups), len(values) + 1))  # the last is no value: its width stays 1
        for number, group in enumerate(groups):
            for value, which in group.members.items():
                self._slopes[number, self._place[value]] = (which >= 0).mean()
        self._first = 1 - self._slopes.sum(axis=0)
        works = works_of(graph)
        self._alive = self._lives(works, graph) if budget == "activations" else None
        found = self._kernels(graph, channels, works, budget) if self._alive is None else []
        self._amounts = np.array([amount for amount, _, _ in found], float)
        self._given, self._made = [given for _, given, _ in found], [made for _, _, made in found]

    def held(self, stays: np.ndarray) -> np.ndarray:
        """The quantities of the budget, by (.., groups) shares that stay: one total, or what is alive during each call."""
        widths = self._first + stays @ self._slopes
        if self._alive is not None:
            return np.asarray(widths @ self._alive)
        return np.asarray((self._amounts * widths[..., self._given] * widths[..., self._made]).sum(axis=-1)[..., None])

    def excess(self, stays: np.ndarray, goal: float) -> np.ndarray:
        """How much the quantities are above a goal, all together: zero once the budget is kept."""
        return np.asarray(np.maximum(self.held(stays) - goal, 0.0).sum(axis=-1))

    @property
    def whole(self) -> float:
        """The budget of the graph as it is: the largest of the quantities."""
        return float(self.held(np.ones(len(self._slopes))).max(initial=0.0))

    def _kernels(
        self, graph: FlatGraph, channels: Channels, works: Sequence[Work], budget: Budget
    ) -> list[tuple[float, int, int]]:
        """Of each kernel its share of the total, and the places of the two values whose widths its size follows."""
        found, seen = [], set()
        for call, work in zip(graph.calls, works, strict=True):
            amount = kernel_weights(call.operation) * (positions(work) if budget == "macs" else 1)
            if amount and (budget == "macs" or id(call.operation) not in seen):
                found.append((float(amount), *self._followed(call, channels)))
            seen.add(id(call.operation))
        return found

    def _followed(self, call: Call, channels: Channels) -> tuple[int, int]:
        nothing = self._slopes.shape[1] - 1
        role = channels.roles[id(call)]
        if role is Role.SUMS:
            return self._place[call.inputs[0]], self._place[call.outputs[0]]
        if role is Role.GROUPED or (role is Role.ALIKE and kind(call) in DEPTHWISE):
            return self._place[call.outputs[0]], nothing
        return nothing, nothing

    def _lives(self, works: Sequence[Work], graph: FlatGraph) -> np.ndarray:
        """By (value, call), the elements of a value that is alive during a call."""
        alive = np.zeros((self._slopes.shape[1], max(1, len(works))))
        for value, (first, last) in lifetimes(works, graph.outputs).items():
            if isinstance(value, Value):
                alive[self._place[value], first : last + 1] = elements(value.shape)
        return alive
