"""Multiply-accumulates of layers are those that `tflite/macs.py` counts of the operators they become."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.tflite.reader import read_tflite
from edgekit.workshop.model_facts import macs

GOLDEN = Path(__file__).parent.parent / "golden"


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
