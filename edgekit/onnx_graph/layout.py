"""Where the numbers of an ONNX tensor stand in a Keras tensor: pure bookkeeping, so that data move only where meaning demands it.

Each axis of either side is a tuple of atoms, from the slowest to the fastest. An atom is a factor of a size, above 1; an axis of size 1 has none.
The Keras side leaves out its batch. Transposing and reshaping in ONNX rearranges the atoms of the ONNX side and leaves the Keras tensor as it is.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

CHANNELS_LAST = (2, 3, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Atom:
    """A factor of a size; each is itself alone."""

    size: int


Axis = tuple[Atom, ...]
Axes = tuple[Axis, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Laid:
    """A Keras tensor and where in it each axis of the ONNX tensor stands.

    `nonnegative` where it is known that no number is below zero.
    """

    tensor: Any
    onnx: Axes
    keras: Axes
    nonnegative: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The ONNX tensor's shape, for one sample."""
        return sizes(self.onnx)

    @property
    def rank(self) -> int:
        """How many axes the ONNX tensor has."""
        return len(self.onnx)

    @property
    def dtype(self) -> str:
        """The Keras tensor's dtype."""
        return str(self.tensor.dtype)


def sizes(axes: Axes) -> tuple[int, ...]:
    """The sizes of axes."""
    return tuple(math.prod(atom.size for atom in axis) for axis in axes)


def flat(axes: Iterable[Axis]) -> Axis:
    """The atoms of axes, one after another."""
    return tuple(atom for axis in axes for atom in axis)


def fresh(tensor: Any, shape: Sequence[int], order: Sequence[int], *, nonnegative: bool = False) -> Laid:
    """A Keras tensor that has the ONNX axes of this order, and an ONNX tensor of this shape; axes that are not in the order have size 1."""
    onnx = tuple(map(fresh_axis, shape))
    return Laid(tensor=tensor, onnx=onnx, keras=tuple(onnx[axis] for axis in order), nonnegative=nonnegative)


def fresh_axis(size: int) -> Axis:
    """An axis of one atom, or of none where its size is 1."""
    return (Atom(size),) if size > 1 else ()


def plain_order(shape: Sequence[int]) -> tuple[int, ...]:
    """The ONNX axes in their own order, without a first one of size 1, for which the batch stands.

    >>> plain_order((1, 5, 6)), plain_order((4, 5))
    ((1, 2), (0, 1))
    """
    return tuple(range(1 if shape and shape[0] == 1 else 0, len(shape)))


def transposed(laid: Laid, order: Sequence[int]) -> Laid:
    """ONNX's Transpose: nothing moves."""
    return dataclasses.replace(laid, onnx=tuple(laid.onnx[axis] for axis in order))


def reshaped(laid: Laid, shape: Sequence[int]) -> Laid | None:
    """ONNX's Reshape where the atoms can be split for it: nothing moves. None where the sizes do not divide each other."""
    waiting = list(flat(laid.onnx))
    splits: dict[Atom, Axis] = {}
    axes: list[Axis] = []
    for size in shape:
        found: list[Atom] = []
        left = size
        while left > 1:
            if not waiting:
                return None
            atom = waiting.pop(0)
            common = math.gcd(left, atom.size)
            if common != min(left, atom.size):
                return None
            if atom.size > left:
                parts = (Atom(left), Atom(atom.size // left))
                splits[atom] = parts
                waiting.insert(0, parts[1])
                atom = parts[0]
            found.append(atom)
            left //= atom.size
        axes.append(tuple(found))
    if waiting:
        return None
    return dataclasses.replace(laid, onnx=tuple(axes), keras=split(laid.keras, splits))


def split(axes: Axes, splits: Mapping[Atom, Axis]) -> Axes:
    """Axes with some atoms in parts, which may be split again."""

    def opened(atom: Atom) -> Axis:
        return tuple(part for one in splits[atom] for part in opened(one)) if atom in splits else (atom,)

    return tuple(tuple(part for atom in axis for part in opened(atom)) for axis in axes)


def refined(axis: Axis, parts: Sequence[int]) -> dict[Atom, Axis] | None:
    """How the atoms of an axis are split so that its sizes are `parts`, where these are finer or as fine; None where they are not."""
    splits: dict[Atom, Axis] = {}
    waiting = list(parts)
    for atom in axis:
        found: list[Atom] = []
        left = atom.size
        while left > 1:
            if not waiting or left % waiting[0]:
                return None
            found.append(Atom(waiting[0]))
            left //= waiting.pop(0)
        if len(found) > 1:
            splits[atom] = tuple(found)
    return splits if not waiting else None


def common_parts(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...] | None:
    """The coarsest sizes that refine two factorings of one number; None where none does.

    >>> common_parts((12,), (3, 4)), common_parts((6, 2), (3, 4)), common_parts((3, 4), (4, 3))
    ((3, 4), (3, 2, 2), None)
    """
    cuts = sorted({math.prod(sizes[:count]) for sizes in (one, other) for count in range(1, len(sizes) + 1)})
    before, parts = 1, []
    for cut in cuts:
        if cut % before:
            return None
        parts.append(cut // before)
        before = cut
    return tuple(parts)


def runs(given: Axis, wanted: Axis) -> list[Axis]:
    """The longest pieces of `given` whose atoms follow each other in `wanted` too, in the order of `given`."""
    following = dict(itertools.pairwise(wanted))
    found: list[list[Atom]] = []
    for atom in given:
        if found and following.get(found[-1][-1]) is atom:
            found[-1].append(atom)
        else:
            found.append([atom])
    return [tuple(one) for one in found]


def axis_order(laid: Laid) -> tuple[int, ...]:
    """An order of the ONNX axes in which the Keras tensor has them, or can with the least movement.

    A first axis of size 1 is left out: the batch stands for it. Where sizes of 1 leave a choice, channels come last.
    """
    plain = plain_order(laid.shape)
    atoms = flat(laid.keras)
    candidates = [plain]
    if laid.rank >= 3 and laid.shape[0] == 1:
        candidates.insert(0, (*range(2, laid.rank), 1))
    for order in candidates:
        if flat(laid.onnx[axis] for axis in order) == atoms:
            return order
    place = {atom: index for index, atom in enumerate(atoms)}
    heads = {axis: place[laid.onnx[axis][0]] for axis in plain if laid.onnx[axis]}
    ordered = sorted(heads, key=heads.__getitem__)
    for axis in plain:  # an axis of size 1 stands behind the one before it
        if axis not in heads:
            ordered.insert(ordered.index(axis - 1) + 1 if axis - 1 in ordered else 0, axis)
    return tuple(ordered)


def by_order(laid: Laid, order: Sequence[int]) -> Axes:
    """Keras axes that are whole ONNX axes, in this order."""
    return tuple(laid.onnx[axis] for axis in order)


def has_order(laid: Laid, order: Sequence[int]) -> bool:
    """Whether the Keras tensor has just these ONNX axes, whole and in this order."""
    return laid.keras == by_order(laid, order)


def moved_array(array: np.ndarray, axis: int, onnx: Axis, keras: Axis) -> np.ndarray:
    """An array whose axis has ONNX's order of atoms, with that axis in the order of the Keras tensor."""
    if len(onnx) < 2 or onnx == keras:
        return array
    places = np.arange(array.shape[axis]).reshape([atom.size for atom in onnx])
    moved = np.transpose(places, [onnx.index(atom) for atom in keras]).reshape(-1)
    return np.take(array, moved, axis=axis)


def to_onnx(laid: Laid, batch: np.ndarray) -> np.ndarray:
    """The first sample of a batch that a Keras tensor holds, as the ONNX tensor."""
    atoms, wanted = flat(laid.keras), flat(laid.onnx)
    parts = batch[0].reshape([atom.size for atom in atoms])
    return np.transpose(parts, [atoms.index(atom) for atom in wanted]).reshape(laid.shape)
