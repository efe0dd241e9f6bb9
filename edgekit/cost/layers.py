"""What each layer of a Keras model is predicted to take once it is converted to float32.

    flash  = its weights and bias at their width; names and the graph belong to the file and to no layer
    memory = the activations that are alive while its operator runs

A layer that the converter merges into another (batch normalization, an activation, dropout) takes nothing itself.
`cost/flash.py`, `cost/ram.py` and `cost/latency.py` count the same operators, so the parts add up to their totals.
"""

from __future__ import annotations

from msgspec.structs import replace

from edgekit.cost import flash, latency, ram
from edgekit.cost.graph import Graph
from edgekit.cost.latency import workload_of
from edgekit.cost.lowering import lower
from edgekit.cost.parts import apportion
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate
from edgekit.documents.facts import ModelFacts
from edgekit.values import Value


class LayerCost(Value):
    """Bytes of a layer's constants, and of the memory held while it runs (None for a layer that is no operator).

    `merged_into` names the layer whose operator does its work.
    """

    flash_bytes: int = 0
    memory_bytes: int | None = None
    merged_into: str | None = None
    latency: Estimate | None = None


class ModelCost(Value):
    """The costs of a float32 file before it is made: each layer's by name, the size and latency of all, the peak of its memory."""

    layers: dict[str, LayerCost]
    flash: Estimate
    peak_bytes: int
    latency: Estimate | None = None


def model_cost(facts: ModelFacts, profile: DeviceProfile | None = None) -> ModelCost:
    """The predicted costs of a model's layers as float32, with milliseconds where there is a profile.

    Raises `ProfileError` where the profile has no rate for float32.
    """
    graph = lower(facts)
    nodes = [node.name for node in graph.nodes]
    memory = dict(zip(nodes, ram.node_bytes(graph), strict=True))
    whole = latency.predict(profile, graph) if profile else None
    parts = (
        apportion(profile, whole, [workload_of(replace(graph, nodes=(node,))) for node in graph.nodes])
        if profile and whole
        else ()
    )
    times = dict(zip(nodes, parts, strict=False))
    constants = {node.name: flash.node_bytes(node) for node in graph.nodes}
    return ModelCost(
        layers={
            layer.name: LayerCost(
                flash_bytes=constants.get(layer.name, 0),
                memory_bytes=memory.get(layer.name),
                merged_into=_merged_into(layer.name, facts, graph),
                latency=times.get(layer.name),
            )
            for layer in facts.layers
        },
        flash=flash.predict(profile, graph),
        peak_bytes=ram.peak_bytes(graph),
        latency=whole,
    )


def _merged_into(name: str, facts: ModelFacts, graph: Graph) -> str | None:
    """The operator that a layer became a part of, found by following its only input."""
    nodes = {node.name for node in graph.nodes}
    inputs = {layer.name: layer.inputs for layer in facts.layers}
    if name in nodes or not inputs.get(name):
        return None
    for _ in range(len(inputs)):
        name = inputs[name][0] if inputs.get(name) else name
        if name in nodes:
            return name
    return None
