"""Refuses layers that read text or look values up in a table, with the reason: such a model, converted, runs on no device.

TensorFlow does their work in operators that TFLite does not have (tables of numbers, hashes of text) or that only LiteRT on Linux
has, on text that no sensor gives. A device can instead be fed with the numbers that these layers compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgekit.errors import ModelError

LOOKUPS = {
    "StringLookup": "looks text up in a table",
    "TextVectorization": "splits text and looks its words up in a table",
    "IntegerLookup": "looks numbers up in a table",
    "Hashing": "hashes its input",
    "HashedCrossing": "hashes its inputs",
}
"""Layers of either Keras by class name, and what they do."""


def refuse_text(model: Any, *, where: str) -> None:
    """Raise `ModelError` for the first layer that looks up or hashes, and for an input of text; nested models included."""
    for layer in _layers(model):
        kind = type(layer).__name__
        if kind in LOOKUPS:
            raise ModelError(
                f"layer {layer.name!r} of type {kind} {LOOKUPS[kind]}, which edgekit converts for no device",
                where=where,
                received=f"{kind} inside the model",
                allowed="a model whose inputs are the numbers that such a layer makes",
                next_step=f"save the model that begins after {layer.name!r}, and give the layer's outputs as the data",
            )
    for tensor in getattr(model, "inputs", None) or ():
        if "string" in str(getattr(tensor.dtype, "name", tensor.dtype)):
            raise ModelError(
                f"input {_name(tensor)!r} is text, which edgekit has no device for",
                where=where,
                received="an input of dtype string",
                allowed="inputs of numbers",
                next_step="turn the text into numbers before the model, and save the model that begins there",
            )


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)
        inner = getattr(layer, "layer", None)  # TimeDistributed and other wrappers
        if inner is not None:
            yield inner


def _name(tensor: Any) -> str:
    return str(tensor.name).split(":")[0]
