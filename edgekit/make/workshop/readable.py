"""Whether a stored Keras 3 model is known to be read again as it is, by its configuration and its weights, without building it anew.

Building every layer a second time takes most of the time in which a large model of Keras's own layers is loaded. What is not known (a user's own
layer, an operation, a function in a configuration) is for the caller to read again and to run.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.keras_graph.call_graph import calls

WEIGHTS = "model.weights.h5"
OWN = "keras.src.layers."
PLAIN = (bool, int, float, str, type(None))


def is_readable(model: Any, file: Path) -> bool:
    """Whether all layers are Keras's own, each made again of its configuration has the same one, and every weight is in the file as it is."""
    try:
        return (
            all(map(_is_plain_call, calls(model))) and all(map(_is_remade, model.layers)) and _has_weights(model, file)
        )
    except Exception:  # a configuration that cannot be made a layer again, or not be compared
        return False


def _is_plain_call(call: tuple[Any, Any, Any, Any]) -> bool:
    """Whether a layer of Keras's own, and of nothing else within it, is called with tensors and plain values."""
    operation, args, kwargs, _ = call
    if not hasattr(operation, "_flatten_layers") or not all(map(_is_plain, (args, kwargs))):
        return False
    return all(type(layer).__module__.startswith(OWN) for layer in operation._flatten_layers())


def _is_plain(argument: Any) -> bool:
    if isinstance(argument, dict):
        return all(map(_is_plain, argument.values()))
    if isinstance(argument, list | tuple):
        return all(map(_is_plain, argument))
    return isinstance(argument, PLAIN) or hasattr(argument, "_keras_history")


def _is_remade(layer: Any) -> bool:
    config = layer.get_config()
    return bool(type(layer).from_config(config).get_config() == layer.get_config())


def _has_weights(model: Any, file: Path) -> bool:
    """Whether the file holds each layer's weights in the layer's own place: of one without layers inside it also in their order."""
    import h5py

    with zipfile.ZipFile(file) as archive, h5py.File(io.BytesIO(archive.read(WEIGHTS))) as weights:
        return all(_holds(weights["layers"].get(place), layer) for place, layer in _places(model))


def _places(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers by the names of their places in the file, which Keras makes of their classes and numbers in the order of the layers."""
    from keras.src.utils.naming import to_snake_case

    times: Counter[str] = Counter()
    for layer in model.layers:
        name = to_snake_case(type(layer).__name__)
        yield f"{name}_{times[name]}" if times[name] else name, layer
        times[name] += 1


def _holds(group: Any, layer: Any) -> bool:
    wanted = [_digest(np.asarray(weight)) for weight in layer.weights]
    if not wanted or group is None:
        return not wanted
    if set(group) == {"vars"}:
        return [_digest(group["vars"][str(number)][()]) for number in range(len(group["vars"]))] == wanted
    return Counter(_digest(part[()]) for part in _datasets(group)) == Counter(wanted)


def _datasets(group: Any) -> Iterator[Any]:
    for part in group.values():
        yield from [part] if hasattr(part, "dtype") else _datasets(part)


def _digest(array: np.ndarray) -> tuple[str, tuple[int, ...], str]:
    array = np.ascontiguousarray(array)
    return str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).hexdigest()
