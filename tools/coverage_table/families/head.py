"""The end of most models of the table: a dense layer that pruning and clustering work on, and one that gives the answer."""

from __future__ import annotations

from typing import Any

HIDDEN, CLASSES = 32, 4


def head(keras: Any, x: Any) -> Any:
    """Logits of four classes behind a hidden layer of 32 units: 256 weights or more for features of 8 or more."""
    return keras.layers.Dense(CLASSES, name="head")(keras.layers.Dense(HIDDEN, activation="relu", name="hidden")(x))
