"""How the channels of a value lie along its axes, where that is not the last axis alone: by head and by place in it, before or behind other axes.

Each axis is a product of atoms, parts of channels or of places, in the order in which the numbers lie. A reshape parts and joins atoms, a transposition
moves axes. Channels are numbered as they lie, and keep their order. Of their atoms only the last one can become smaller: the channels lie in as many sections as
the others make, and as many stay in each.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Atom(NamedTuple):
    """A factor of an axis, larger than one: of the channels, or of the places."""

    size: int
    is_channels: bool


Axis = tuple[Atom, ...]


@dataclasses.dataclass(frozen=True)
class Laid:
    """The atoms of each axis of a value, without the batch; some atom is of channels."""

    axes: tuple[Axis, ...]

    @property
    def channels(self) -> int:
        """How many there are."""
        return math.prod(self.parts)

    @property
    def parts(self) -> list[int]:
        """The sizes of the atoms of channels."""
        return [atom.size for axis in self.axes for atom in axis if atom.is_channels]

    @property
    def sections(self) -> int:
        """In how many sections they lie, one after another; as many stay in each."""
        return math.prod(self.parts[:-1])

    @property
    def is_last(self) -> bool:
        """Whether all channels lie along the last axis, each once or for each of some places: there they are numbered by that axis."""
        return not any(atom.is_channels for axis in self.axes[:-1] for atom in axis)

    @property
    def along_last(self) -> np.ndarray:
        """By place on the last axis, which channel it is."""
        sizes = [atom.size for atom in self.axes[-1]]
        own = np.arange(self.channels).reshape([atom.size if atom.is_channels else 1 for atom in self.axes[-1]])
        return np.array(np.broadcast_to(own, sizes).reshape(-1))

    @property
    def last_axes(self) -> int:
        """Along how many of the last axes the channels lie, with places between and behind them."""
        first = next(place for place, axis in enumerate(self.axes) if any(atom.is_channels for atom in axis))
        return len(self.axes) - first

    def of(self, channels: int) -> tuple[int, ...]:
        """The shape of so many channels."""
        sizes = [[atom.size for atom in axis] for axis in self.axes]
        place, inner = self.narrowing
        sizes[place][inner] = channels // self.sections
        return tuple(map(math.prod, sizes))

    def narrows(self, axis: int) -> bool:
        """Whether an axis is the one atom that can become smaller."""
        return self.narrowing == (axis, 0) and len(self.axes[axis]) == 1

    def reshaped(self, shape: Sequence[int]) -> Laid | None:
        """In another shape; None where that parts atoms otherwise than by whole factors."""
        atoms = [atom for axis in self.axes for atom in axis][::-1]
        axes = [_taken(atoms, size) for size in shape]
        found = [axis for axis in axes if axis is not None]
        return None if atoms or len(found) < len(axes) else Laid(tuple(found))

    def transposed(self, order: Sequence[int]) -> Laid | None:
        """With its axes in another order; None where the channels would lie in another."""
        holding = [axis for axis in order if any(atom.is_channels for atom in self.axes[axis])]
        return Laid(tuple(self.axes[axis] for axis in order)) if holding == sorted(holding) else None

    def cut(self, keys: Sequence[slice | int]) -> tuple[Laid, np.ndarray] | None:
        """What a slice or an index by axis leaves, and which channels these are; None where it parts more than one atom, or the one that can become smaller."""
        axes: list[Axis] = []
        numbers = np.arange(self.channels).reshape(self._extents)
        for place, key in enumerate(keys):
            one, size = key if isinstance(key, slice) else slice(key, key + 1), math.prod(self._sizes(place))
            start, stop, step = one.indices(size)
            if (start, stop, step) == (0, size, 1):
                axes += [self.axes[place]] if isinstance(key, slice) else []
                continue
            if step != 1 or start >= stop or len(self.axes[place]) != 1 or self.narrows(place):
                return None
            (atom,) = self.axes[place]
            if atom.is_channels:
                numbers = numbers.take(np.arange(start, stop), axis=place)
            axes += [_axis(stop - start, is_channels=atom.is_channels)] if isinstance(key, slice) else []
        return Laid(tuple(axes)), numbers.reshape(-1)

    def spread(self, own: str, letters: str) -> np.ndarray:
        """The numbers of the channels by one axis for each letter, of which the value's own stand for its axes."""
        present = [letter for letter in letters if letter in own]
        numbers = np.arange(self.channels).reshape(self._extents).transpose([own.index(letter) for letter in present])
        sizes = dict(zip(present, numbers.shape, strict=True))
        return np.asarray(numbers.reshape([sizes.get(letter, 1) for letter in letters]))

    @property
    def _extents(self) -> list[int]:
        """By axis how many channels lie along it."""
        return [math.prod(atom.size for atom in axis if atom.is_channels) for axis in self.axes]

    @property
    def narrowing(self) -> tuple[int, int]:
        """The axis of the last atom of channels, the one that can become smaller, and its place there."""
        return max(
            (place, inner)
            for place, axis in enumerate(self.axes)
            for inner, atom in enumerate(axis)
            if atom.is_channels
        )

    def _sizes(self, place: int) -> list[int]:
        return [atom.size for atom in self.axes[place]]


def plain(shape: Sequence[int]) -> Laid:
    """The last axis is the channels, more than one, all others are places."""
    return Laid((*(_axis(size) for size in shape[:-1]), _axis(shape[-1], is_channels=True)))


def places(size: int) -> Axis:
    """An axis without channels."""
    return _axis(size)


def _axis(size: int, *, is_channels: bool = False) -> Axis:
    return (Atom(size, is_channels),) if size > 1 else ()


def _taken(atoms: list[Atom], size: int) -> Axis | None:
    """An axis of a size from the end of a list of atoms, the last of which may be parted; None where no factor fits."""
    found: list[Atom] = []
    while size > 1 and atoms:
        atom = atoms.pop()
        part = min(atom.size, size)
        if atom.size % part or size % part:
            return None
        found.append(Atom(part, atom.is_channels))
        if atom.size > part:
            atoms.append(Atom(atom.size // part, atom.is_channels))
        size //= part
    return tuple(found) if size == 1 else None
