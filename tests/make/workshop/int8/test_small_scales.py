"""Values that are zero, or next to it, in all of calibration: the files of such models run with XNNPACK and answer as the model does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.tflite.small_scales import LARGEST_OF_ZERO, raised_small_scales

pytestmark = pytest.mark.tf
FEATURES = 8
BESIDE_NOTHING = {
    "taken away": lambda layers, dead, live: live - dead,
    "as a factor": lambda layers, dead, live: dead * live,
    "behind a kernel with a bias": lambda layers, dead, live: layers.Dense(8, bias_initializer="ones")(dead) + live,
    "behind a convolution": lambda layers, dead, live: layers.Flatten()(
        layers.Conv1D(2, 3, padding="same", bias_initializer="ones")(layers.Reshape((FEATURES, 1))(dead))
    ),
    "beside a constant of the same byte": lambda layers, dead, live: (
        layers.Activation("tanh")(live) + 1e-6 + layers.Activation("sigmoid")(live) * 0.3
    ),
    "next to nothing": lambda layers, dead, live: live + live * 1e-5 + 1e-6,
    "moved, then added": lambda layers, dead, live: layers.Flatten()(
        layers.Reshape((2, 4))(dead) + layers.Reshape((2, 4))(live)
    ),
}


def with_a_dead_relu(beside: Any) -> Any:
    """A network with a ReLU that is never above zero, and what is beside it."""

    def build(layers: Any, x: Any) -> Any:
        far_below = {"class_name": "Constant", "config": {"value": -100.0}}
        dead = layers.ReLU()(layers.Dense(FEATURES, bias_initializer=far_below)(x))
        return layers.Dense(4)(beside(layers, dead, layers.Dense(FEATURES)(x)))

    return build


@pytest.mark.parametrize("name", sorted(BESIDE_NOTHING))
def test_the_file_runs_and_answers_as_the_model(in_int8: Any, name: str) -> None:
    made = in_int8(with_a_dead_relu(BESIDE_NOTHING[name]), (FEATURES,))
    activations = [one for one in made.tflite.tensors if one.dtype == "int8" and one.scales and one.span is None]
    assert min(one.scales[0] for one in activations) > LARGEST_OF_ZERO
    np.testing.assert_allclose(made.answers(), made.expected, atol=0.05 * np.abs(made.expected).max() + 1e-6)
    assert raised_small_scales(made.content) == made.content, "a mended file is whole"


@pytest.mark.parametrize("name", ["as a factor", "behind a kernel with a bias", "taken away"])
def test_without_it_xnnpack_does_not_take_the_file(in_int8: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from edgekit.make.workshop.int8 import mended_scales

    monkeypatch.setattr(mended_scales, "raised_small_scales", lambda content: content)
    made = in_int8(with_a_dead_relu(BESIDE_NOTHING[name]), (FEATURES,))
    with pytest.raises(RuntimeError, match="XNNPACK"):
        made.answers()


def test_a_file_of_common_scales_stays_as_it_is(in_int8: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.make.workshop.int8 import mended_scales

    seen = []
    monkeypatch.setattr(mended_scales, "raised_small_scales", lambda content: seen.append(content) or content)
    in_int8(lambda layers, x: layers.Dense(4)(layers.Dense(FEATURES, activation="relu")(x)), (FEATURES,))
    assert len(seen) == 1 and raised_small_scales(seen[0]) == seen[0]
