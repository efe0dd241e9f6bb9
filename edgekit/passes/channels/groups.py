"""The groups of channels that can only stay or go together: what structured pruning chooses from.

Where calls treat channels alike, a channel of the outcome stands or falls with those it is made of, through residual additions, depthwise
convolutions, concatenations and channel shuffles; a dense layer, a convolution or a recurrent layer makes channels of its own. What hangs
together is one class, and classes that have as many channels in each value make a group: any of them can go without the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.channels.alike import STAYS, alike
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.layout import Weight, summing
from edgekit.passes.channels.ranges import Channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.sections import Sections, even_out
from edgekit.passes.channels.shuffles import channel_counts
from edgekit.passes.channels.ties import tie, ties
from edgekit.passes.channels.ways import sections_of
from edgekit.passes.kinds import kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """Channels of which each is in all the group's values, equally often, or left out of all.

    `size` counts them. `members` tells of each value which of them each of its channels is, -1 for none; channels lie along the last axis, within a
    shuffle along the last two, and on a way as `ways` tells. `makers` are the dense layers, convolutions and recurrent layers that make them, `readers` those whose kernels
    read them: a recurrent layer reads what it makes. A depthwise convolution is neither, nor one that loses whole groups. `multiplied` are the
    kernels that make the second factor of products, as the keys of attention, by the channels that they make.
    """

    size: int
    members: Mapping[Value, np.ndarray]
    makers: tuple[Call, ...]
    readers: tuple[Call, ...]
    multiplied: tuple[Read, ...] = ()

    @property
    def each(self) -> int:
        """How many channels of the first maker one of them stands for, as one of each head of attention."""
        return int((self.members[self.makers[0].outputs[0]] >= 0).sum()) // self.size if self.makers else 1

    @property
    def reads(self) -> tuple[Read, ...]:
        """All kernels without whose weights the channels have no effect: those that read them, in the order of the readers, and those that make a factor.

        A factor of zeros is a product of zeros, so what makes it stands for what would read it. Where only its bias is left, a key adds the same to the scores of
        all keys, which a softmax does not see.
        """
        return (*(one for call in self.readers for one in self.reads_of(call)), *self.multiplied)

    def reads_of(self, call: Call) -> tuple[Read, ...]:
        """The kernels of a call that read the channels."""
        return tuple(
            Read(weight, self.members[weight.given.value][weight.given.channels])
            for weight in _kernels(call)
            if weight.given.value in self.members
        )


class Read(NamedTuple):
    """A kernel that reads channels of a group, and which of them each channel is that its sums run over, -1 for none; of a factor's kernel, that they make."""

    weight: Weight
    which: np.ndarray


def channel_groups(graph: FlatGraph, channels: Channels) -> tuple[Group, ...]:
    """The groups of a graph, in the order in which it makes them; no channel of an input, an output or a closed call is in one."""
    classes = _classes(graph, channels)
    group, number, sizes = _numbered(alike(classes))
    members: list[dict[Value, np.ndarray]] = [{} for _ in sizes]
    for value, found in classes.items():
        for place in np.unique(group[found]):
            if place >= 0:
                members[place][value] = np.where(group[found] == place, number[found], -1)
    sums = [call for call in graph.calls if channels.roles[id(call)] is Role.SUMS]
    factors = _factors(graph, channels)
    return tuple(
        Group(
            size=size,
            members=found,
            makers=tuple(call for call in sums if call.outputs[0] in found),
            readers=tuple(call for call in sums if any(weight.given.value in found for weight in _kernels(call))),
            multiplied=tuple(_multiplied(sums, found, factors)),
        )
        for size, found in zip(sizes, members, strict=True)
    )


def left_out(groups: Sequence[Group], gone: Mapping[int, np.ndarray]) -> dict[Value, np.ndarray]:
    """The masks that `narrow.narrowed` takes as its dead channels; `gone` tells by a group's place which of its channels go (bool), never all."""
    masks: dict[Value, np.ndarray] = {}
    for place, cut in gone.items():
        for value, which in groups[place].members.items():
            mask = masks.setdefault(value, np.zeros(which.size, bool))
            mask |= (which >= 0) & cut[which]
    return {value: mask for value, mask in masks.items() if mask.any()}


def scales_of(graph: FlatGraph, group: Group) -> list[Call]:
    """The batch normalizations with a scale that take a group's channels."""
    return [
        call
        for call in graph.calls
        if kind(call) == "BatchNormalization" and call.operation.scale and call.inputs[0] in group.members
    ]


def _factors(graph: FlatGraph, channels: Channels) -> dict[Value, np.ndarray]:
    """By value that a product is made of, or that becomes a part of one, which of its channels are those of a second factor (bool)."""
    sizes = channel_counts(graph, channels.roles, channels.ways.laid)
    found: dict[Value, np.ndarray] = {}
    for call in graph.calls[::-1]:
        role = channels.roles[id(call)]
        for given, which, made, places in ties(call, channels) if role not in (Role.SUMS, Role.CLOSED) else ():
            is_matched = role is Role.MATCHES
            if is_matched or made in found:
                own = found.setdefault(given, np.zeros(sizes[given], bool))
                own[which] |= True if is_matched else found[made][places].any(axis=0)
    return found


def _multiplied(
    sums: Sequence[Call], members: Mapping[Value, np.ndarray], factors: Mapping[Value, np.ndarray]
) -> Iterator[Read]:
    """The kernels that make factors of a group, and which of its channels they are."""
    for call in sums:
        (made,) = call.outputs
        which = np.where(factors[made], members[made], -1) if made in members and made in factors else np.zeros(0)
        for weight in _kernels(call) if (which >= 0).any() else ():
            if weight.turned is not None:
                yield Read(weight.turned, which[weight.made.channels])


def _kernels(call: Call) -> list[Weight]:
    """The kernels of a call that sum channels up."""
    family = family_of(call)
    return [] if family is None else summing(family.weights(call))


def _classes(graph: FlatGraph, channels: Channels) -> dict[Value, np.ndarray]:
    """The class of every channel of every value: a number, the same for channels that hang together."""
    classes: dict[Value, np.ndarray] = {}
    first = STAYS + 1
    for value, size in channel_counts(graph, channels.roles, channels.ways.laid).items():
        classes[value] = np.arange(first, first + size)
        first += size
    for value in (*graph.inputs, *graph.outputs, *_closed(graph, channels)):
        classes[value][:] = STAYS
    tying = [call for call in graph.calls if channels.roles[id(call)] is not Role.CLOSED]
    before = -1
    while (total := sum(int(found.sum()) for found in classes.values())) != before:
        before = total
        for call in (*tying, *tying[::-1]):
            tie(call, channels, classes)
    even_out(classes, _sections(graph, channels))
    return classes


def _sections(graph: FlatGraph, channels: Channels) -> Iterator[Sections]:
    """The values of which as many channels must stay in each section."""
    yield from sections_of(channels.ways)
    for call in graph.calls:
        family = family_of(call) if channels.roles[id(call)] is Role.SUMS else None
        yield from () if family is None else family.sections(call)


def _closed(graph: FlatGraph, channels: Channels) -> Iterator[Value]:
    """The values that a call takes or makes of which it is not known what it does with channels, or that mixes them after its sums."""
    yield from channels.ways.held
    for call in graph.calls:
        role = channels.roles[id(call)]
        if role is Role.CLOSED:
            yield from (*call.inputs, *call.outputs)
        elif role is Role.SUMS and (family := family_of(call)) is not None and not family.ends_by_channel(call):
            yield from call.outputs


def _numbered(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """By class its group and its number there, -1 for one that stays, and the size of each group."""
    group, number = np.full(kinds.size, -1), np.full(kinds.size, -1)
    _, firsts = np.unique(kinds, return_index=True)
    sizes: list[int] = []
    for one in kinds[np.sort(firsts)]:
        if one:
            (found,) = np.nonzero(kinds == one)
            group[found], number[found] = len(sizes), np.arange(found.size)
            sizes.append(int(found.size))
    return group, number, sizes
