"""TFMOT's wrappers in a model that was saved while it was being optimized: Keras needs them for loading, then they are removed.

The effect of the training stays in the weights: zeros, few values, tolerance to rounding. Converted with its wrappers,
the file would hold masks, indices and fake quantization. The ranges of fake quantization are not kept: edgekit's
own conversion finds them in calibration.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.errors import ModelError
from edgekit.make.workshop.door import Door

PRUNING, CLUSTERING, QUANTIZATION = "pruning", "clustering", "quantization-aware training"
WRAPPERS = {
    "PruneLowMagnitude": PRUNING,
    "ClusterWeights": CLUSTERING,
    "ClusterWeightsMHA": CLUSTERING,
    "QuantizeAnnotate": QUANTIZATION,
    "QuantizeLayer": QUANTIZATION,
    "QuantizeWrapper": QUANTIZATION,
    "QuantizeWrapperV2": QUANTIZATION,
}
"""Class names of TFMOT's wrappers, and the kind of training of each."""


def wrapped_by(config: Any) -> tuple[str, ...]:
    """The kinds of training whose wrappers are in a serialized model, sorted.

    >>> wrapped_by({"layers": [{"class_name": "PruneLowMagnitude", "config": {}}]})
    ('pruning',)
    """
    return tuple(sorted(set(_kinds(config))))


def _kinds(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        name = config.get("class_name")
        if isinstance(name, str) and name.rpartition(">")[2] in WRAPPERS:
            yield WRAPPERS[name.rpartition(">")[2]]
        for part in config.values():
            yield from _kinds(part)
    elif isinstance(config, list | tuple):
        for part in config:
            yield from _kinds(part)


@contextlib.contextmanager
def wrappers_known(tools: Door, config: Any) -> Iterator[None]:
    """Let Keras find TFMOT's wrappers if a serialized model has any; else TFMOT is not even imported.

    Raises `MissingExtraError` if TFMOT is needed and not installed.
    """
    with contextlib.ExitStack() as scopes:
        if wrapped_by(config):
            tfmot = tools.tfmot
            scopes.enter_context(tfmot.sparsity.keras.prune_scope())
            scopes.enter_context(tfmot.clustering.keras.cluster_scope())
            scopes.enter_context(tfmot.quantization.keras.quantize_scope())
        yield


def refuse_quantized_keras_file(config: Any, *, where: str) -> None:
    """Raise `ModelError` for a `.keras` file with fake quantization: TFMOT writes it and cannot read it again."""
    if QUANTIZATION in wrapped_by(config):
        raise ModelError(
            "a .keras file with TFMOT's wrappers for quantization-aware training, which TFMOT itself cannot load again",
            where=where,
            allowed="the same model as .h5 or as a SavedModel, or the model without the wrappers",
            next_step="save it with model.save('model.h5') where it was trained",
        )


def stripped(tools: Door, model: Any) -> tuple[Any, tuple[str, ...]]:
    """A tf_keras model without TFMOT's wrappers, and the kinds of training they came from; any other model unchanged.

    TFMOT itself removes those of pruning and clustering. A layer under fake quantization gets its float weights and its
    own activation back. Raises `ModelError` for a wrapper whose weights are not all there.
    """
    kinds = {WRAPPERS[type(layer).__name__] for layer in _layers(model) if type(layer).__name__ in WRAPPERS}
    if PRUNING in kinds:
        model = tools.tfmot.sparsity.keras.strip_pruning(model)
    if CLUSTERING in kinds:
        model = tools.tfmot.clustering.keras.strip_clustering(model)
    if QUANTIZATION in kinds:
        model = _without_quantization(tools, model)
    return model, tuple(sorted(kinds))


def _layers(model: Any) -> Iterator[Any]:
    """Every layer, including those of nested models."""
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _without_quantization(tools: Door, model: Any) -> Any:
    """The model, with each wrapped layer replaced by a float layer."""
    made: list[tuple[Any, Any]] = []

    def replace(layer: Any) -> Any:
        if isinstance(layer, tools.keras.Model):
            return tools.keras.models.clone_model(layer, clone_function=replace)
        kind = type(layer).__name__
        if kind == "QuantizeLayer":
            return tools.keras.layers.Activation("linear", name=layer.name)
        if WRAPPERS.get(kind) != QUANTIZATION:
            return layer
        made.append((layer, type(layer.layer).from_config(_float_config(layer.layer))))
        return made[-1][1]

    found = tools.keras.models.clone_model(model, clone_function=replace)
    for wrapper, layer in made:
        layer.set_weights(_float_weights(wrapper, layer))
    return found


def _float_config(layer: Any) -> dict[str, Any]:
    """A layer's settings, with the activation that it had before fake quantization wrapped it."""
    config: dict[str, Any] = layer.get_config()
    around = config.get("activation")
    if isinstance(around, dict) and around.get("class_name") == "QuantizeAwareActivation":
        inner = around["config"]["activation"]
        is_none = isinstance(inner, dict) and inner.get("class_name") == "NoOpActivation"
        config["activation"] = "linear" if is_none else inner
    return config


def _float_weights(wrapper: Any, layer: Any) -> list[Any]:
    """The weights of a wrapped layer in the layer's own order, found by name: the wrapper holds those that are quantized."""
    there = {_leaf(weight): weight for weight in wrapper.weights}
    missing = [
        _leaf(weight)
        for weight in layer.weights
        if _leaf(weight) not in there or there[_leaf(weight)].shape != weight.shape
    ]
    if missing:
        raise ModelError(
            f"layer {layer.name!r} cannot be taken out of TFMOT's {type(wrapper).__name__}",
            where=layer.name,
            received=f"no weight {', '.join(missing)}",
            next_step="build from the model before quantize_model: edgekit quantizes it",
        )
    return [there[_leaf(weight)].numpy() for weight in layer.weights]


def _leaf(weight: Any) -> str:
    return str(weight.name).rpartition("/")[2]
