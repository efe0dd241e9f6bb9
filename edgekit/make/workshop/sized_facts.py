"""The job `sized_facts`: the facts of a stored model's layers once its free sizes are those of the data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from edgekit.keras_graph.flat_graph import FlatGraph, Value, model_of, read_graph
from edgekit.make.workshop.channel_facts import facts_of_channels
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.model_facts import layers_of
from edgekit.make.workshop.store import open_model
from edgekit.progress import Progress
from edgekit.values import to_builtins


def sized_facts(job: dict[str, Any], progress: Progress) -> Any:
    """The `LayerFacts` of the model in `job["model"]` for inputs of `job["sizes"]`, one shape each without the batch."""
    tools = door()
    tools.fresh(job["seed"])
    progress("counting with the data's sizes", 0, 1)
    model = open_model(tools, Path(job["model"]), (), job)
    channels = facts_of_channels(tools, model)  # as they are known without the sizes, like the groups
    layers = layers_of(tools, sized(tools, read_graph(tools, model), job["sizes"]))
    return to_builtins([channels.told_in(layer) for layer in layers])


def sized(tools: Door, graph: FlatGraph, sizes: list[list[int]]) -> Any:
    """The model of a graph with inputs of fixed shapes; its layers are those of the graph."""
    fixed = {value: Value(tuple(size), value.dtype) for value, size in zip(graph.inputs, sizes, strict=True)}
    calls = tuple(call.taking(fixed) for call in graph.calls)
    outputs = tuple(fixed.get(value, value) for value in graph.outputs)
    return model_of(tools, dataclasses.replace(graph, inputs=tuple(fixed.values()), calls=calls, outputs=outputs))
