"""Calling a model of either Keras: its inputs and its outputs as flat lists, in the model's own order.

This and `call_graph`, `store` and `trust` are where the two versions differ for a job; what is asked here needs not know which one a model is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.keras_graph.call_graph import flat
from edgekit.make.workshop.door import Door


def is_keras3(found: Any) -> bool:
    """Whether a model or a layer is one of Keras 3, by its classes: nothing needs to be imported for it."""
    return any(base.__module__.startswith("keras.") for base in type(found).__mro__)


def input_types(tools: Door, model: Any) -> list[Any]:
    """TensorFlow's dtype of each input."""
    return [tools.tf.as_dtype(tensor.dtype) for tensor in model.inputs]


def answers(model: Any, inputs: Sequence[Any], *, training: bool = False) -> list[Any]:
    """The outputs for a batch, given and returned in the order of `model.inputs` and `model.outputs`."""
    return flat(model(_packed(model, inputs), training=training))


def _packed(model: Any, inputs: Sequence[Any]) -> Any:
    """The inputs in the structure that the model takes: Keras 3 refuses a list where it was made with a dict, and warns about others."""
    structure = getattr(getattr(model, "_functional", None) or model, "_inputs_struct", None)
    if structure is not None:
        return _filled(structure, iter(inputs))
    return list(inputs) if len(inputs) > 1 else inputs[0]


def _filled(structure: Any, tensors: Any) -> Any:
    if isinstance(structure, dict):
        found = {key: _filled(structure[key], tensors) for key in sorted(structure)}
        return {key: found[key] for key in structure}
    if isinstance(structure, list | tuple):
        return type(structure)(_filled(part, tensors) for part in structure)
    return next(tensors)
