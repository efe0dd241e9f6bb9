"""Tracing a subclassed model of either Keras: what its `call` calls, as a Functional model."""

from __future__ import annotations

from typing import Any


def traced(kind: Any, model: Any, given: Any) -> Any:
    """The Functional model, of the class `kind`, from inputs that are `given`, with all weights of the model; None where its `call` does more."""
    try:
        found = kind(given, model.call(given))
    except Exception:  # a user's own code may raise anything
        return None
    is_whole = {id(weight) for weight in found.weights} == {id(weight) for weight in model.weights}
    return found if is_whole else None
