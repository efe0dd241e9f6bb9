"""How the weights of a layer lie by channel: which channels each axis of a weight follows, and which axis sums run over.

A family of layers (`layers/`) says it of its weights; whoever cuts, ranks, counts or draws channels works on this and knows no layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Value


class Part(NamedTuple):
    """`size` channels of a value, from `first` on, that an axis of a weight follows: `blocks` times one after another, as for the gates of a recurrent layer."""

    value: Value
    first: int
    size: int
    blocks: int = 1

    @property
    def channels(self) -> slice:
        """Where in the value they are."""
        return slice(self.first, self.first + self.size)

    @property
    def without_blocks(self) -> Part:
        """The same channels once."""
        return self._replace(blocks=1)


def whole(value: Value, blocks: int = 1) -> Part:
    """All channels of a value."""
    return Part(value, 0, value.shape[-1] or 0, blocks)


Stays = Callable[[Part], np.ndarray]
"""Of each place along an axis that follows a part, whether it stays (bool)."""


class Weight(NamedTuple):
    """A weight of a layer: its variable, the part that an axis follows by the axis, counted from the end, and the axis that sums run over.

    An axis that is not named keeps its length. Without `summed` the weight is no kernel of sums over channels. One with it follows
    two parts: those that are summed, and those that the sums make. Where it has several `groups`, both parts lie in so many sections, one after another,
    and a sum runs over those of its section, along the last axis but one; the last is the sums'.
    """

    variable: Any
    along: Mapping[int, Part]
    summed: int | None = None
    groups: int = 1

    @property
    def given(self) -> Part:
        """The channels that the sums run over; `ValueError` where there are no sums."""
        return self.along[self._summed]

    @property
    def made(self) -> Part:
        """The channels that the sums make; `ValueError` where there are no sums."""
        return self.along[self._made]

    @property
    def turned(self) -> Weight | None:
        """The kernel taken by the channels that its sums make, in place of those that they run over; None where it has several groups, or blocks."""
        is_plain = self.summed is not None and self.groups == self.made.blocks == 1
        return self._replace(summed=self._made) if is_plain else None

    @property
    def by_tap(self) -> np.ndarray:
        """The numbers of a kernel now, by (tap, channel that is summed, sum); zeros between channels of different groups."""
        numbers = np.moveaxis(np.asarray(self.variable), (self._summed, self._made), (-2, -1))
        numbers = numbers.reshape(-1, *numbers.shape[-2:])
        if self.groups == 1:
            return numbers
        taps, given, made = numbers.shape
        found = np.zeros((taps, self.groups, given, made), numbers.dtype)
        for group, own in enumerate(np.split(np.arange(made), self.groups)):
            found[:, group, :, own] = np.moveaxis(numbers[..., own], -1, 0)
        return found.reshape(taps, -1, made)

    def left(self, stays: Stays) -> np.ndarray:
        """The numbers of the channels that stay: of several groups as many in each."""
        numbers = np.asarray(self.variable)
        if self.groups > 1:
            kept = (np.split(stays(part), self.groups) for part in (self.given, self.made))
            return np.concatenate(
                [
                    own[..., given, :][..., made]
                    for own, given, made in zip(np.split(numbers, self.groups, axis=-1), *kept, strict=True)
                ],
                axis=-1,
            )
        for axis, part in self.along.items():
            numbers = np.compress(stays(part), numbers, axis=axis)
        return numbers

    def by_given(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers in the weight's shape summed up for each channel that its sums run over, float64."""
        kernel = np.moveaxis(numbers, (self._summed, self._made), (-2, -1))
        by_sum = kernel.sum(axis=tuple(range(numbers.ndim - 2)), dtype=np.float64)
        return np.asarray(by_sum.reshape(len(by_sum), self.groups, -1).sum(axis=-1).T.reshape(-1))

    def spread(self, numbers: np.ndarray) -> np.ndarray:
        """A number for each channel that the sums run over, in a shape that multiplies the weight."""
        if self.groups > 1:
            return np.repeat(numbers.reshape(self.groups, -1).T, self.made.size // self.groups, axis=1)
        shape = [1] * len(self.variable.shape)
        shape[self._summed] = -1
        return numbers.reshape(shape)

    @property
    def _summed(self) -> int:
        if self.summed is None:
            raise ValueError("a weight that sums nothing up")
        return self.summed

    @property
    def _made(self) -> int:
        (made,) = (axis for axis in self.along if axis != self._summed)
        return made


def summing(weights: Sequence[Weight]) -> list[Weight]:
    """Those of a layer's weights that are kernels of sums over channels."""
    return [weight for weight in weights if weight.summed is not None]
