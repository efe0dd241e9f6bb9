"""One layer of Keras 2 as a layer of Keras 3: names, settings and activations that differ between the two.

Based on the sources of tf_keras 2.21 and Keras 3.15. Weights have the same shapes and the same order in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgekit.keras_graph.call_graph import inner_graph
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.keras2.activations import activation
from edgekit.make.workshop.layers import accepted

RENAMED_SETTINGS = {"LeakyReLU": {"alpha": "negative_slope"}}
RENAMED_LAYERS = {"SyncBatchNormalization": "BatchNormalization"}
OTHER_LAYERS = ("RandomCrop",)
"""Layers that answer differently in Keras 3 under the same name: it does not resize what has no other shape."""
Opened = Callable[[Any], Any]
"""Makes a model of Keras 3 of a nested one of Keras 2."""
LAYER_SETTINGS = ("layer", "backward_layer", "cell", "cells")


def make_layer(tools: Door, layer: Any, name: str, opened: Opened) -> Any:
    """A Keras 3 layer, not yet built, that does what a layer of Keras 2 does; None where there is no class for it."""
    kind = type(layer).__name__
    if kind == "Lambda":  # only from a trusted file, or a function
        return tools.keras3.layers.Lambda(
            layer.function, mask=layer.mask, arguments=layer.arguments, name=name, output_shape=_lambda_shape(layer)
        )
    target = _target_class(tools, layer)
    if target is None:
        return None
    renamed = RENAMED_SETTINGS.get(kind, {})
    config = {renamed.get(key, key): value for key, value in layer.get_config().items()}
    names = accepted(target) - {"dtype", "trainable", "autocast", *LAYER_SETTINGS}
    settings = {key: _setting(tools, layer, key, value, opened) for key, value in config.items() if key in names}
    return target(*_inner(tools, layer, opened), **{**settings, **_state(tools, layer, opened), "name": name})


def _target_class(tools: Door, layer: Any) -> Any:
    """The class of the same name in Keras 3, or one that the user registered there under the layer's registered name."""
    kind = type(layer).__name__
    module = type(layer).__module__
    if module.startswith("tf_keras.src.applications."):
        return getattr(getattr(tools.keras3.src.applications, module.rpartition(".")[2], None), kind, None)
    if kind in OTHER_LAYERS:
        return None
    if module.startswith("tf_keras."):
        return getattr(tools.keras3.layers, RENAMED_LAYERS.get(kind, kind), None)
    registered = tools.keras.saving.get_registered_name(type(layer))
    found = tools.keras3.saving.get_registered_object(registered)
    return found if isinstance(found, type) and issubclass(found, tools.keras3.layers.Layer) else None


def _inner(tools: Door, layer: Any, opened: Opened) -> list[Any]:
    """The layers that a wrapper or a recurrent layer is made of."""
    kind = type(layer).__name__
    if kind == "Bidirectional":
        return [_part(tools, layer.forward_layer, layer.forward_layer.name.removeprefix("forward_"), opened)]
    if kind in ("TimeDistributed", "SpectralNormalization"):
        return [_part(tools, layer.layer, layer.layer.name, opened)]
    if kind == "RNN":
        return [_part(tools, layer.cell, layer.cell.name, opened)]
    if kind == "StackedRNNCells":
        return [[_part(tools, cell, cell.name, opened) for cell in layer.cells]]
    return []


def _part(tools: Door, layer: Any, name: str, opened: Opened) -> Any:
    """A layer inside of another, or a model there."""
    if inner_graph(layer) is not None:
        return opened(layer)
    made = make_layer(tools, layer, name, opened)
    if made is None:
        raise NotImplementedError(f"{type(layer).__name__} {name!r} inside of it is not in Keras 3")
    return made


def _state(tools: Door, layer: Any, opened: Opened) -> dict[str, Any]:
    """Settings that Keras 2 keeps as weights, or outside of the configuration."""
    kind = type(layer).__name__
    if kind == "Normalization":
        return {"mean": layer.mean.numpy().reshape(-1), "variance": layer.variance.numpy().reshape(-1)}
    if kind == "Bidirectional" and "backward_layer" in layer.get_config():
        return {"backward_layer": _part(tools, layer.backward_layer, layer.backward_layer.name, opened)}
    return {}


def _setting(tools: Door, layer: Any, key: str, value: Any, opened: Opened) -> Any:
    """A setting of Keras 2 as Keras 3 takes it."""
    if key == "stateful":
        return False  # see stateless.py
    if key.endswith("initializer"):
        return "zeros"  # the weights are copied, so their initializer does not matter
    if key.endswith("activation"):
        return _activation(tools, layer, key, value, opened)
    if isinstance(value, list | tuple) and key == "axis" and len(value) == 1:
        return value[0]
    if key.endswith(("regularizer", "constraint")) and isinstance(value, dict):
        return {
            "class_name": value["class_name"],
            "config": value["config"],
            "module": f"keras.{key.rpartition('_')[2]}s",
            "registered_name": None,
        }
    return value


def _activation(tools: Door, layer: Any, key: str, value: Any, opened: Opened) -> Any:
    cell = getattr(layer, "cell", None)
    found = getattr(layer, key, None) or getattr(cell, key, None) or value
    if isinstance(found, tools.keras.layers.Layer):
        return _part(tools, found, found.name, opened)
    return activation(tools, found)


def _lambda_shape(layer: Any) -> Any:
    shape = layer.get_config().get("output_shape")
    return tuple(shape) if isinstance(shape, list | tuple) else None
