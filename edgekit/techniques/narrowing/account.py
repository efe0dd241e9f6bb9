"""What a flat graph holds of a budget while its groups of channels become narrower.

The width of a value is a sum over the groups in it, a kernel's size a product of two widths (in a recurrent one twice the same): so every width is
weighed without making a narrower graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from edgekit.cost.graph import Budget
from edgekit.cost.work_time import WorkTime
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.channels.groups import Group
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.ranges import Channels
from edgekit.passes.channels.roles import Role
from edgekit.techniques.narrowing.counted import (
    Work,
    elements,
    is_kernel,
    kernel_weights,
    lifetimes,
    positions,
    works_of,
    written,
)


class Products(NamedTuple):
    """Kernels' shares of a total, and for each the places of the two values whose widths its size follows."""

    amounts: np.ndarray
    given: list[int]
    made: list[int]

    def sum(self, widths: np.ndarray) -> np.ndarray:
        """The total, by (.., values) widths."""
        return np.asarray((self.amounts * widths[..., self.given] * widths[..., self.made]).sum(axis=-1))


class Account:
    """A budget of a graph by the shares of its groups that stay: products of widths that are summed, what is alive during each call, or the two sides of a roofline.

    `time` is what the work takes, where the budget is the latency.
    """

    def __init__(
        self,
        graph: FlatGraph,
        channels: Channels,
        groups: Sequence[Group],
        budget: Budget,
        time: WorkTime | None = None,
    ) -> None:
        values = [*graph.inputs, *(value for call in graph.calls for value in call.outputs)]
        self._place = {value: place for place, value in enumerate(values)}
        self._slopes = np.zeros((len(groups), len(values) + 1))  # the last is no value: its width stays 1
        for number, group in enumerate(groups):
            for value, which in group.members.items():
                self._slopes[number, self._place[value]] = (which >= 0).mean()
        self._first = 1 - self._slopes.sum(axis=0)
        works = works_of(graph)
        self._budget, self._time = budget, time
        self._alive = self._lives(works, graph) if budget == "activations" else None
        self._macs = self._kernels(graph, channels, works, "macs")
        self._weights = self._kernels(graph, channels, works, "parameters")
        self._written = self._elements(works)

    def held(self, stays: np.ndarray) -> np.ndarray:
        """The quantities of the budget, by (.., groups) shares that stay: one total, what is alive during each call, or the nanoseconds of computing and of reading and writing."""
        widths = self._first + stays @ self._slopes
        if self._alive is not None:
            return np.asarray(widths @ self._alive)
        if self._time is not None:
            return self._sides(self._time, widths)
        return (self._macs if self._budget == "macs" else self._weights).sum(widths)[..., None]

    def excess(self, stays: np.ndarray, goal: float) -> np.ndarray:
        """How much the quantities are above a goal, all together: zero once the budget is kept."""
        return np.asarray(np.maximum(self.held(stays) - goal, 0.0).sum(axis=-1))

    @property
    def whole(self) -> float:
        """The budget of the graph as it is: the largest of the quantities."""
        return float(self.held(np.ones(len(self._slopes))).max(initial=0.0))

    def _kernels(self, graph: FlatGraph, channels: Channels, works: Sequence[Work], budget: Budget) -> Products:
        found, seen = [], set()
        for call, work in zip(graph.calls, works, strict=True):
            times = positions(work) if budget == "macs" else int(id(call.operation) not in seen)
            seen.add(id(call.operation))
            if times:
                found += [(float(times * weights), *places) for weights, places in self._followed(call, channels)]
        amounts, given, made = zip(*found, strict=True) if found else ((), (), ())
        return Products(np.array(amounts, float), list(given), list(made))

    def _sides(self, time: WorkTime, widths: np.ndarray) -> np.ndarray:
        """The two sides of the roofline, in nanoseconds: the slower one is the time of the work."""
        computing = time.mac_ns * self._macs.sum(widths)
        moving = time.traffic_ns(self._weights.sum(widths), widths @ self._written)
        return np.stack([computing, moving], axis=-1)

    def _elements(self, works: Sequence[Work]) -> np.ndarray:
        """By value, the elements of it that are written to an array of its own."""
        found = np.zeros(self._slopes.shape[1])
        for value, count in written(works).items():
            if isinstance(value, Value):
                found[self._place[value]] = count
        return found

    def _followed(self, call: Call, channels: Channels) -> Iterator[tuple[int, tuple[int, int]]]:
        """Of each kernel of a call its weights, and the places of the two values whose widths their number follows."""
        nothing = self._slopes.shape[1] - 1
        family = None if channels.roles[id(call)] is Role.CLOSED else family_of(call)
        if family is None:
            yield kernel_weights(call.operation), (nothing, nothing)
            return
        for weight in family.weights(call):
            if is_kernel(weight.variable):
                places = [self._place[part.value] for part in weight.along.values()]
                first, second, *_ = *places, nothing, nothing
                yield math.prod(weight.variable.shape), (first, second)

    def _lives(self, works: Sequence[Work], graph: FlatGraph) -> np.ndarray:
        """By (value, call), the elements of a value that is alive during a call."""
        alive = np.zeros((self._slopes.shape[1], max(1, len(works))))
        for value, (first, last) in lifetimes(works, graph.outputs).items():
            if isinstance(value, Value):
                alive[self._place[value], first : last + 1] = elements(value.shape)
        return alive
