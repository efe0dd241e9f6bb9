"""Normalization before a kernel goes into it, where that is exact and the converter does not do it.

The converter leaves a MUL and an ADD of batch normalization before a convolution, behind a pool or a flatten, and a SUB and a MUL of `Normalization`. It folds batch
normalization before a dense layer and a `Rescaling` by one number itself, so these stay. A padded convolution sees zeros where the
normalized image ends, which no kernel can tell from others: there only a scale without an offset is folded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.affine import (
    CONVOLUTIONS,
    DEPTHWISE,
    KERNELS,
    VOLUMES,
    Affine,
    affine,
    after_affine,
    is_moderate,
    pads_nothing,
    usual,
)
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import SILENT, activation_name, kind
from edgekit.passes.rewriting import Rewriting

KINDS = ("BatchNormalization", "Normalization", "Rescaling")
AVERAGES = (
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
)  # fmt: skip
"""Means of numbers that were all scaled alike: padding does not count in them."""
ALIKE = 4.0
"""A common factor up to this goes into the kernel; a larger one stays, as a `Rescaling` that the converter folds."""


class Place(NamedTuple):
    """A normalization, the kernel that nothing but averages and a flatten parts it from, and what it does to the kernel's input."""

    before: Call
    kernel: Call
    found: Affine


class FoldIntoNext(Pass):
    """The kernel with the normalization in it, under its own name; what is common to all channels stays before it where it is large."""

    name = "fold_into_next"
    place = 80
    after_training = True
    words = "normalization folded into the kernel after it"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The normalizations that can be folded, in a graph in which neither they nor the kernels are shared."""
        return [place.before for place in _places(graph)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """Until there is none: one before another is folded after it."""
        while places := _places(graph):
            rewriting = Rewriting(tools, graph, [call for place in places for call in (place.before, place.kernel)])
            for before, kernel, found in places:
                rewriting.put(before, before.inputs[0])
                value, common = kernel.inputs[0], _common(before, found)
                if common != 1:
                    value = rewriting.call(tools.keras3.layers.Rescaling(common, name=before.name), value)
                made = after_affine(kernel, Affine(found.scale / common, found.offset))
                rewriting.put(kernel, rewriting.call(made, value))
            graph = rewriting.done()
        return graph


def _common(before: Call, found: Affine) -> float:
    """The factor that stays before the kernel; one where none has to."""
    common = usual(found.scale)
    is_real = before.inputs[0].dtype.startswith("float")
    return 1.0 if is_real and 1 / ALIKE <= common <= ALIKE else common


def _places(graph: FlatGraph) -> list[Place]:
    normalizations = [call for call in graph.calls if kind(call) in KINDS]
    if not normalizations:
        return []
    users, times = graph.users(), graph.times()
    found = [_place(graph, call, users) for call in normalizations if times[id(call.operation)] == 1]
    return [one for one in found if one is not None and times[id(one.kernel.operation)] == 1]


def _place(graph: FlatGraph, before: Call, users: Mapping[Value, list[Call]]) -> Place | None:
    chain, call = [], _only_user(graph, before, users)
    while call is not None and (kind(call) in AVERAGES or kind(call) == "Flatten"):
        chain.append(call)
        call = _only_user(graph, call, users)
    if call is None or kind(call) not in ("Dense", *CONVOLUTIONS, *DEPTHWISE):
        return None
    found = affine(before)
    if found is None or _converter_folds(before, found, chain, call) or _goes_into_previous(graph, before, users):
        return None
    if chain and not before.inputs[0].dtype.startswith("float"):
        return None
    if not (pads_nothing(call) or not found.offset.any()) or not is_moderate(found.scale / _common(before, found)):
        return None
    reached = _carried(found, chain)
    return None if reached is None else Place(before, call, reached)


def _only_user(graph: FlatGraph, call: Call, users: Mapping[Value, list[Call]]) -> Call | None:
    """The one call that takes what a call makes, once; None where it is an output or several do."""
    if len(call.outputs) != 1 or call.outputs[0] in graph.outputs:
        return None
    taking = users.get(call.outputs[0], [])
    return taking[0] if len(taking) == 1 and taking[0].inputs == call.outputs else None


def _converter_folds(before: Call, found: Affine, chain: Sequence[Call], kernel: Call) -> bool:
    """Whether the converter does it: of a `Rescaling` by one number, and of one that is a product and a sum before a dense layer."""
    name, is_one = kind(before), np.ptp(found.scale) == 0 and np.ptp(found.offset) == 0
    if kind(kernel) == "Dense" and not chain and name != "Normalization":
        return True
    return name == "Rescaling" and bool(is_one)


def _goes_into_previous(graph: FlatGraph, before: Call, users: Mapping[Value, list[Call]]) -> bool:
    """Whether a linear kernel stands before it, into which the converter folds it; in inference, what only training does is not there."""
    makers, (value,) = graph.makers(), before.inputs
    while value in makers and len(users[value]) == 1 and value not in graph.outputs:
        call = makers[value]
        if kind(call) in KERNELS and kind(call) not in VOLUMES:
            return activation_name(call.operation) == "linear"
        if kind(call) not in (*SILENT, "BatchNormalization") or len(call.inputs) != 1:
            return False
        value = call.inputs[0]
    return False


def _carried(found: Affine, chain: Sequence[Call]) -> Affine | None:
    """The same behind averages and a flatten, which repeats the channels; None where that is not known."""
    for call in chain:
        shape = call.inputs[0].shape
        if kind(call) == "Flatten":
            if None in shape:
                return None
            repeated = int(np.prod(shape[:-1]))  # type: ignore[arg-type]
            found = Affine(np.tile(found.scale, repeated), np.tile(found.offset, repeated))
        if getattr(call.operation, "data_format", "channels_last") != "channels_last":
            return None
    return found
