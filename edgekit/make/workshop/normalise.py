"""Normalising: a model of any accepted kind becomes one flat model of Keras 3, which is stored, and compared with the original.

It is read again before that, unless its configuration and the stored weights tell that it would be the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgekit.errors import EdgekitError, ModelError
from edgekit.keras_graph.call_graph import graph_of
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.compare import compare, original
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.flatten import closed_layers, flat_graph, flatten, source_of
from edgekit.make.workshop.keras2.rebuild import rebuild
from edgekit.make.workshop.own_code import make_known
from edgekit.make.workshop.readable import is_readable
from edgekit.make.workshop.stateless import state_note, without_state
from edgekit.make.workshop.store import KERAS3_FILE, open_model, save_model

OTHER_PRECISION = ("float16", "bfloat16", "float64")


class Normal(NamedTuple):
    """A flat model, its relative error on random input and what was not compared, its closed layers, what the passes did, and the names
    that were replaced.

    `source` is the original, or the graph of a subclassed one, with the structure of its inputs and outputs.
    """

    model: Any
    error: float | None
    uncompared: str
    closed: tuple[str, ...]
    passes: tuple[str, ...]
    renamed: dict[str, str]
    source: Any


def normalise(tools: Door, model: Any, folder: Path, job: dict[str, Any]) -> Normal:
    """The flat model, also stored in `folder`; raises `ModelError` for one that cannot be called, or not be stored."""
    where = job["source"]
    if not model.built:
        graph_of(model, where)  # raises that there is none
    _check_weights(model, where)
    in_float32(tools, model)
    own, renamed = (
        (model, {}) if is_keras3(model) else rebuild(tools, model, where=where, trust=job.get("trust", False))
    )
    source = source_of(tools, own, where=where)
    graph = without_state(tools, flat_graph(tools, source, where=where), where=where)
    known = original(model, graph, where)
    made, passes, rewritten = flatten(tools, graph, where=where, known=known, to_train=job.get("to_train", False))
    make_known(tools, made, where=where)
    try:
        save_model(made, folder)
        stored = made if is_readable(made, folder / KERAS3_FILE) else open_model(tools, folder, (), job)
    except (EdgekitError, OSError):  # a full disk is not the model's fault
        raise
    except Exception as problem:
        raise ModelError(
            "the model cannot be stored and read again by Keras 3", where=job["source"], received=_reason(problem),
            next_step="give its own classes a get_config with all arguments of their __init__, and a from_config for those that are layers",
        ) from problem  # fmt: skip
    error, note = compare(tools, model, stored, where, graph=graph, known=known, rewritten=rewritten)
    return Normal(
        stored,
        error,
        note,
        closed_layers(stored),
        (*state_note(model, stored), *passes),
        {**graph.renamed, **renamed},
        source if own is model else model,
    )


def _reason(problem: Exception) -> str:
    """What Keras says of a class that it cannot make again: behind a configuration of any length."""
    text = " ".join(str(problem).split())
    _, _, innermost = text.rpartition("Error encountered during deserialization: ")
    return f"{type(problem).__name__}: {innermost}"[:400]


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


def in_float32(tools: Door, model: Any) -> None:
    """Let layers that compute in half precision, as a training policy said, compute in float32."""
    if not is_keras3(model):
        for layer in model._flatten_layers():
            if layer.compute_dtype in OTHER_PRECISION:
                layer._set_dtype_policy("float32")
        return
    for layer in model._flatten_layers():
        if layer.compute_dtype in OTHER_PRECISION:
            layer.dtype_policy = "float32"
    for weight in model.weights:
        if weight.dtype in OTHER_PRECISION:  # of a policy that also keeps the weights in half precision
            weight._value = tools.tf.Variable(
                tools.tf.cast(weight.value, "float32"), trainable=weight.trainable, name=weight.name
            )
            weight._dtype = "float32"
