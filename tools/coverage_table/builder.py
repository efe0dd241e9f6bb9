"""The child that makes the table's models: `python -m coverage_table.builder`, with the jobs `save` and `read`.

It writes what a user of edgekit would have: the model's file, data for it, and what the model itself answers. Whether Keras
reads its own file again it says too, for a file that edgekit does not load. It has
TensorFlow by the workshop's door, with both Kerases, and knows nothing of conversions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverage_table.families.attention import WORDS
from coverage_table.rows import Row, all_rows
from edgekit.jobs.child import Handler, serve
from edgekit.progress import Progress

SAMPLES, SETTLING = 8, 64
"""The samples of the data, and those that give batch normalisation its statistics."""
SPREAD, OFFSET = 0.5, 0.7
"""Of what leaves a batch normalisation."""
RANGES = 4
"""The range of each input is so many times smaller than that of the input before it."""
LEAST_VARIED = 1e-3
"""A model's answers vary by this share of the largest of them."""
FREE = 16
"""The size that data has where the model leaves it free."""
FILES = {3: "model.keras", 2: "model.h5"}
STRUCTURES = ("_inputs_struct", "_nested_inputs")
"""Where Keras 3 and tf_keras keep the structure that a model's inputs were given in."""
INPUTS, OUTPUTS = "inputs.npz", "outputs.npz"
"""Arrays by name, or by position."""


def save(job: dict[str, Any], progress: Progress) -> Any:
    """Make the row's model and write it, its data and its answers to the folder `job["target"]`; returns the file's name."""
    from edgekit.make.workshop.door import door

    tools, row = door(), next(row for row in all_rows() if row.path == job["row"])
    tools.fresh(0)
    model = row.make(tools.keras3 if row.keras == 3 else tools.keras)
    inputs = _inputs(model, row)
    _settle_statistics(model, row)
    outputs = _answers(model, inputs)
    _require_varied(outputs)
    target = Path(job["target"])
    model.save(target / FILES[row.keras])
    np.savez(target / INPUTS, **_by_name(inputs))
    np.savez(target / OUTPUTS, **_by_name(outputs))
    return {"file": FILES[row.keras]}


def read(job: dict[str, Any], progress: Progress) -> Any:
    """Read the file of a row again with its own Keras; returns why that fails, empty where it does not."""
    from edgekit.make.workshop.door import door

    tools, row = door(), next(row for row in all_rows() if row.path == job["row"])
    keras = tools.keras3 if row.keras == 3 else tools.keras
    tools.fresh(0)
    try:
        keras.models.load_model(Path(job["target"]) / FILES[row.keras], compile=False)
    except Exception as problem:  # whatever Keras raises
        return {"why": f"{type(problem).__name__}: {problem}"[:300]}
    return {"why": ""}


def _settle_statistics(model: Any, row: Row) -> None:
    """Give batch normalisation the statistics of random data, and an offset: a new layer's make of a deep model one of two bad ones.

    With its first statistics, a deep model answers the same to everything; with the right ones and no offset, each ReLU cuts off half of
    what reaches it, so that differences grow from layer to layer, and float16 already gives other answers.
    """
    layers = [one for one in model._flatten_layers() if type(one).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
        if layer.gamma is not None and layer.beta is not None:
            layer.gamma.assign(layer.gamma * 0 + SPREAD)
            layer.beta.assign(layer.beta * 0 + OFFSET)
        elif layer.beta is not None:  # without a scale, as in Inception
            layer.beta.assign(layer.beta * 0 + OFFSET / SPREAD)
    if layers:
        model(_inputs(model, row, SETTLING), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _require_varied(outputs: Any) -> None:
    """Raise for a model that answers the same to every sample: nothing could be said of the agreement of a file."""
    for name, array in _by_name(outputs).items():
        values = np.asarray(array, float)
        if not np.isfinite(values).all() or np.ptp(values, axis=0).max() <= LEAST_VARIED * abs(values).max():
            raise ValueError(f"output {name} does not vary over the samples, or is not finite")


def _inputs(model: Any, row: Row, samples: int = SAMPLES) -> Any:
    """Samples in the structure that the model takes: one array, a list of them, or a dict by name."""
    generator = np.random.default_rng(0)
    if row.shape is not None:
        return _values(generator, (samples, *row.shape), row, 0).astype("float32")
    found = [getattr(model, name) for name in STRUCTURES if getattr(model, name, None) is not None]
    given = found[0] if found else model.inputs
    if isinstance(given, dict):
        return {
            name: _sample(generator, tensor, row, index, samples) for index, (name, tensor) in enumerate(given.items())
        }
    tensors = given if isinstance(given, list | tuple) else [given]
    arrays = [_sample(generator, tensor, row, index, samples) for index, tensor in enumerate(tensors)]
    return arrays if len(arrays) > 1 else arrays[0]


def _sample(generator: np.random.Generator, tensor: Any, row: Row, index: int, samples: int) -> np.ndarray:
    """Samples for an input, in its shape and dtype."""
    shape = (samples, *(size or FREE for size in tensor.shape[1:]))
    kind = getattr(tensor.dtype, "name", tensor.dtype)
    return _values(generator, shape, row, index).astype(kind)


def _values(generator: np.random.Generator, shape: tuple[int, ...], row: Row, index: int) -> np.ndarray:
    """Random values of the row's domain for the input at a position.

    Samples differ in contrast, so that a model's answers vary with them; inputs differ in range, so that each one's shows.
    """
    if row.domain in ("tokens", "text"):
        words = generator.integers(1, WORDS, shape)
        return _ended(generator, words) if row.domain == "text" else words
    values = generator.uniform(-0.95, 0.95, shape)
    values *= np.linspace(0.3, 1.0, shape[0]).reshape(-1, *[1] * (len(shape) - 1)) / RANGES**index
    if row.domain == "sequence":
        values = _ended(generator, values)
    return ((values + 1) * 127.5).round() if row.domain == "pixels" else values


def _ended(generator: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Sequences with zeros behind ends of their own."""
    for sample, end in zip(values, generator.integers(2, values.shape[1] + 1, len(values)), strict=True):
        sample[end:] = 0
    return values


def _answers(model: Any, inputs: Any) -> Any:
    """What the model answers, as arrays in its own structure; one sample at a time where its batch is fixed."""
    known = getattr(model, "inputs", None)
    if not known or known[0].shape[0] is None:
        return _arrays(model(inputs, training=False))
    each = []
    for index in range(SAMPLES):
        _forget(model)
        each.append(_arrays(model(inputs[index : index + 1], training=False)))
    return np.concatenate(each)


def _forget(model: Any) -> None:
    """Recurrent layers with state begin anew with each sample, as the file's interpreter does."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()


def _arrays(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: _arrays(part) for name, part in given.items()}
    if isinstance(given, list | tuple):
        return [_arrays(part) for part in given]
    return np.asarray(given)


def _by_name(given: Any) -> dict[str, np.ndarray]:
    if isinstance(given, dict):
        return given
    return {str(index): part for index, part in enumerate(given if isinstance(given, list) else [given])}


def arrays_in(path: Path) -> Any:
    """The arrays that `save` wrote, in the structure that they had: one, a tuple of several, or a dict by name."""
    with np.load(path) as file:
        found = dict(file)
    if not all(name.isdigit() for name in found):
        return found
    arrays = tuple(found[str(index)] for index in range(len(found)))
    return arrays if len(arrays) > 1 else arrays[0]


def _handlers() -> dict[str, Handler]:
    return {"save": save, "read": read}


if __name__ == "__main__":
    serve(_handlers)
