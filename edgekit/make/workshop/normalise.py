"""Normalising: a model of any accepted kind becomes one flat model of Keras 3, which is stored, and compared with the original.

It is read again before that, unless its configuration and the stored weights tell that it would be the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgekit.errors import ModelError
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.compare import compare, original
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.flatten import closed_layers, flat_graph, flatten
from edgekit.make.workshop.keras2.rebuild import rebuild
from edgekit.make.workshop.readable import is_readable
from edgekit.make.workshop.store import KERAS3_FILE, open_model, save_model

HALF = ("float16", "bfloat16")


class Normal(NamedTuple):
    """A flat model, its relative error on random input and what was not compared, its closed layers, what the passes did, and the names
    that were replaced."""

    model: Any
    error: float | None
    uncompared: str
    closed: tuple[str, ...]
    passes: tuple[str, ...]
    renamed: dict[str, str]


def normalise(tools: Door, model: Any, folder: Path, job: dict[str, Any]) -> Normal:
    """The flat model, also stored in `folder`; raises `ModelError` for one that cannot be called, or not be stored."""
    where = job["source"]
    _check_weights(model, where)
    _in_float32(tools, model)
    own, renamed = (
        (model, {}) if is_keras3(model) else rebuild(tools, model, where=where, trust=job.get("trust", False))
    )
    graph = flat_graph(tools, own, where=where)
    known = original(model, graph, where)
    made, passes, rewritten = flatten(tools, graph, where=where, known=known)
    try:
        save_model(made, folder)
        stored = made if is_readable(made, folder / KERAS3_FILE) else open_model(tools, folder, (), job)
    except Exception as problem:
        raise ModelError(
            "the model cannot be stored and read again by Keras 3", where=job["source"],
            received=f"{type(problem).__name__}: {problem}"[:400],
            next_step="register its own classes with keras.saving.register_keras_serializable, and give them get_config",
        ) from problem  # fmt: skip
    error, note = compare(tools, model, stored, where, graph=graph, known=known, rewritten=rewritten)
    return Normal(stored, error, note, closed_layers(stored), passes, {**graph.renamed, **renamed})


def _check_weights(model: Any, where: str) -> None:
    for weight in model.weights:
        value = np.asarray(weight)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            name = getattr(weight, "path", weight.name)
            raise ModelError(
                "a weight that is no finite number (NaN or infinite)",
                where=f"{where}: {name}",
                next_step="train the model again",
            )


def _in_float32(tools: Door, model: Any) -> None:
    """Let layers that compute in half precision, as a training policy said, compute in float32."""
    if not is_keras3(model):
        for layer in model._flatten_layers():
            if layer.compute_dtype in HALF:
                layer._set_dtype_policy("float32")
        return
    for layer in model._flatten_layers():
        if layer.compute_dtype in HALF:
            layer.dtype_policy = "float32"
    for weight in model.weights:
        if weight.dtype in HALF:  # of a policy that also keeps the weights in half precision
            weight._value = tools.tf.Variable(
                tools.tf.cast(weight.value, "float32"), trainable=weight.trainable, name=weight.name
            )
            weight._dtype = "float32"
