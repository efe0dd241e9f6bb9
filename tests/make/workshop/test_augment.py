"""Variation of training batches: what it does to each sample, that it comes again, and who never sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import AugmentTable, DataTable
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SAMPLES, CLASSES = 24, 3


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def spooled(folder: Path, *inputs: np.ndarray) -> Dataset:
    """A data set with the same samples in each split."""
    folder.mkdir(exist_ok=True)
    names = tuple(f"x{index}" for index in range(len(inputs)))
    y = np.arange(SAMPLES) % CLASSES
    splits = {split: (dict(zip(names, inputs, strict=True)), y) for split in ("train", "validation", "test")}
    options = to_builtins(DataTable(source="data"))
    return spool_result(splits, folder, names=names, options=options, seed=0, progress=no_progress)


def network(tools: Any, *inputs: np.ndarray) -> Any:
    layers = tools.keras.layers
    ends = [tools.keras.Input(array.shape[1:], dtype=array.dtype.name) for array in inputs]
    flat = [layers.Flatten()(tools.tf.cast(end, "float32")) for end in ends]
    joined = layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return tools.keras.Model(ends, layers.Dense(CLASSES, activation="softmax")(joined))


def varied(tools, folder, *inputs, step=0, seed=0, **asked):
    """All samples as one step of a training would see them, and what is told of it."""
    from edgekit.make.workshop.augment.augmenter import Augmenter

    tools.fresh(0)
    augmenter = Augmenter(tools, AugmentTable(**asked), spooled(folder, *inputs), network(tools, *inputs), seed)
    return [np.asarray(part) for part in augmenter(inputs, step)], augmenter.told


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (SAMPLES, 8, 6, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("flip", "axes"), [("horizontal", [[], [2]]), ("vertical", [[], [1]]), ("both", [[], [1], [2], [1, 2]])]
)
def test_a_flip_mirrors_some_images_and_no_others(tools, tmp_path, images, flip, axes):
    (found,), told = varied(tools, tmp_path, images, flip=flip)
    forms = [np.flip(images, form) for form in axes]
    which = np.array([[(form[index] == found[index]).all() for form in forms] for index in range(SAMPLES)])
    assert (which.sum(axis=1) == 1).all() and which.any(axis=0).all(), "each image in one form, and each form is there"
    assert f"flip {flip}" in told


def test_a_shift_moves_each_image_by_whole_pixels_and_reflects_its_edge(tools, tmp_path, images):
    (found,), told = varied(tools, tmp_path, images, shift=0.25)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="symmetric")
    moves = [
        [
            (down - 2, right - 2)
            for down in range(5)
            for right in range(5)
            if (padded[index, down : down + 8, right : right + 6] == found[index]).all()
        ]
        for index in range(SAMPLES)
    ]
    assert all(len(places) == 1 for places in moves)
    assert {abs(down) for ((down, _),) in moves} == {0, 1, 2} == {abs(right) for ((_, right),) in moves}
    assert "shift of up to 2 of 8 rows and 2 of 6 columns" in told


def test_a_shift_below_half_a_pixel_is_one_pixel(tools, tmp_path, images):
    (found,), told = varied(tools, tmp_path, images, shift=0.01)
    assert (found != images).any() and "1 of 8 rows" in told


def test_a_crop_shows_a_part_of_each_image(tools, tmp_path):
    slope = np.broadcast_to(np.linspace(0, 1, 8, dtype=np.float32)[None, :, None, None], (SAMPLES, 8, 6, 1))
    (found,), _ = varied(tools, tmp_path, slope, crop=0.5)
    span = found[:, -1, 0, 0] - found[:, 0, 0, 0]
    assert 0.5 <= span.min() < 0.7 and span.max() > 0.9, "from half of it to nearly all"
    assert found[:, 0].min() < 0.05 and found[:, -1].max() > 0.95, "at either end"
    np.testing.assert_allclose(np.diff(found[:, :, 0, 0], axis=1), np.repeat(span[:, None] / 7, 7, axis=1), atol=1e-5)


def test_colour_and_noise_stay_within_the_range_of_the_data_and_its_dtype(tools, tmp_path):
    pixels = np.random.default_rng(0).integers(10, 201, (SAMPLES, 8, 6, 3)).astype(np.uint8)
    (found,), told = varied(tools, tmp_path, pixels, colour=0.5, noise=0.5)
    assert found.dtype == np.uint8 and found.min() == pixels.min() and found.max() == pixels.max()
    means = found.astype(float).mean(axis=(1, 2, 3)) - pixels.mean(axis=(1, 2, 3))
    assert means.min() < -15 and means.max() > 15, "some darker, some lighter"
    assert f"within {pixels.min()} to {pixels.max()}" in told


def test_a_sequence_is_moved_in_time_and_keeps_its_ends(tools, tmp_path):
    sequence = np.random.default_rng(0).normal(size=(SAMPLES, 10, 4)).astype(np.float32)
    (found,), told = varied(tools, tmp_path, sequence, shift=0.2)
    forms = [sequence[:, np.clip(np.arange(10) + move, 0, 9)] for move in range(-2, 3)]
    which = np.array([[(form[index] == found[index]).all() for form in forms] for index in range(SAMPLES)])
    assert (which.sum(axis=1) == 1).all() and which.any(axis=0).all()
    assert "shift of up to 2 of 10 steps" in told


def test_noise_follows_each_channel(tools, tmp_path):
    rows = np.random.default_rng(0).normal(size=(SAMPLES, 50, 3)).astype(np.float32) * np.array([1, 100, 0], np.float32)
    (found,), _ = varied(tools, tmp_path, rows, noise=0.1)
    added = (found - rows).std(axis=(0, 1))
    np.testing.assert_allclose(added[:2], [0.1, 10], rtol=0.15)
    assert added[2] == 0, "a constant channel stays so"


def test_the_same_seed_and_step_come_again_and_others_do_not(tools, tmp_path, images):
    def once(name: str, **changes: Any) -> np.ndarray:
        asked = {"flip": "both", "shift": 0.2, "crop": 0.2, "colour": 0.2, "noise": 0.1}
        return varied(tools, tmp_path / name, images, **asked, **changes)[0][0]

    first = once("a", step=3)
    assert (first == once("b", step=3)).all()
    assert (first != once("c", step=4)).mean() > 0.9 and (first != once("d", step=3, seed=1)).mean() > 0.9


def test_two_images_of_a_sample_are_moved_alike_and_a_row_of_numbers_is_not_moved(tools, tmp_path, images):
    row = np.random.default_rng(1).normal(size=(SAMPLES, 5)).astype(np.float32)
    (left, right, same), told = varied(tools, tmp_path, images, images, row, flip="both", shift=0.2)
    assert (left == right).all() and (left != images).any() and (same == row).all()
    assert told.count("flip both") == 2
    (left, right, other), _ = varied(tools, tmp_path / "noise", images, images, row, noise=0.1)
    assert (left != right).mean() > 0.9 and (other != row).any(), "noise is of each input its own"


def batches_of(tools, dataset, model, tmp_path, augment):
    from edgekit.make.workshop.training_batches import TrainingBatches

    return TrainingBatches(tools, dataset, model, job_of(dataset, model, tmp_path, augment))


def job_of(dataset, model, tmp_path, augment):
    """The job of a training that distils from the model as it is now."""
    from edgekit.make.workshop.store import save_model

    save_model(model, tmp_path)
    answers = model.predict(dataset.inputs("train")[0][:], verbose=0)
    np.save(tmp_path / "answers.npy", answers)
    training = {"epochs": 1, "batch_size": SAMPLES, "learning_rate": 0.01, "distillation": 0.5, "temperature": 2.0}
    return {
        "training": {**training, "augment": augment}, "losses": ["sparse_categorical_crossentropy"], "seed": 0,
        "teacher": {split: [str(tmp_path / "answers.npy")] for split in ("train", "validation")},
        "float_model": str(tmp_path), "root": str(tmp_path), "imports": (),
    }  # fmt: skip


def test_the_teacher_answers_what_was_made_of_a_batch_and_the_validation_split_stays_as_it_is(tools, tmp_path, images):
    tools.fresh(0)
    dataset, model = spooled(tmp_path / "data", images), network(tools, images)
    batches = batches_of(tools, dataset, model, tmp_path, {"shift": 0.3})
    (batch,), (targets,) = batches.batch(0)
    assert (np.asarray(batch) != images).any()
    np.testing.assert_array_equal(targets[:, 0], dataset.targets("train")[0][:])
    np.testing.assert_allclose(targets[:, 1:], model(batch, training=False), atol=1e-6)
    assert np.abs(targets[:, 1:] - model(images, training=False)).max() > 0.01, "not what it answers to the samples"
    for count, (judged,), (packed,) in batches.judged():
        assert count == SAMPLES and (judged == images).all()
        np.testing.assert_allclose(packed[:, 1:], model(images, training=False), atol=1e-6)


def test_a_project_that_asks_for_nothing_trains_on_the_samples_themselves(tools, tmp_path, images):
    tools.fresh(0)
    dataset, model = spooled(tmp_path / "data", images), network(tools, images)
    batches = batches_of(tools, dataset, model, tmp_path, None)
    assert (batches.batch(0)[0][0] == images).all() and batches.varied == ""


def test_what_the_model_varies_by_itself_is_told(tools, tmp_path, images):
    layers = tools.keras.layers
    tools.fresh(0)
    given = [layers.Input((8, 6, 3)), layers.RandomFlip(name="mirror"), layers.Dropout(0.1), layers.Flatten()]
    model = tools.keras.Sequential([*given, layers.Dense(CLASSES, activation="softmax")])
    batches = batches_of(tools, spooled(tmp_path / "data", images), model, tmp_path, {"noise": 0.1})
    assert "noise 0.1" in batches.varied and batches.varied.endswith("; varied by the model's own 'mirror'")


def test_the_teacher_answers_what_the_models_own_layers_made_of_a_batch(tools, tmp_path, images):
    """Rescaling, then a crop that changes the size: the model that learns is what stands behind them."""
    layers = tools.keras.layers
    tools.fresh(0)
    given = [layers.Input((8, 6, 3)), layers.Rescaling(0.5), layers.RandomFlip(), layers.RandomCrop(6, 4)]
    model = tools.keras.Sequential([*given, layers.Flatten(), layers.Dense(CLASSES, activation="softmax")])
    batches = batches_of(tools, spooled(tmp_path / "data", images), model, tmp_path, None)
    (batch,), (targets,) = batches.batch(0)
    assert batch.shape == (SAMPLES, 6, 4, 3) and np.abs(batch).max() <= 0.5
    np.testing.assert_allclose(targets[:, 1:], batches.learner(batch, training=False), atol=1e-6)
    assert np.abs(targets[:, 1:] - model(images, training=False)).max() > 0.01, "not what it answers to the samples"
    for _, (judged,), (packed,) in batches.judged():
        np.testing.assert_allclose(batches.learner(judged, training=False), model(images, training=False), atol=1e-6)
        np.testing.assert_allclose(packed[:, 1:], model(images, training=False), atol=1e-6)


def test_a_fine_tune_trains_the_whole_model_through_its_part(tools, tmp_path, images):
    from edgekit.make.workshop.fit import Fit
    from edgekit.make.workshop.store import open_model, save_model

    layers = tools.keras.layers
    tools.fresh(0)
    given = [layers.Input((8, 6, 3)), layers.RandomFlip(), layers.Conv2D(2, 3), layers.BatchNormalization()]
    model = tools.keras.Sequential([*given, layers.Flatten(), layers.Dense(CLASSES, activation="softmax")])
    before = model.get_weights()
    job = job_of(spooled(tmp_path / "data", images), model, tmp_path, {"shift": 0.1})
    fit = Fit(tools, Dataset.open(tmp_path / "data"), job, lambda model: (), no_progress)
    fit.fit(model)
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    assert "distilled" in fit.note and "shift of up to" in fit.note and "the model's own 'random_flip'" in fit.note
    save_model(model, tmp_path)
    again = open_model(tools, tmp_path, (), job)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(again(images, training=False), model(images, training=False), atol=1e-6)


def test_augmentation_behind_the_first_weights_or_of_one_input_of_two_is_no_front(tools):
    from edgekit.make.workshop.augment.front import last_of_front

    layers = tools.keras.layers
    tools.fresh(0)
    inner = tools.keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.GaussianNoise(0.1)])
    a, b = layers.Input((4,)), layers.Input((4,))
    two = tools.keras.Model([a, b], layers.Add()([layers.GaussianNoise(0.1)(a), b]))
    branch = tools.keras.Model(a, layers.Add()([layers.GaussianNoise(0.1)(a), a]))
    assert [last_of_front(model) for model in (inner, two, branch)] == [None, None, None]
    chain = [layers.Input((4,)), layers.GaussianNoise(0.1, name="n"), layers.Rescaling(2.0), layers.Dense(3)]
    assert last_of_front(tools.keras.Sequential(chain)) == "n"
