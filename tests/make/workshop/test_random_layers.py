"""Layers that are random in training only (dropout, noise, augmentation): rebuilt and stored, they still are, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
IMAGE, SEQUENCE = (8, 8, 3), (6, 4)
SETTINGS: dict[str, dict[str, Any]] = {
    "RandomFlip": {},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.3},
    "GaussianNoise": {"stddev": 0.3},
    "Dropout": {"rate": 0.5},
    "SpatialDropout2D": {"rate": 0.5},
}


ONLY_IN_KERAS_3: dict[str, dict[str, Any]] = {
    "RandomContrast": {"factor": 0.5, "value_range": (0, 1)},
    "RandomHue": {"factor": 0.5, "value_range": (0, 1)},
    "RandomErasing": {"factor": 1.0, "value_range": (0, 1)},
    "RandAugment": {"value_range": (0, 1)},
}


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def stored(tools: Any, model: Any, folder: Path) -> Any:
    """The model as a fine-tune gets it: rebuilt, written, and read again."""
    from edgekit.make.workshop.rebuild import rebuild
    from edgekit.make.workshop.store import open_model, save_model

    save_model(rebuild(tools, model, where="test")[0], folder)
    return open_model(tools, folder, (), {"imports": (), "root": str(folder)})


def difference(model: Any, shape: tuple[int, ...]) -> float:
    """By how much the answers in training differ from those of inference."""
    x = np.random.default_rng(0).random((16, *shape)).astype(np.float32)
    return float(np.abs(model(x, training=True) - model(x, training=False)).max())


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("keras", ["keras3", "keras"])
def test_it_is_random_in_training_and_nothing_in_inference(tools, tmp_path, name, keras):
    tools.fresh(0)
    layers = getattr(tools, keras).layers
    layer = getattr(layers, name)(**SETTINGS[name])
    model = stored(tools, getattr(tools, keras).Sequential([layers.Input(IMAGE), layer, layers.Flatten()]), tmp_path)
    x = np.random.default_rng(1).random((4, *IMAGE)).astype(np.float32)
    assert difference(model, IMAGE) > 0.01
    assert (np.asarray(model(x, training=False)).reshape(x.shape) == x).all()


@pytest.mark.parametrize("name", ONLY_IN_KERAS_3)
def test_what_only_keras_3_does_is_done_by_keras_3(tools, tmp_path, name):
    tools.fresh(0)
    layers = tools.keras3.layers
    layer = getattr(layers, name)(**ONLY_IN_KERAS_3[name])
    model = stored(tools, tools.keras3.Sequential([layers.Input(IMAGE), layer, layers.Flatten()]), tmp_path)
    x = np.random.default_rng(1).random((4, *IMAGE)).astype(np.float32)
    assert difference(model, IMAGE) > 0.01 and model.count_params() == 0
    assert (np.asarray(model(x, training=False)).reshape(x.shape) == x).all()
    trained = tools.tf.function(lambda batch: model(batch, training=True))
    first, second = trained(x), trained(x)
    assert (np.asarray(first) != np.asarray(second)).any(), "random anew in each step of a traced training"


def test_contrast_on_negative_values_is_not_cut_off_at_0(tools, tmp_path):
    tools.fresh(0)
    layers = tools.keras3.layers
    layer = layers.RandomContrast(0.3, value_range=(-1, 1))
    model = stored(tools, tools.keras3.Sequential([layers.Input(IMAGE), layer]), tmp_path)
    x = np.random.default_rng(1).uniform(-0.5, 0.5, (8, *IMAGE)).astype(np.float32)
    assert (np.asarray(model(x, training=True)) < 0).mean() > 0.4


def test_a_file_can_name_no_other_class_of_keras_3(tools):
    from edgekit.errors import ModelError
    from edgekit.make.workshop.augment.keras3 import layer_class

    with pytest.raises(ModelError, match="not an augmentation layer"):
        layer_class(tools)(kind="Lambda", settings={})


def test_the_dropout_inside_a_recurrent_layer_of_keras_3_is_kept(tools, tmp_path):
    tools.fresh(0)
    layers = tools.keras3.layers
    model = tools.keras3.Sequential([layers.Input(SEQUENCE), layers.LSTM(3, dropout=0.5)])
    assert difference(stored(tools, model, tmp_path), SEQUENCE) > 0.01


def test_a_normalisation_that_was_called_as_frozen_stays_so(tools, tmp_path):
    tools.fresh(0)
    layers = tools.keras3.layers
    inputs = layers.Input(IMAGE)
    frozen = tools.keras3.Model(inputs, layers.Flatten()(layers.BatchNormalization()(inputs, training=False)))
    assert difference(stored(tools, frozen, tmp_path), IMAGE) == 0


def test_a_dropout_that_was_called_as_active_is_nothing_in_inference_as_in_keras_3(tools, tmp_path):
    tools.fresh(0)
    layers = tools.keras3.layers
    inputs = layers.Input(IMAGE)
    model = tools.keras3.Model(inputs, layers.Flatten()(layers.Dropout(0.5)(inputs, training=True)))
    assert difference(stored(tools, model, tmp_path), IMAGE) > 0.01
