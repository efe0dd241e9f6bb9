"""Multiply-accumulates of layers are those that `tflite/macs.py` counts of the operators they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.make.workshop.model_facts import layers_of, macs
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parents[2] / "golden"


def of_file(name: str, operator: str) -> int:
    return sum(each.macs for each in read_tflite(GOLDEN / f"{name}.tflite").operators if each.name == operator)


@pytest.mark.parametrize(
    ("kind", "entering", "leaving", "matrices", "expected"),
    [
        ("Conv2D", (8, 8, 1), (6, 6, 4), [(3, 3, 1, 4)], of_file("float32", "CONV_2D")),
        ("DepthwiseConv2D", (6, 6, 4), (6, 6, 4), [(3, 3, 4, 1)], of_file("float32", "DEPTHWISE_CONV_2D")),
        ("Conv2DTranspose", (4, 4, 2), (8, 8, 3), [(2, 2, 3, 2)], of_file("upsampled", "TRANSPOSE_CONV")),
        ("LSTM", (5, 2), (4,), [(2, 16), (4, 16)], of_file("lstm", "UNIDIRECTIONAL_SEQUENCE_LSTM")),
        ("LSTM", (None, 2), (4,), [(2, 16), (4, 16)], 2 * 16 + 4 * 16),
        ("GRU", (5, 2), (5, 4), [(2, 12), (4, 12)], 5 * (2 * 12 + 4 * 12)),
        ("SeparableConv2D", (8, 8, 3), (6, 6, 5), [(3, 3, 3, 1), (1, 1, 3, 5)], 6 * 6 * (3 * 3 * 3 + 3 * 5)),
        ("Dense", (7, 4), (7, 3), [(4, 3)], 7 * 4 * 3),
        ("BatchNormalization", (8, 8, 4), (8, 8, 4), [], 0),
        ("Embedding", (5,), (5, 8), [(100, 8)], 0),
    ],
)
def test_each_weight_counts_once_for_each_position(kind, entering, leaving, matrices, expected):
    assert macs(kind, entering=entering, leaving=leaving, matrices=matrices) == expected


@pytest.mark.tf
def test_of_a_loaded_model(workshop, tmp_path):
    (tmp_path / "models.py").write_text(
        "def model():\n"
        "    import tf_keras\n"
        "    layers = tf_keras.layers\n"
        "    return tf_keras.Sequential([layers.Input((5, 2)), layers.GRU(4, name='memory'), layers.Dense(3, name='next')])\n"
    )
    job = {"do": "load", "source": "models:model", "is_function": True, "imports": [], "root": str(tmp_path)}
    done = workshop.run({**job, "trust": False, "seed": 0, "sha256": "0" * 64, "target": str(tmp_path)})
    counted = {layer["name"]: layer["macs"] for layer in done.value["layers"]}
    assert (counted["memory"], counted["next"]) == (5 * (2 * 12 + 4 * 12), 4 * 3)
    assert [layer.get("biases", 0) for layer in done.value["layers"]][-2:] == [2 * 12, 0]
    assert [(group["size"], group["reads"]) for group in done.value["groups"]] == [(4, {"memory": 4, "next": 4})]


@pytest.mark.tf
def test_which_recurrent_layers_become_one_operator():
    from edgekit.make.workshop.door import door

    tools = door()
    layers, entry = tools.keras3.layers, tools.keras3.Input((4, 3))
    found = {
        "usual": {}, "relu": {"activation": "relu"}, "hard": {"recurrent_activation": "hard_sigmoid"}, "bare": {"use_bias": False},
        "unrolled": {"unroll": True}, "backwards": {"go_backwards": True},
    }  # fmt: skip
    made: list[Any] = [layers.LSTM(2, name=name, **given)(entry) for name, given in found.items()]
    state = layers.Dense(2, name="state")(made[0])
    made += [layers.GRU(2, name="gru")(entry), layers.LSTM(2, name="begun")(entry, initial_state=[state, state])]
    both = {"cells": layers.RNN(layers.LSTMCell(2)), "ways": layers.GRU(2)}
    made += [layers.Bidirectional(one, name=name)(entry) for name, one in both.items()]
    facts = list(layers_of(tools, tools.keras3.Model(entry, made)))
    assert {layer.name for layer in facts if layer.fused} == {"usual", "backwards"}
    assert {layer.name for layer in facts if layer.of_cells} == {"cells"}


ENDS = """
def model():
    import keras
    L = keras.layers
    image = keras.Input((8, 16), name="image")
    soft, sure = (L.Dense(4, activation="softmax")(image) for _ in range(2)), L.Dense(1, activation="sigmoid")(image)
    one, two = soft
    return keras.Model(image, [
        L.TimeDistributed(L.Dense(4, activation="softmax"))(image),
        L.Reshape((4, 2, 4))(one),
        L.Reshape((32,))(one),
        L.Average()([one, two]),
        L.Concatenate()([one, two]),
        L.Flatten()(sure),
        L.Bidirectional(L.LSTM(3, activation="sigmoid"))(image),
        keras.ops.sigmoid(L.Dense(1)(image)),
        L.Dense(1, activation="hard_sigmoid")(image),
        L.Dropout(0.5)(L.Softmax()(L.Dense(3)(image))),
        L.Dense(2, activation="tanh")(image),
    ])
"""


@pytest.mark.tf
def test_what_an_output_ends_in_is_seen_through_wrappers_and_reshapes(workshop, tmp_path):
    (tmp_path / "ends.py").write_text(ENDS)
    job = {"do": "load", "source": "ends:model", "is_function": True, "imports": [], "root": str(tmp_path)}
    done = workshop.run({**job, "trust": False, "seed": 0, "sha256": "0" * 64, "target": str(tmp_path)})
    assert done.value["output_kinds"] == [
        "softmax", "softmax", "linear", "softmax", "linear", "sigmoid", "sigmoid", "sigmoid", "sigmoid", "softmax", "linear",
    ]  # fmt: skip
