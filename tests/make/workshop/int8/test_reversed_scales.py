"""A value that is reversed and concatenated with one of a wider range keeps its meaning in the file."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.tflite.lstm_scales import REVERSE

pytestmark = pytest.mark.tf
LEAST_DB, WITHOUT_DB = 20, 10


@pytest.fixture
def build(tools: Any) -> Any:
    """A narrow value, made by a layer with a bias, that is reversed beside a wide one, as both directions of a recurrent layer are."""

    def built(layers: Any, x: Any) -> Any:
        small = {"class_name": "RandomUniform", "config": {"minval": -0.05, "maxval": 0.05, "seed": 3}}
        narrow = layers.Dense(8, kernel_initializer=small, bias_initializer=small)(x)
        parts = [layers.Reshape((4, 2))(part) for part in (layers.Dense(8)(x), narrow)]
        both = layers.Concatenate()([parts[0], tools.keras3.ops.flip(parts[1], axis=1)])
        return layers.Dense(4)(layers.Flatten()(both))

    return built


def test_both_ends_of_a_reversal_have_one_scale(in_int8: Any, build: Any) -> None:
    made = in_int8(build, (8,))
    (reversal,) = (one for one in made.tflite.operators if one.name == REVERSE)
    taken, given = (made.tflite.tensors[index] for index in (reversal.inputs[0], reversal.outputs[0]))
    assert (taken.scales, taken.zero_points) == (given.scales, given.zero_points)
    assert made.signal_db() > LEAST_DB


def test_without_it_the_file_answers_otherwise(in_int8: Any, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.make.workshop.int8 import mended_scales

    monkeypatch.setattr(mended_scales, "mended_reversed_scales", lambda content: content)
    assert in_int8(build, (8,)).signal_db() < WITHOUT_DB
