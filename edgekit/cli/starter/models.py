"""Keras models on disk, recognised by their content: a `.keras` archive, an HDF5 file, a SavedModel folder.

A configuration is read as JSON, for the shapes of input and output; Keras is not used.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from edgekit.cli.starter.bounded import BROKEN, LARGEST_CONFIG, Archive, json_inside
from edgekit.cli.starter.found import ModelFound, NearMiss
from edgekit.errors import ModelError
from edgekit.ingest.printable import shown
from edgekit.tflite.given import is_tflite

ENDINGS = (".keras", ".h5", ".hdf5")
HDF5 = b"\x89HDF\r\n\x1a\n"
# Where Keras's JSON begins: an attribute of the file, and a field of a protocol buffer.
_IN_HDF5 = re.compile(rb'(?P<json>\{)"class_name": "[A-Za-z]{1,40}", "config": ')
_IN_SAVED_MODEL = re.compile(rb'"model_config": (?P<json>\{)')
_COMPILED_IN_HDF5 = re.compile(rb'(?P<json>\{)"(?:loss|optimizer)": ')
_COMPILED_IN_SAVED_MODEL = re.compile(rb'"training_config": (?P<json>\{)')
_KNOWN = ("Sequential", "Functional", "Model")
# Layers after the last one with weights that leave the number of outputs as it is.
_AFTER = ("Activation", "Softmax", "Dropout")
_LAID_OUT = ("Reshape", "Flatten", "Permute")
"""Layers that only pass on values, but may change the size of the last axis."""


def model_file(root: Path, source: str) -> ModelFound | NearMiss:
    """What a file with one of `ENDINGS` is."""
    try:
        if is_tflite(root / source):
            return _near_miss(source, "a .tflite file under another format's name: name it .tflite")
        return _keras(root, source) if source.lower().endswith(".keras") else _hdf5(root, source)
    except (*BROKEN, ModelError) as problem:
        return _near_miss(source, f"cannot be read ({shown(str(problem))[:120] or type(problem).__name__})")


def saved_model(root: Path, source: str) -> ModelFound | NearMiss:
    """What a folder with a `saved_model.pb` is."""
    path = root / source
    try:
        metadata = path / "keras_metadata.pb"
        config = json_inside(metadata if metadata.is_file() else path / "saved_model.pb", _IN_SAVED_MODEL)
        if config is None:
            return _near_miss(
                source, "a SavedModel without a Keras configuration: name a module:function that returns the model"
            )
        compiled = json_inside(metadata, _COMPILED_IN_SAVED_MODEL) if metadata.is_file() else None
        return _described(source, "SavedModel", config, _loss(compiled))
    except BROKEN as problem:
        return _near_miss(source, f"cannot be read ({shown(str(problem))[:120] or type(problem).__name__})")


def _keras(root: Path, source: str) -> ModelFound | NearMiss:
    with Archive(root / source) as archive:
        if not {"config.json", "metadata.json"} <= set(archive.names):
            return _near_miss(source, "an archive without config.json and metadata.json: no .keras file")
        text = archive.start("config.json", LARGEST_CONFIG)
    config = json.loads(text)
    return _described(source, ".keras", config, _loss(config.get("compile_config")))


def _loss(compiled: Any) -> str | None:
    """The name of the loss that a model with one output was compiled with, given as a function, an object, or a list of one."""
    loss = compiled.get("loss") if isinstance(compiled, dict) else None
    while isinstance(loss, list | dict):
        if isinstance(loss, dict) and "class_name" in loss:
            inner = loss.get("config")
            loss = inner if loss["class_name"] == "function" and isinstance(inner, str) else loss["class_name"]
        elif len(loss) == 1:
            loss = loss[0] if isinstance(loss, list) else next(iter(loss.values()))
        else:
            return None
    return loss if isinstance(loss, str) else None


def _hdf5(root: Path, source: str) -> ModelFound | NearMiss:
    path = root / source
    with path.open("rb") as file:
        if file.read(len(HDF5)) != HDF5:
            return _near_miss(source, "no HDF5 file")
    config = json_inside(path, _IN_HDF5)
    if config is None:
        return _near_miss(source, "weights without a model's configuration: save the whole model with model.save(...)")
    return _described(source, ".h5", config, _loss(json_inside(path, _COMPILED_IN_HDF5)))


def _described(source: str, kind: Any, config: Any, loss: str | None) -> ModelFound | NearMiss:
    """The model described by a configuration, as far as that is possible."""
    if config.get("class_name") not in _KNOWN or not _layers(config):
        name = shown(str(config.get("class_name")))[:60]
        return _near_miss(source, f"a model of the class {name}: edgekit takes Sequential and Functional models")
    outputs, activation = _end(config)
    return ModelFound(
        source=source,
        kind=kind,
        input_shape=_start(config),
        outputs=outputs,
        activation=activation,
        loss=loss,
        rescales=any(name in ("Rescaling", "Normalization") for name, _ in _kinds(config)),
        notes=tuple(_notes(source, config)),
    )


def _layers(config: Any) -> list[Any]:
    inner = config.get("config")
    layers = inner if isinstance(inner, list) else (inner or {}).get("layers")
    return layers if isinstance(layers, list) else []


def _start(config: Any) -> tuple[int | None, ...] | None:
    """The input's shape without the batch, if there is one input."""
    layers = _layers(config)
    inputs = [layer for layer in layers if layer.get("class_name") == "InputLayer"] or layers[:1]
    if len(inputs) != 1:
        return None
    inner = inputs[0].get("config") or {}
    if _layers(inputs[0]):
        return _start(inputs[0])
    build = config.get("build_config") or {}
    shape = inner.get("batch_shape") or inner.get("batch_input_shape") or build.get("input_shape")
    if isinstance(shape, dict):
        shape = shape.get("items")  # a SavedModel writes a tuple like this
    if not isinstance(shape, list) or not all(size is None or isinstance(size, int) for size in shape):
        return None
    return tuple(shape[1:])


def _end(config: Any) -> tuple[int | None, str | None]:
    """The size and the activation of the one output, if its layers tell."""
    layers = _layers(config)
    named = (config.get("config") or {}).get("output_layers") if isinstance(config.get("config"), dict) else None
    if named:
        ends = named if isinstance(named[0], list) else [named]
        if len(ends) != 1:
            return None, None
        by_name = [(layer.get("config") or {}).get("name", layer.get("name")) for layer in layers]
        layers = layers[: by_name.index(ends[0][0]) + 1]
    activation, is_whole = None, True
    for layer in reversed(layers):
        layer = _wrapped(layer)
        name, inner = layer.get("class_name"), layer.get("config") or {}
        if name in _LAID_OUT:
            is_whole = False
            continue
        if _layers(layer):
            size, found = _end(layer)
            return size, activation or found
        if name in _AFTER:
            activation = activation or ("softmax" if name == "Softmax" else inner.get("activation"))
            continue
        units = inner.get("units") if name == "Dense" and is_whole else None
        own = inner.get("activation")
        return units if isinstance(units, int) else None, activation or (own if isinstance(own, str) else None)
    return None, None


def _wrapped(layer: Any) -> Any:
    """The layer inside TimeDistributed, else the layer itself."""
    inner = (layer.get("config") or {}).get("layer") if layer.get("class_name") == "TimeDistributed" else None
    return inner if isinstance(inner, dict) else layer


def _notes(source: str, config: Any) -> list[str]:
    """What a build will need: trust, or the modules of custom layers; and whether the model scales pixels itself."""
    kinds = set(_kinds(config))
    notes = []
    if any(name in ("Lambda", "__lambda__") for name, _ in kinds):
        notes.append(f"{shown(source)} has a Lambda layer, which is code: `edgekit build` wants --trust for it")
    custom = sorted(
        name
        for name, module in kinds
        if module is not None and module.split(".")[0] not in ("keras", "builtins", "tf_keras")
    )
    if custom:
        notes.append(
            f"{shown(source)} has layers of its own ({', '.join(map(shown, custom))[:100]}): name their modules in import, in [model]"
        )
    return notes


def _kinds(config: Any) -> list[tuple[str, str | None]]:
    """The class and the module of every layer, including nested ones."""
    found: list[tuple[str, str | None]] = []
    for layer in _layers(config):
        module = layer.get("module")
        found.append((str(layer.get("class_name")), module if isinstance(module, str) else None))
        found += _kinds(layer) if _layers(layer) else []
    return found


def _near_miss(source: str, reason: str) -> NearMiss:
    return NearMiss(source=source, what="model", reason=reason)
