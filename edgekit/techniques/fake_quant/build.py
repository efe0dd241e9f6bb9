"""The fake-quantized model of a flat Keras 3 model: the same layers, with ranges between them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from edgekit.keras_graph.call_graph import Names
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value, model_of, read_graph
from edgekit.techniques.fake_quant.expand import expanded
from edgekit.techniques.fake_quant.fused import RELUS, activation
from edgekit.techniques.fake_quant.keras_layers import classes
from edgekit.techniques.fake_quant.ranges import Range, ranged_values

PREFIX = "range_of_"


def fake_quantized(door: Any, model: Any, exclude: Collection[str] = (), *, wide_in_float: bool = False) -> Any:
    """The model with its int8 rounding simulated, sharing the layers of `model`; layers in `exclude` stay in float, with `wide_in_float` what a logarithm takes too."""
    graph = expanded(door, read_graph(door, model))
    ranged = ranged_values(graph, exclude, wide_in_float=wide_in_float)
    made = model_of(door, _Ranges(door, graph, ranged).graph(), kind=classes(door).model)
    made.float_layers = tuple(exclude)
    return made


class _Ranges:
    """Puts a layer behind each value that has a range; whatever takes the value then takes what the layer makes of it."""

    def __init__(self, door: Any, graph: FlatGraph, ranged: Mapping[Value, Range]) -> None:
        self._door, self._graph, self._ranged = door, graph, ranged
        self._makers = graph.makers()
        self._layers: dict[int, Any] = {}
        self._names = Names((*graph.names, *(call.name for call in graph.calls)))
        self._calls: list[Call] = []
        self._behind: dict[Value, Value] = {}

    def graph(self) -> FlatGraph:
        """The graph with ranges."""
        for value, name in zip(self._graph.inputs, self._graph.names, strict=True):
            self._add(value, name)
        times: Counter[str] = Counter()
        for call in self._graph.calls:
            self._calls.append(call.taking(self._behind))
            for value in call.outputs:
                self._add(value, f"{call.name}_{times[call.name]}" if times[call.name] else call.name)
                times[call.name] += 1
        outputs = tuple(self._behind.get(value, value) for value in self._graph.outputs)
        return dataclasses.replace(self._graph, calls=tuple(self._calls), outputs=outputs)

    def _add(self, value: Value, name: str) -> None:
        found = self._ranged.get(value)
        if found is None:
            return
        if id(found) not in self._layers:
            self._layers[id(found)] = classes(self._door).range(
                fixed=found.fixed, watched=max(1, len(found.watched)), rectified=self._is_rectified(found), name=self._names.unique(f"{PREFIX}{name}"),
            )  # fmt: skip
        number = found.watched.index(value) if value in found.watched else None
        kwargs = {} if found.fixed else {"number": number}
        self._behind[value] = Value(value.shape, value.dtype)
        self._calls.append(Call(self._layers[id(found)], (value,), kwargs, (self._behind[value],)))

    def _is_rectified(self, found: Range) -> bool:
        """Whether every value that a range follows is made by a ReLU."""
        makers = [self._makers.get(value) for value in found.watched]
        return all(call is not None and activation(call.operation) in RELUS for call in makers)
