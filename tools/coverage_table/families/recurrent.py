"""Recurrent models: each kind of layer, bidirectional, stacked cells, masked sequences, state that stays from call to call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row

STEPS, FEATURES, UNITS = 8, 6, 16


def with_layer(kind: str, **options: Any) -> Callable[[Any], Any]:
    """A model of one recurrent layer and a dense head."""

    def make(keras: Any) -> Any:
        entry = keras.Input((STEPS, FEATURES), name="steps")
        x = getattr(keras.layers, kind)(UNITS, **options)(entry)
        return keras.Model(entry, head(keras, x))

    return make


def two_layers(keras: Any) -> Any:
    """A GRU that gives its whole sequence to an LSTM."""
    entry = keras.Input((STEPS, FEATURES), name="steps")
    x = keras.layers.LSTM(UNITS)(keras.layers.GRU(UNITS, return_sequences=True)(entry))
    return keras.Model(entry, head(keras, x))


def bidirectional(kind: str) -> Callable[[Any], Any]:
    """A layer that reads the sequence from both ends."""

    def make(keras: Any) -> Any:
        layers = keras.layers
        entry = keras.Input((STEPS, FEATURES), name="steps")
        return keras.Model(entry, head(keras, layers.Bidirectional(getattr(layers, kind)(UNITS))(entry)))

    return make


def stacked_cells(keras: Any) -> Any:
    """Two cells in one RNN layer."""
    layers = keras.layers
    entry = keras.Input((STEPS, FEATURES), name="steps")
    return keras.Model(entry, head(keras, layers.RNN([layers.LSTMCell(UNITS), layers.GRUCell(UNITS)])(entry)))


def masked(kind: str) -> Callable[[Any], Any]:
    """A layer that skips the steps after a sequence's end."""

    def make(keras: Any) -> Any:
        layers = keras.layers
        entry = keras.Input((STEPS, FEATURES), name="steps")
        return keras.Model(entry, head(keras, getattr(layers, kind)(UNITS)(layers.Masking()(entry))))

    return make


def stateful(kind: str) -> Callable[[Any], Any]:
    """A layer whose state stays from call to call; it has a batch of fixed size."""

    def make(keras: Any) -> Any:
        entry = keras.Input((STEPS, FEATURES), batch_size=1, name="steps")
        return keras.Model(entry, head(keras, getattr(keras.layers, kind)(UNITS, stateful=True)(entry)))

    return make


def with_states(keras: Any) -> Any:
    """An LSTM whose last states are outputs too."""
    entry = keras.Input((STEPS, FEATURES), name="steps")
    x, hidden, cell = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)(entry)
    return keras.Model(entry, [head(keras, x), hidden, cell])


def conv_lstm(keras: Any) -> Any:
    """A convolutional LSTM over images."""
    layers = keras.layers
    entry = keras.Input((4, 8, 8, 2), name="frames")
    return keras.Model(entry, head(keras, layers.Flatten()(layers.ConvLSTM2D(8, 3, padding="same")(entry))))


MAKERS = {
    "SimpleRNN": with_layer("SimpleRNN"),
    "GRU": with_layer("GRU"),
    "GRU, reset_after=False": with_layer("GRU", reset_after=False),
    "LSTM": with_layer("LSTM"),
    "LSTM, unrolled": with_layer("LSTM", unroll=True),
    "LSTM, states given out": with_states,
    "GRU and LSTM": two_layers,
    "bidirectional GRU": bidirectional("GRU"),
    "bidirectional LSTM": bidirectional("LSTM"),
    "stacked cells": stacked_cells,
    "masked GRU": masked("GRU"),
    "masked LSTM": masked("LSTM"),
    "stateful GRU": stateful("GRU"),
    "stateful LSTM": stateful("LSTM"),
    "ConvLSTM2D": conv_lstm,
}
KERAS_2 = ("GRU", "LSTM", "bidirectional LSTM", "masked LSTM", "stateful LSTM")


def _row(name: str, version: Any) -> Row:
    return Row(
        name=name if version == 3 else f"{name}, Keras 2",
        group="recurrent",
        make=MAKERS[name],
        keras=version,
        domain="sequence" if name.startswith("masked") else "float",
    )


ROWS = [*(_row(name, 3) for name in MAKERS), *(_row(name, 2) for name in KERAS_2)]
