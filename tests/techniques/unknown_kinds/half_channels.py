"""A technique that exists only for a test: it halves the outputs of one dense layer, the smaller half by its weights' norm.

Nothing in edgekit knows of a technique that changes shapes. It is for plain chains of layers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from edgekit.cost.graph import Graph, Node
from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Evidence, Task, Training, TrainingTechnique
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value


class Settings(Value):
    """The dense layer that is halved, the one that reads it, and how many outputs are left."""

    layer: str = ""
    reader: str = ""
    left: int = 1


class HalfChannels(TrainingTechnique):
    """Half of the outputs of a dense layer."""

    name = "half_channels"
    settings_type = Settings

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """The first dense layer that another one reads."""
        layers = [layer for layer in task.facts.layers if layer.kind == "Dense"]
        for first, second in itertools.pairwise(layers):
            if second.inputs == (first.name,):
                return (Settings(layer=first.name, reader=second.name, left=(first.output_shape[-1] or 2) // 2),)
        return self.declined("no dense layer is read by another one")

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """Both layers."""
        there = {node.name for node in graph.nodes}
        return None if {settings.layer, settings.reader} <= there else "one of its layers is no operator"

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """Fewer outputs there, fewer inputs where they are read."""

        def changed(node: Node) -> Node:
            if node.name == settings.layer:
                share = settings.left / node.channels
                outputs = {"elements": settings.left, "channels": settings.left, "biases": settings.left}
                return replace(node, **outputs, weights=round(node.weights * share), macs=round(node.macs * share))
            if node.name == settings.reader:
                before = next(one.channels for one in graph.nodes if one.name == settings.layer)
                share = settings.left / before
                return replace(
                    node, weights=round(node.weights * share), macs=round(node.macs * share), window=settings.left
                )
            return node

        return replace(graph, nodes=tuple(map(changed, graph.nodes)))

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """The same layers with fewer outputs, which keep the weights of the largest norm."""
        kernel, bias = model.get_layer(settings.layer).get_weights()
        read, read_bias = model.get_layer(settings.reader).get_weights()
        kept = np.sort(np.argsort(-np.linalg.norm(kernel, axis=0))[: settings.left])

        def narrower(layer: Any) -> Any:
            config = layer.get_config()
            if layer.name == settings.layer:
                config["units"] = settings.left
            return type(layer).from_config(config)

        smaller = door.keras3.models.clone_model(model, clone_function=narrower)
        for layer in smaller.layers:
            if layer.name not in (settings.layer, settings.reader):
                layer.set_weights(model.get_layer(layer.name).get_weights())
        smaller.get_layer(settings.layer).set_weights([kernel[:, kept], bias[kept]])
        smaller.get_layer(settings.reader).set_weights([read[kept], read_bias])
        training.fit(smaller)
        return smaller

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """The layer has so many outputs."""
        units = model.get_layer(settings.layer).units
        return Evidence(
            technique=self.name, holds=units == settings.left, detail=f"{units} outputs of {settings.layer}"
        )

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """A dense kernel of the file has so many outputs."""
        found = [kernel.array.shape[0] for kernel in kernels(tflite) if kernel.operator.name == "FULLY_CONNECTED"]
        return Evidence(technique=self.name, holds=settings.left in found, detail=f"dense kernels of {found} outputs")
