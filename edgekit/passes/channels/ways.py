"""Ways of channels off the last axis, as through the heads of attention: reshapes, transpositions and cuts of other axes, and products of two values.

A way begins where a call moves channels off the last axis, or puts places beside them there. It is followed where each call that takes what lies so goes on: until a
call takes it by its last axis, along which all channels lie, or a product sums them up with those of another value. Where one does not, the call that made what it takes is closed as before.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value, values_in
from edgekit.passes.channels import cuts
from edgekit.passes.channels.curves import name_of_curve
from edgekit.passes.channels.following import HANDS_ON, MERGES, is_same_for_all
from edgekit.passes.channels.laid import Laid, plain
from edgekit.passes.channels.layers.interface import is_bound
from edgekit.passes.channels.products import Product, carried, matched, product_of
from edgekit.passes.channels.roles import Role, Tie
from edgekit.passes.channels.sections import Sections
from edgekit.passes.kinds import kind

RESHAPES = ("Reshape", "Flatten", "Squeeze", "ExpandDims")
TRANSPOSITIONS = ("Permute", "Transpose")


class Ways(NamedTuple):
    """How the values lie on ways, but for those that are taken by their last axis; by the call's id the role and the ties of each call on a way; and values that products need whole."""

    laid: Mapping[Value, Laid] = {}
    roles: Mapping[int, Role] = {}
    ties: Mapping[int, tuple[Tie, ...]] = {}
    held: tuple[Value, ...] = ()


class _Step(NamedTuple):
    """What one call does on a way: its role, how its outcomes lie, its ties, and the values that it holds."""

    role: Role
    laid: Mapping[Value, Laid]
    ties: tuple[Tie, ...]
    held: tuple[Value, ...] = ()


def sections_of(ways: Ways) -> Iterator[Sections]:
    """The values of which as many channels must stay in each section: of each head."""
    for value, laid in ways.laid.items():
        if laid.sections > 1:
            yield Sections(value, laid.sections)


def ways_through(graph: FlatGraph, roles: Mapping[int, Role]) -> Ways:
    """All ways of a graph; `roles` are those of calls on values with their channels along the last axis."""
    users, makers = graph.users(), graph.makers()
    closed, by_last = set[int](), set[Value]()
    while True:
        steps = _steps(graph, roles, closed, by_last)
        laid = {value: one for step in steps.values() for value, one in step.laid.items()}
        ends = [
            value
            for value in laid
            if value in graph.outputs or not all(id(user) in steps for user in users.get(value, [None]))
        ]
        if not ends:
            return Ways(
                laid,
                {place: step.role for place, step in steps.items()},
                {place: step.ties for place, step in steps.items()},
                tuple(value for step in steps.values() for value in step.held),
            )
        arrived = {value for value in ends if laid[value].is_last}
        by_last |= arrived
        closed |= {id(makers[value]) for value in ends if not arrived}


def _steps(
    graph: FlatGraph, roles: Mapping[int, Role], closed: Collection[int], by_last: Collection[Value]
) -> dict[int, _Step]:
    """The calls that a way can go through, as far as those before them are known; a way ends at the values that are taken by their last axis."""
    found: dict[int, _Step] = {}
    laid: dict[Value, Laid] = {}
    for call in graph.calls:
        is_on_way = any(value in laid for value in call.inputs)
        if id(call) in closed or not (is_on_way or roles[id(call)] is Role.CLOSED) or not _is_known(call):
            continue
        step = (_multiplied if len(call.inputs) == 2 else _moved)(call, laid, by_last)
        if step is not None:
            found[id(call)] = step
            laid |= step.laid
    return found


def _is_known(call: Call) -> bool:
    """Whether a call takes and makes floats of known sizes, and no loss looks at them."""
    values, layer = (*call.inputs, *call.outputs), call.operation
    is_plain = getattr(layer, "data_format", "channels_last") == "channels_last" and not is_bound(layer)
    return (
        is_plain
        and not any(values_in(dict(call.kwargs)))
        and all(one.shape and None not in one.shape and one.dtype.startswith("float") for one in values)
    )


def _lies(value: Value, laid: Mapping[Value, Laid]) -> Laid | None:
    """How the channels of a value lie; None where it has one at most, which cannot go."""
    if value in laid:
        return laid[value]
    return plain(_sizes(value)) if _sizes(value)[-1] > 1 else None


def _sizes(value: Value) -> tuple[int, ...]:
    return tuple(size or 1 for size in value.shape)


def _moved(call: Call, laid: Mapping[Value, Laid], by_last: Collection[Value]) -> _Step | None:
    """A call that leaves each channel as it is, and lays it elsewhere."""
    if len(call.inputs) != 1:
        return None
    (given,) = call.inputs
    before = _lies(given, laid)
    parts = None if before is None else list(_parts(call, before))
    if not parts or any(part is None for part in parts):
        return None
    found: dict[Value, Laid] = {}
    tied: list[Tie] = []
    for made, part in zip(call.outputs, parts, strict=True):
        after, which = part  # type: ignore[misc]
        if made in by_last:
            which = which[after.along_last]
        else:
            found[made] = after
        tied.append(_tie(given, made, which, np.arange(which.size)))
    return _Step(Role.MOVES, found, tuple(tied))


def _parts(call: Call, before: Laid) -> Iterator[tuple[Laid, np.ndarray] | None]:
    """By outcome how it lies, and which of the channels that are taken its own are; None where that is not known."""
    if call.kind == cuts.SLICE or (kind(call) == cuts.SPLIT and list(call.args) == list(call.inputs)):
        for keys in _keys(call):
            yield before.cut(keys)
        return
    after: Laid | None = None
    if _is_by_number(call):  # on the last axis it is closed for a reason of its own
        after = before
    elif kind(call) in RESHAPES and list(call.args) == list(call.inputs):
        after = before.reshaped(_sizes(call.outputs[0]))
    elif kind(call) in TRANSPOSITIONS and list(call.args) == list(call.inputs):
        order = _order(call)
        after = None if order is None else before.transposed(order)
    yield None if after is None else (after, np.arange(after.channels))


def _is_by_number(call: Call) -> bool:
    """Whether each number becomes another by itself, and all of them in one way."""
    (given,), (made, *_) = call.inputs, call.outputs
    if kind(call) in MERGES:
        others = [part for part in flat(list(call.args)) if not isinstance(part, Value)]
        return made.shape == given.shape and all(np.size(part) == 1 and is_same_for_all(part) for part in others)
    if list(call.args) != list(call.inputs):
        return False
    is_dropout = kind(call) in HANDS_ON and getattr(call.operation, "noise_shape", None) is None
    return is_dropout or bool(name_of_curve(call))


def _order(call: Call) -> Sequence[int] | None:
    """The axes of a transposition in their new order, without the batch; a layer counts from one, an operation the batch as zero."""
    axes = len(call.outputs[0].shape) + 1
    named = (0, *call.operation.dims) if kind(call) == "Permute" else call.operation.axes
    order = [axis % axes for axis in named] if named is not None else [*range(axes)][::-1]
    return [axis - 1 for axis in order[1:]] if order[0] == 0 else None


def _keys(call: Call) -> Iterator[Sequence[slice | int]]:
    """By outcome of a slice or a split what it takes of each axis, without the batch; nothing where that is not known."""
    rank = len(call.inputs[0].shape)
    if call.kind == cuts.SLICE:
        key = cuts.whole_key(call.args[1], 1 + rank) if isinstance(call.args[1], list | tuple) else ()
        if len(key) == 1 + rank and key[0] == slice(None) and all(isinstance(one, slice | int) for one in key):
            yield key[1:]
        return
    axis, sections = call.operation.axis % (1 + rank) - 1, call.operation.indices_or_sections
    size = _sizes(call.inputs[0])[axis]
    inner = [*range(size // sections, size, size // sections)] if isinstance(sections, int) else [*map(int, sections)]
    for start, stop in itertools.pairwise([0, *inner, size]) if axis >= 0 else ():
        yield [slice(start, stop) if place == axis else slice(None) for place in range(rank)]


def _multiplied(call: Call, laid: Mapping[Value, Laid], by_last: Collection[Value]) -> _Step | None:
    """A product of two values."""
    product = product_of(call)
    if product is None:
        return None
    one, other = _lies(product.one, laid), _lies(product.other, laid)
    pairs = None if one is None or other is None else matched(product, one, other)
    if pairs is not None:
        return _matching(call, product, *pairs)
    for found, lies in ((product, one), (product.turned, other)):
        if lies is not None and found.other not in laid and (after := carried(found, lies)) is not None:
            return _carrying(call, found, after, by_last)
    return None


def _matching(call: Call, product: Product, left: np.ndarray, right: np.ndarray) -> _Step | None:
    """Channels that are multiplied with each other go together: one of a value, or several as of queries that share a key, with one of the other."""
    one, other, channels = product.one, product.other, left
    if np.unique(left).size < left.size:
        one, other, channels = other, one, right
        left, right = right, left
    if np.unique(channels).size < channels.size:
        return None
    return _Step(Role.MATCHES, {}, (_tie(other, one, right, channels),), call.outputs)


def _carrying(call: Call, product: Product, after: Laid, by_last: Collection[Value]) -> _Step:
    (made,) = call.outputs
    which = after.along_last if made in by_last else np.arange(after.channels)
    found = {} if made in by_last else {made: after}
    return _Step(Role.CARRIES, found, (_tie(product.one, made, which, np.arange(which.size)),), (product.other,))


def _tie(given: Value, made: Value, which: np.ndarray, channels: np.ndarray) -> Tie:
    """A tie of pairs of channels, in which each that is made is once, and each that is given equally often."""
    order = np.lexsort((channels, which))
    own = np.unique(which)
    return Tie(given, own, made, channels[order].reshape(own.size, -1).T)
