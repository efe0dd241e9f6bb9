"""Calling a model of either Keras, or a file in its place: its inputs and its outputs as flat lists, in the model's own order.

This and `call_graph`, `store` and `trust` are where the two versions differ for a job; what is asked here needs not know which one a model is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.keras_graph.call_graph import as_flat, as_given, filled, flat, inner_graph, leaves, structures
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.file_model import FileModel


def is_keras3(found: Any) -> bool:
    """Whether a model or a layer is one of Keras 3, by its classes: nothing needs to be imported for it."""
    return any(base.__module__.startswith("keras.") for base in type(found).__mro__)


def input_types(tools: Door, model: Any) -> list[Any]:
    """TensorFlow's dtype of each input."""
    return [tools.tf.as_dtype(tensor.dtype) for tensor in model.inputs]


def answers(model: Any, inputs: Sequence[Any], *, training: bool = False) -> list[Any]:
    """The outputs for a batch, given and returned as flat lists in the order in which the model's user gave its inputs and outputs.

    That is the order of `model.inputs` and `model.outputs`, but for dicts, whose keys Keras sorts.
    """
    if isinstance(model, FileModel):
        return list(model.answers(inputs))
    outputs = model(_packed(model, inputs), training=training)
    structure = structures(inner_graph(model))[1]
    return list(leaves(outputs)) if structure is None else as_given(structure, flat(outputs))


def _packed(model: Any, inputs: Sequence[Any]) -> Any:
    """The inputs in the structure that the model takes: Keras 3 refuses a list where it was made with a dict, and warns about others."""
    graph = inner_graph(model)
    structure = _of_shapes(built_shapes(model)) if graph is None else structures(graph)[0]
    if structure is not None:
        return filled(structure, iter(as_flat(structure, list(inputs))))
    return list(inputs) if len(inputs) > 1 else inputs[0]


def built_shapes(model: Any) -> Any:
    """The shapes, in their structure, that a subclassed model of Keras 3 was built with; None where it never was, and for other models."""
    if inner_graph(model) is not None or not is_keras3(model):
        return None
    found = model.get_build_config() or {}
    return found.get("input_shape") or found.get("shapes_dict")


def _of_shapes(shapes: Any) -> Any:
    """A structure of inputs from one of their shapes; None for a single one."""
    if isinstance(shapes, dict):
        return {key: _of_shapes(one) for key, one in shapes.items()}
    if isinstance(shapes, list | tuple) and any(isinstance(one, dict | list | tuple) for one in shapes):
        return [_of_shapes(one) for one in shapes]
    return None
