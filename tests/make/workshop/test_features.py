"""Features of the float model as a student's targets: which tensors pair up, what is compared, and that nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.keras_graph.flat_graph import model_of, read_graph
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SAMPLES, CLASSES = 32, 3


def network(tools: Any, *filters: int, dense: int = 6, front: tuple[Any, ...] = ()) -> Any:
    """Convolutions at 4 x 4, pooling to 2 x 2, a hidden dense layer, and the classes."""
    layers = tools.keras3.layers
    convolutions = [layers.Conv2D(size, 3, padding="same", name=f"conv_{at}") for at, size in enumerate(filters)]
    return tools.keras3.Sequential(
        [
            layers.Input((4, 4, 1)), layers.Rescaling(0.5), *front, *convolutions, layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"), layers.Dropout(0.5), layers.Flatten(), layers.Dense(dense, activation="relu", name="hidden"),
            layers.Dense(CLASSES, activation="softmax", name="classes"),
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    generator = np.random.default_rng(0)
    y = np.arange(SAMPLES) % CLASSES
    x = (generator.normal(size=(CLASSES, 4, 4, 1))[y] + generator.normal(size=(SAMPLES, 4, 4, 1))).astype(np.float32)
    arrays = {f"{name}_{split}": array for split in ("train", "val", "test") for name, array in (("x", x), ("y", y))}
    return spool_result(
        arrays, tmp_path_factory.mktemp("data"), names=("x",), options=to_builtins(DataTable(source="data")), seed=0,
        progress=no_progress,
    )  # fmt: skip


def stored(teacher: Any, folder: Path, weight: float) -> dict[str, Any]:
    """The training job of a teacher's student, with a weight of features."""
    from edgekit.make.workshop.store import save_model

    folder.mkdir(exist_ok=True)
    save_model(teacher, folder)
    return {
        "training": {
            "epochs": 2, "batch_size": 8, "learning_rate": 0.01, "distillation": 0.5, "temperature": 2.0, "features": weight,
        },
        "losses": ["sparse_categorical_crossentropy"], "seed": 0, "teacher": None, "float_model": str(folder), "is_replacement": True,
        "root": str(folder), "imports": [],
    }  # fmt: skip


def fitted(tools: Any, dataset: Dataset, teacher: Any, student: Any, folder: Path, weight: float) -> Any:
    """The `Fit` that trained a student of a teacher."""
    from edgekit.make.workshop.fit import Fit

    fit = Fit(tools, dataset, stored(teacher, folder, weight), lambda model: (), no_progress)
    fit.fit(student)
    return fit


def told(pairs: Any) -> list[tuple[str, str]]:
    return [(theirs.layer, own.layer) for theirs, own in pairs]


def test_the_last_tensor_of_each_size_stands_for_it_and_neither_input_nor_output_does(tools):
    from edgekit.make.workshop.features import feature_pairs, marks

    teacher, student = (read_graph(tools, network(tools, *filters)) for filters in ((4, 8), (2,)))
    assert {size: mark.layer for size, mark in marks(teacher).items()} == {(4, 4): "relu", (2, 2): "pool", (): "hidden"}
    assert told(feature_pairs(teacher, student)) == [("relu", "relu"), ("pool", "pool"), ("hidden", "hidden")]


def test_a_derived_student_learns_from_the_tensors_that_its_own_were_made_of(tools):
    from edgekit.make.workshop.derive import narrower
    from edgekit.make.workshop.features import feature_pairs

    teacher = read_graph(tools, network(tools, 8, 16))
    pairs = feature_pairs(teacher, narrower(tools, teacher, 0.5))
    assert len(pairs) == 3 and all(theirs == own for theirs, own in told(pairs))
    assert [(one.value.shape[-1], own.value.shape[-1]) for one, own in pairs] == [(16, 8), (16, 8), (6, 3)]


def test_sizes_that_one_network_lacks_have_no_pair_and_there_are_four_at_most(tools):
    from edgekit.make.workshop.features import feature_pairs

    layers = tools.keras3.layers
    given = tools.keras3.Input((32, 1))
    x, halves = given, []
    for place in range(6):
        x = layers.Conv1D(2, 3, strides=2, padding="same", name=f"half_{place}")(x)
        halves.append(x)
    deep = read_graph(tools, tools.keras3.Model(given, layers.Dense(2)(layers.Flatten()(x))))
    wide = read_graph(tools, tools.keras3.Model(given, layers.Dense(2)(layers.Flatten()(halves[1]))))
    assert told(feature_pairs(deep, deep)) == [(f"half_{place}",) * 2 for place in (1, 2, 3, 5)], "two have length 1"
    assert told(feature_pairs(deep, wide)) == [("half_0", "half_0"), ("half_1", "half_1")]


def test_what_is_compared_knows_no_width_no_scale_and_no_rotation(tools):
    from edgekit.make.workshop.features import similarities

    generator = np.random.default_rng(0)
    rows = generator.normal(size=(8, 5)).astype("float32")
    turned = np.linalg.qr(generator.normal(size=(9, 9)))[0][:5].astype("float32")
    first, second = (np.asarray(similarities(tools.tf, one)) for one in (rows, 3 * rows @ turned + 1))
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert np.isclose(np.linalg.norm(first), 1, atol=1e-5)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(first, centred @ centred.T / np.linalg.norm(centred @ centred.T), atol=1e-5)
    with tools.tf.GradientTape() as tape:
        same = tools.tf.ones((2, 3))
        tape.watch(same)
        total = tools.tf.reduce_sum(similarities(tools.tf, same))
    assert np.isfinite(tape.gradient(total, same)).all(), (
        "a batch of equal samples, or of one, teaches nothing and breaks nothing"
    )


def test_features_draw_the_student_s_tensors_to_the_teacher_s(tools, dataset, tmp_path):
    from edgekit.make.workshop.features import features_of
    from edgekit.make.workshop.model_loss import ModelLoss
    from edgekit.make.workshop.train_step import TrainStep

    teacher, student = network(tools, 4, 8), network(tools, 2, dense=4)
    features = features_of(tools, student, stored(teacher, tmp_path, 1.0))
    inputs = [dataset.inputs("train")[0][:]]
    matrices = features.targets(inputs)
    assert [matrix.shape for matrix in matrices] == [(SAMPLES, SAMPLES)] * 3, "whatever the channels are"
    losses = [lambda label, output: 0.0 * tools.tf.reduce_sum(output), *features.losses]
    targets = [dataset.targets("train")[0][:], *matrices]
    judge, step = (kind(tools, features.learner, losses) for kind in (ModelLoss, TrainStep))
    before, first = judge.loss(inputs, targets), student.get_layer("conv_0").get_weights()[0]
    for _ in range(40):
        step.step(inputs, targets, 0.02)
    assert 0.0 < judge.loss(inputs, targets) < 0.8 * before < 0.8, (
        "the mean over pairs of one minus a cosine, times the weight"
    )
    assert not np.array_equal(first, student.get_layer("conv_0").get_weights()[0]), "the student's own weights"


def test_a_fit_tells_which_tensors_they_were_and_nothing_of_them_stays(tools, dataset, tmp_path):
    kept = {}
    for weight in (0.0, 10.0):
        tools.fresh(0)
        teacher, student = network(tools, 4, 8), network(tools, 2, dense=4)
        names = [(one.path, tuple(one.shape)) for one in student.weights]
        fit = fitted(tools, dataset, teacher, student, tmp_path / str(weight), weight)
        said = "features of the float model's inner tensors: relu (4 x 4), pool (2 x 2), hidden (vector)"
        assert (said in fit.note) == (weight > 0)
        assert [(one.path, tuple(one.shape)) for one in student.weights] == names and len(student.outputs) == 1
        assert model_of(tools, read_graph(tools, student)).count_params() == student.count_params()
        kept[weight] = student.get_layer("conv_0").get_weights()[0]
    assert not np.allclose(kept[0.0], kept[10.0]), "the same start, order and rate"


def test_a_student_that_varies_its_samples_gets_none_and_that_is_said(tools, dataset, tmp_path):
    flip = tools.keras3.layers.RandomFlip("horizontal")
    fit = fitted(tools, dataset, network(tools, 4), network(tools, 2, front=(flip,)), tmp_path / "model", 1.0)
    assert "no features of the float model: the student varies its samples itself" in fit.note


def test_networks_without_a_size_in_common_get_none(tools, dataset, tmp_path):
    layers = tools.keras3.layers
    flat = tools.keras3.Sequential(
        [layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(CLASSES, activation="softmax")]
    )
    fit = fitted(tools, dataset, network(tools, 4), flat, tmp_path / "model", 1.0)
    assert "no features of the float model: no inner tensors of both have the same" in fit.note
