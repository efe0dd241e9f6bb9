"""Fine-tuning: distilled targets, when constraints are applied, the best weights; on a model of a few weights."""

from __future__ import annotations

import itertools
import math
import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.techniques.interface import Constraint
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SAMPLES, CLASSES = 40, 3
TRAINING = {"epochs": 4, "batch_size": 8, "learning_rate": 0.3, "distillation": 0.5, "temperature": 2.0}


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    generator = np.random.default_rng(0)
    y = np.arange(SAMPLES) % CLASSES
    x = (np.eye(CLASSES)[y] + generator.normal(0, 0.3, (SAMPLES, CLASSES))).astype(np.float32)
    arrays = {f"{name}_{split}": array for split in ("train", "val", "test") for name, array in (("x", x), ("y", y))}
    return spool_result(
        arrays, tmp_path_factory.mktemp("data"), names=("x",), options=to_builtins(DataTable(source="data")), seed=0,
        progress=no_progress,
    )  # fmt: skip


@pytest.fixture
def model(tools: Any) -> Any:
    tools.fresh(0)
    layers = tools.keras.layers
    return tools.keras.Sequential([layers.Input((CLASSES,)), layers.Dense(CLASSES, activation="softmax")])


@pytest.fixture
def teacher(dataset: Dataset, tmp_path: Path) -> dict[str, list[str]]:
    """A float model that is sure of another class than the label."""
    answers = np.eye(CLASSES, dtype=np.float32)[(dataset.targets("train")[0][:] + 1) % CLASSES] * 0.9 + 0.1 / CLASSES
    np.save(tmp_path / "answers.npy", answers)
    return {split: [str(tmp_path / "answers.npy")] for split in ("train", "validation")}


def fitted(
    tools, dataset, model, *, constraint=None, keepers=lambda model: (), teacher=None, until=math.inf,
    losses=("sparse_categorical_crossentropy",), **changes,
):  # fmt: skip
    from edgekit.make.workshop.fit import Fit

    job = {
        "training": {**TRAINING, **changes},
        "losses": list(losses),
        "seed": 0,
        "teacher": teacher,
    }
    fit = Fit(tools, dataset, job, keepers, no_progress, until)
    fit.fit(model, constraint)
    return fit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which each look at it takes a second, so that what is cut does not depend on the machine."""
    from edgekit.make.workshop import fit

    seconds = itertools.count()
    monkeypatch.setattr(fit, "time", types.SimpleNamespace(monotonic=lambda: float(next(seconds))))


def a_fit(tools, dataset, until=math.inf, **changes):
    from edgekit.make.workshop.fit import Fit

    job = {"training": {**TRAINING, **changes}, "losses": ["sparse_categorical_crossentropy"], "seed": 0}
    return Fit(tools, dataset, job, lambda model: (), no_progress, until)


def zeroing(kernel: Any, whole_after: int) -> Any:
    """A form that is whole after so many steps: the kernel is zero."""

    def after_step(step: int) -> None:
        if step >= whole_after:
            kernel.assign(kernel * 0)

    return lambda steps: Constraint(after_step=after_step, whole_after=whole_after)


def test_a_run_that_the_time_cuts_keeps_its_best_weights(tools, dataset, model, clock):
    before = model.get_weights()
    fit = fitted(tools, dataset, model, until=8.5)
    assert fit.cut == "stopped by the time budget at step 9 of 20" and fit.note.endswith(fit.cut)
    assert not np.array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize(("epochs", "trained"), [(4, 3), (24, 7)])
def test_a_run_ends_after_two_epochs_or_a_fourth_of_its_own_without_a_better_loss(
    tools, dataset, model, epochs, trained
):
    """The weights become worse with each step, so that the first epoch is the best."""
    kernel, steps = model.layers[0].kernel, []

    def worse(step: int) -> None:
        steps.append(step)
        kernel.assign(-step * np.eye(CLASSES, dtype=np.float32))

    fitted(tools, dataset, model, constraint=lambda steps: Constraint(after_step=worse), epochs=epochs)
    assert steps[-1] == trained * SAMPLES // TRAINING["batch_size"]


def test_a_run_is_planned_for_the_time_that_is_left(tools, dataset, model, clock):
    """Probes of 10 steps; the time that is left after them is not enough for 120 more."""
    fit = fitted(tools, dataset, model, until=100.5, learning_rate=None, epochs=24)
    assert fit.cut.startswith("shortened by the time budget to ") and fit.cut.endswith(" steps of 120")
    whole = fitted(tools, dataset, model, until=1e6, learning_rate=None, epochs=24)
    assert whole.cut == "" and "time budget" not in whole.note


def test_weights_whose_form_was_not_whole_in_time_are_none(tools, dataset, model, clock):
    from edgekit.make.workshop.fit import OutOfTime

    with pytest.raises(OutOfTime):
        fitted(tools, dataset, model, constraint=zeroing(model.layers[0].kernel, 10), until=8.5)
    fit = fitted(tools, dataset, model, constraint=zeroing(model.layers[0].kernel, 3), until=1e3 + 8.5)
    assert fit.cut == "" and not model.layers[0].kernel.numpy().any()


def test_a_part_of_the_length_takes_the_rate_that_was_found_before(tools, dataset, model):
    """24 epochs of 5 steps: probes of ten steps, a fifth of the length, and a fifth again without a probe; the whole is searched anew."""
    runs: list[list[int]] = []
    fit = a_fit(tools, dataset, learning_rate=None, epochs=24)
    for share in (0.2, 0.2, 1.0):
        lengths: list[int] = []
        fit.fit(model, lambda steps, lengths=lengths: lengths.append(steps) or Constraint(), share=share)
        runs.append(lengths)
    assert runs[0][-1] == 24 and set(runs[0][:-1]) == {10}
    assert runs[1] == [24]
    assert runs[2][-1] == 120 and set(runs[2][:-1]) == {10}


def test_a_part_takes_its_share_of_the_time_that_is_left(tools, dataset, model, clock):
    fit = a_fit(tools, dataset, until=101.5, epochs=24)
    fit.fit(model, share=0.2)
    first = int(re.search(r"at step (\d+) of 24", fit.cut)[1])
    assert 15 < first < 24, "a fifth of the hundred seconds"
    fit.fit(model)
    assert re.fullmatch(r"stopped by the time budget at step \d\d of 120", fit.cut), "the last cut is told"


def test_the_loss_is_that_of_training_samples_and_falls_with_training(tools, dataset, model):
    fit = a_fit(tools, dataset)
    before = fit.loss(model)
    x, y = dataset.inputs("train")[0][:], dataset.targets("train")[0][:]
    shares = model(x, training=False).numpy()[np.arange(SAMPLES), y]
    assert before == pytest.approx(-np.log(shares).mean(), rel=1e-4) == fit.loss(model)
    fit.fit(model)
    assert fit.loss(model) < before / 2
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    assert fit.loss(model) == math.inf


def test_gradients_are_those_of_that_loss_batch_by_batch(tools, dataset, model):
    """A small step along a weight changes the loss by its gradient."""
    fit, (kernel, bias) = a_fit(tools, dataset, batch_size=SAMPLES), model.layers[0].weights
    ((slope, by_bias),) = list(fit.gradients(model, [kernel, bias]))
    assert slope.shape == (CLASSES, CLASSES) and by_bias.shape == (CLASSES,)
    weights, step = kernel.numpy(), 1e-2
    losses = []
    for sign in (1, -1):
        moved = weights.copy()
        moved[0, 1] += sign * step
        kernel.assign(moved)
        losses.append(fit.loss(model))
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(slope[0, 1], rel=1e-2)
    assert len(list(a_fit(tools, dataset).gradients(model, [kernel]))) == SAMPLES / TRAINING["batch_size"]


def test_what_a_technique_says_stands_before_how_it_was_trained(tools, dataset, model):
    fit = a_fit(tools, dataset)
    fit.say("half of the channels")
    fit.fit(model)
    assert fit.note.startswith("half of the channels; learning rate ")


def answers(model, dataset):
    return model(dataset.inputs("test")[0][:], training=False).numpy().argmax(axis=1)


def test_the_labels_are_learned_without_a_teacher_and_the_teachers_answers_with_a_strong_one(
    tools, dataset, model, teacher
):
    labels = dataset.targets("test")[0][:]
    fit = fitted(tools, dataset, model, distillation=0.0)
    assert (answers(model, dataset) == labels).mean() > 0.9 and "distilled" not in fit.note
    fit = fitted(tools, dataset, model, teacher=teacher, distillation=0.99)
    assert (answers(model, dataset) == (labels + 1) % CLASSES).mean() > 0.7, "with labels alone it is below 0.1"
    assert "distilled from the float model at temperature 2" in fit.note


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (
            ["mean_squared_error"],
            "distilled from the float model with its output as a second target of mean_squared_error",
        ),
        (["mse", "mae"], "float model with its output as a second target of mean_squared_error, mean_absolute_error"),
        (["binary_crossentropy_from_logits"], "float model with its output as a second target of binary_crossentropy"),
        (["categorical_crossentropy_from_logits"], "distilled from the float model at temperature 2"),
        (
            ["categorical_crossentropy", "huber"],
            "distilled from the float model at temperature 2 and with its output as a second target of huber",
        ),
        ([], ""),
    ],
)
def test_a_temperature_is_said_only_where_there_is_one(losses, said):
    from edgekit.make.workshop.distil import told

    found = told(losses, 2.0)
    assert found.endswith(said) and ("temperature" in found) is ("temperature" in said)


def test_the_note_of_a_regression_says_how_it_is_taught(tools, dataset, teacher):
    tools.fresh(0)
    layers = tools.keras.layers
    model = tools.keras.Sequential([layers.Input((CLASSES,)), layers.Dense(1)])
    answers = {split: [path.replace("answers", "values") for path in paths] for split, paths in teacher.items()}
    np.save(answers["train"][0], np.zeros((SAMPLES, 1), np.float32))
    fit = fitted(tools, dataset, model, losses=["mse"], teacher=answers, epochs=1)
    assert fit.note.endswith(
        "; distilled from the float model with its output as a second target of mean_squared_error"
    )


def test_the_same_again_gives_the_same_weights(tools, dataset, model, teacher):
    first = model.get_weights()
    fitted(tools, dataset, model, teacher=teacher, learning_rate=None)
    trained = model.get_weights()
    model.set_weights(first)
    fitted(tools, dataset, model, teacher=teacher, learning_rate=None)
    assert all((a == b).all() for a, b in zip(trained, model.get_weights(), strict=True))


def test_a_shaping_has_its_turns_and_weights_before_its_form_is_whole_are_not_kept(tools, dataset, model):
    calls: list[tuple[str, int]] = []
    kernel = model.layers[0].kernel

    def constraint(steps: int) -> Constraint:
        calls.append(("run", steps))

        def after_step(step: int) -> None:
            calls.append(("step", step))
            if step >= steps - 1:
                kernel.assign(kernel * 0)

        return Constraint(after_step=after_step, settle=lambda: calls.append(("settle", 0)), whole_after=steps - 1)

    fitted(tools, dataset, model, constraint=constraint, learning_rate=None)
    assert not model.layers[0].kernel.numpy().any(), "the best of the whole ones, though others fit better"
    runs = [steps for what, steps in calls if what == "run"]
    assert runs[:3] == [1, 1, 1] and runs[-1] == 20, "a twelfth of 4 epochs of 5 steps for each rate, then all of them"
    last = calls[calls.index(("run", 20)) :]
    assert [step for what, step in last if what == "step"] == list(range(21))
    assert last[-1] == ("settle", 0), "put right before it is judged"


def test_what_was_made_before_is_kept_at_every_step(tools, dataset, model):
    mask = np.ones((CLASSES, CLASSES), np.float32)
    mask[0] = 0

    def keepers(trained):
        kernel = trained.layers[0].kernel
        return [Constraint(after_step=lambda step: kernel.assign(kernel * mask))]

    fitted(tools, dataset, model, keepers=keepers)
    kernel = model.layers[0].kernel.numpy()
    assert not kernel[0].any() and kernel[1:].all()


def test_the_files_of_the_data_are_opened_once_and_not_at_each_step(tools, model, tmp_path):
    from edgekit.make.workshop.training_batches import TrainingBatches

    x, y = np.arange(24, dtype=np.float32).reshape(8, CLASSES), np.arange(8) % CLASSES
    arrays = {f"{name}_{split}": array for split in ("train", "val", "test") for name, array in (("x", x), ("y", y))}
    found = spool_result(
        arrays, tmp_path, names=("x",), options=to_builtins(DataTable(source="data")), seed=0, progress=no_progress
    )  # fmt: skip
    job = {"training": TRAINING, "losses": ["sparse_categorical_crossentropy"], "seed": 0}
    batches = TrainingBatches(tools, found, model, job)
    for path in tmp_path.rglob("*.npy"):
        path.unlink()
    (inputs,), (targets,) = batches.batch(0)
    ((count, *judged),) = batches.judged()
    assert (inputs == x).all() and (targets == y).all(), "all eight, in the order of their rows"
    assert count == 8 and (judged[0][0] == x).all()


def test_a_loss_that_does_not_fit_the_data_is_bad_input(tools, dataset, model):
    from edgekit.make.workshop.fit import Fit

    job = {"training": TRAINING, "losses": ["categorical_crossentropy"], "seed": 0}
    with pytest.raises(DataError, match="loss cannot be computed"):
        Fit(tools, dataset, job, lambda model: (), no_progress).fit(model)


@pytest.mark.parametrize(
    ("text", "label", "output", "expected"),
    [
        ("sparse_categorical_crossentropy_from_logits", (40,), (None, 3), True),
        ("sparse_categorical_crossentropy", (40, 1), (None, 3), True),
        ("categorical_crossentropy", (40, 3), (None, 3), True),
        ("binary_crossentropy", (40,), (None, 1), True),
        ('huber {"delta": 5.0}', (40, 2), (None, 2), True),
        ("cosine_similarity", (40, 2), (None, 2), False),
        ('sparse_categorical_crossentropy {"ignore_class": 255}', (40, 8, 8), (None, 8, 8, 3), False),
        ("mean_squared_error", (40,), (None, 3), False),
        ("mse", (40, 3), (None, 3), True),
    ],
)
def test_which_losses_have_a_second_term(text, label, output, expected):
    from edgekit.make.workshop.distil import can_distil

    assert can_distil(text, label, output) is expected


@pytest.mark.parametrize("logits", [True, False])
def test_the_distance_is_nothing_where_both_answer_the_same_and_whatever_the_form(tools, logits):
    from edgekit.make.workshop.distil import mixed_loss, pack

    raw = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    answer = raw if logits else np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    text = "sparse_categorical_crossentropy" + ("_from_logits" if logits else "")
    label = np.arange(6) % 4
    far = np.roll(answer, 1, axis=1)
    losses = {share: mixed_loss(tools, text, share=share, temperature=3.0) for share in (0.0, 0.5)}
    hard, half = (float(losses[share](pack(label, answer), answer)) for share in (0.0, 0.5))
    assert half == pytest.approx(hard / 2, rel=1e-4), "only the task's half is left"
    assert float(losses[0.5](pack(label, far), answer)) > half + 0.1


def test_a_logit_is_no_target_for_a_probability(tools):
    """The least loss is that of the float model's own answer, not one that falls for ever."""
    from edgekit.make.workshop.distil import mixed_loss, pack

    answer = np.array([[3.0], [-2.0]], np.float32)
    loss = mixed_loss(tools, "binary_crossentropy_from_logits", share=1.0, temperature=1.0)
    same, far = (float(loss(pack(np.zeros(2), answer), answer * factor)) for factor in (1, 10))
    assert 0 < same < far


@pytest.mark.parametrize(("samples_at_once", "rewritten"), [(SAMPLES, False), (1, True)])
def test_the_graph_of_a_few_steps_runs_as_it_was_traced(tools, dataset, model, samples_at_once, rewritten):
    seen = []

    def constraint(steps: int) -> Constraint:
        options = tools.tf.config.optimizer.get_experimental_options()
        return Constraint(after_step=lambda step: seen.append(options["disable_meta_optimizer"]))

    fitted(tools, dataset, model, constraint=constraint, batch_size=samples_at_once, epochs=1)
    assert set(seen) == {not rewritten}
    assert not tools.tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
