"""Splits a model after the augmentation layers that it begins with, so that two models can get the same augmented batch.

Distillation compares the model with the float model. If the first augments its input by layers of its own, the second must
get the same augmented input, or its answers would be for other samples.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from edgekit.keras_graph.call_graph import calls, maker, symbolic
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.augment.own import is_random
from edgekit.make.workshop.door import Door


def last_of_front(model: Any) -> str | None:
    """The name of the last augmentation layer in the chain of layers without weights that a model begins with.

    None if there is none, or if a model has several inputs.
    """
    if len(model.inputs) != 1:
        return None
    found, layer = None, maker(model.inputs[0])
    following, times = _following(model)
    while len(following.get(id(layer), ())) == 1:
        ((layer, is_of_one),) = following[id(layer)]
        if getattr(layer, "trainable_weights", ()) or times[id(layer)] != 1 or not is_of_one:
            break
        found = layer.name if is_random(layer) else found
    return found


def front_and_rest(tools: Door, model: Any, last: str) -> tuple[Any, Any]:
    """The model up to the layer `last` and the model after it; both share their layers with the whole."""
    between = model.get_layer(last).output
    kind = (tools.keras3 if is_keras3(model) else tools.keras).Model
    return kind(model.inputs, between), kind(between, model.outputs)


def _following(model: Any) -> tuple[dict[int, list[tuple[Any, bool]]], Counter[int]]:
    """What uses each layer's output, by the layer's id, and whether it takes nothing else; and how often each is called."""
    found: dict[int, list[tuple[Any, bool]]] = {}
    times: Counter[int] = Counter()
    for layer, args, kwargs, _ in calls(model):
        entering = symbolic([args, kwargs])
        times[id(layer)] += 1
        for tensor in entering:
            found.setdefault(id(maker(tensor)), []).append((layer, len(entering) == 1))
    return found, times
