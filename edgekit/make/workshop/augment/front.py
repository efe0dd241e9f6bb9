"""Splits a model after the augmentation layers that it begins with, so that two models can get the same augmented batch.

Distillation compares the model with the float model. If the first augments its input by layers of its own, the second must
get the same augmented input, or its answers would be for other samples.
"""

from __future__ import annotations

from typing import Any

from edgekit.make.workshop.augment.own import is_random
from edgekit.make.workshop.door import Door


def last_of_front(model: Any) -> str | None:
    """The name of the last augmentation layer in the chain of layers without weights that a model begins with.

    None if there is none, or if a model has several inputs.
    """
    if len(model.inputs) != 1:
        return None
    found, layer = None, model.inputs[0]._keras_history.layer
    following = _following(model)
    while len(following.get(id(layer), ())) == 1:
        (layer,) = following[id(layer)]
        if layer.trainable_weights or len(layer.inbound_nodes) != 1 or not _is_of_one(layer):
            break
        found = layer.name if is_random(layer) else found
    return found


def front_and_rest(tools: Door, model: Any, last: str) -> tuple[Any, Any]:
    """The model up to the layer `last` and the model after it; both share their layers with the whole."""
    between = model.get_layer(last).output
    return tools.keras.Model(model.inputs, between), tools.keras.Model(between, model.outputs)


def _following(model: Any) -> dict[int, list[Any]]:
    """The layers that use each layer's output, by the layer's id."""
    found: dict[int, list[Any]] = {}
    for layer in model.layers:
        for node in layer.inbound_nodes:
            for tensor in node.keras_inputs:
                found.setdefault(id(tensor._keras_history.layer), []).append(layer)
    return found


def _is_of_one(layer: Any) -> bool:
    return len(layer.inbound_nodes[0].keras_inputs) == 1
