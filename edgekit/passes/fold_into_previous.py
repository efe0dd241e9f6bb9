"""Batch normalization after a kernel goes into it, where that is exact and the converter does not do it.

The converter folds it into the convolution or dense layer right before it, so it stays there. It leaves a MUL and an ADD behind a pool, a concatenation or an
addition, and behind a convolution of volumes. The kernels must be linear, and nothing else may take what they make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.affine import KERNELS, VOLUMES, Affine, affine, before_affine, is_moderate
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import activation_name, kind
from edgekit.passes.rewriting import Rewriting

AVERAGES = (
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
)  # fmt: skip
LARGEST = (
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D",
)  # fmt: skip
"""The largest number stays the largest, where no factor is below zero."""


class Place(NamedTuple):
    """A batch normalization, and what becomes of each kernel before it."""

    after: Call
    kernels: tuple[tuple[Call, Affine], ...]


class FoldIntoPrevious(Pass):
    """The kernels with the normalization in them, under their own names."""

    name = "fold_into_previous"
    place = 70
    after_training = True
    words = "batch normalization folded into the kernels before it"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The normalizations that can be folded, in a graph in which neither they nor the kernels are shared."""
        return [place.after for place in _places(graph)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """Until there is none."""
        while places := _places(graph):
            kernels = [pair for place in places for pair in place.kernels]
            rewriting = Rewriting(tools, graph, [*(place.after for place in places), *(call for call, _ in kernels)])
            for place in places:
                rewriting.put(place.after, place.after.inputs[0])
            for call, found in kernels:
                rewriting.put(call, rewriting.call(before_affine(call, found), *call.args))
            graph = rewriting.done()
        return graph


def _places(graph: FlatGraph) -> list[Place]:
    normalizations = [call for call in graph.calls if kind(call) == "BatchNormalization"]
    if not normalizations:
        return []
    seek = _Search(graph)
    places = [seek.place(call) for call in normalizations]
    return [place for place in places if place is not None]


class _Search:
    def __init__(self, graph: FlatGraph) -> None:
        self._users: Mapping[Value, list[Call]] = graph.users()
        self._makers, self._times, self._outputs = graph.makers(), graph.times(), set(graph.outputs)

    def place(self, after: Call) -> Place | None:
        """Where a normalization can go; None where it cannot, or where the converter folds it itself."""
        if self._times[id(after.operation)] > 1 or len(after.inputs) != 1:
            return None
        first, found = self._makers.get(after.inputs[0]), None
        if first is not None and (kind(first) not in KERNELS or kind(first) in VOLUMES):
            found = affine(after)
        kernels = self._kernels(after.inputs[0], found) if found is not None else None
        return None if not kernels else Place(after, tuple(kernels))

    def _kernels(self, value: Value, found: Affine) -> list[tuple[Call, Affine]] | None:
        """The kernels whose sums make a value, each with what it has to take up; None where that is not exact."""
        call = self._makers.get(value)
        if call is None or len(self._users.get(value, [])) != 1 or value in self._outputs:
            return None
        if kind(call) in KERNELS:
            return [(call, found)] if self._takes(call, found) else None
        if kind(call) in AVERAGES or (kind(call) in LARGEST and (found.scale >= 0).all()):
            is_last = call.operation.data_format == "channels_last"
            return self._kernels(call.inputs[0], found) if is_last and len(call.inputs) == 1 else None
        return self._joined(call, found)

    def _joined(self, call: Call, found: Affine) -> list[tuple[Call, Affine]] | None:
        """The kernels before a concatenation, each with its channels, or before an addition, the first of which takes the offset."""
        parts = _parts(call, found)
        if parts is None or len(set(call.inputs)) != len(call.inputs):
            return None
        reached = [self._kernels(value, part) for value, part in zip(call.inputs, parts, strict=True)]
        if any(one is None for one in reached):
            return None
        return [pair for one in reached if one is not None for pair in one]

    def _takes(self, call: Call, found: Affine) -> bool:
        layer = call.operation
        is_plain = self._times[id(layer)] == 1 and activation_name(layer) == "linear" and not call.kwargs
        is_last = getattr(layer, "data_format", "channels_last") == "channels_last"
        return is_plain and is_last and is_moderate(found.scale)


def _parts(call: Call, found: Affine) -> list[Affine] | None:
    """What each input of a concatenation or an addition has to take up; None for another call."""
    shapes = [value.shape for value in call.inputs]
    if kind(call) == "Concatenate" and getattr(call.operation, "axis", None) in (-1, len(shapes[0])):
        ends = np.cumsum([shape[-1] for shape in shapes])[:-1]
        return [Affine(*part) for part in zip(np.split(found.scale, ends), np.split(found.offset, ends), strict=True)]
    if kind(call) == "Add" and all(shape == call.outputs[0].shape for shape in shapes):
        rest = Affine(found.scale, np.zeros_like(found.offset))
        return [found, *[rest] * (len(shapes) - 1)]
    return None
