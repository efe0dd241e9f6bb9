"""What an output is for: by the values of its targets, what it ends in, and the loss that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import DataError
from edgekit.ingest.targets import facts_of
from edgekit.verdict.judged_by import judged_by
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.task import OutputTask, kind_of, task_of, tasks_of

AGES = 18 + np.arange(60) % 50
CLASSES = np.arange(60) % 4
ONE_HOT = np.eye(4)[CLASSES]
LABELS = (np.arange(240).reshape(60, 4) % 3 > 0).astype(float)
SOFT = ONE_HOT * 0.9 + 0.025
REAL = np.linspace(-3, 3, 240).reshape(60, 4)
MASK = np.arange(60 * 16).reshape(60, 4, 4) % 3


def told(targets):
    targets = np.asarray(targets)
    return facts_of(targets, np.arange(len(targets)))


def kind(shape, ends, loss, targets):
    return kind_of(TensorFacts(name="out", shape=shape, dtype="float32"), ends, loss, told(targets))


CASES = [
    # class numbers and one-hot rows are classes, whatever is known of the rest
    ((4,), "softmax", None, CLASSES, "classification"),
    ((4,), "softmax", "mean_squared_error", ONE_HOT, "classification"),
    ((4,), "linear", None, CLASSES[:, None], "classification"),
    ((4,), "linear", "mean_squared_error", ONE_HOT, "classification"),
    ((4,), "linear", None, ONE_HOT, "classification"),
    ((4,), "sigmoid", "binary_crossentropy", ONE_HOT.astype("float32"), "classification"),
    ((4,), "sigmoid", None, CLASSES, "classification"),
    # soft labels
    ((4,), "softmax", None, SOFT, "classification"),
    ((4,), "linear", "categorical_crossentropy_from_logits", SOFT, "classification"),
    ((4,), "linear", None, SOFT, "regression"),
    ((4,), "softmax", None, REAL, None),
    # yes or no
    ((1,), "sigmoid", "binary_crossentropy", CLASSES % 2, "binary"),
    ((1,), "sigmoid", None, (CLASSES % 2).astype("float32"), "binary"),
    ((), "sigmoid", None, CLASSES % 2 > 0, "binary"),
    ((1,), "linear", "binary_crossentropy_from_logits", CLASSES % 2, "binary"),
    ((1,), "linear", None, (CLASSES % 2).astype(float), "binary"),
    ((1,), "sigmoid", "binary_crossentropy", 0.05 + 0.9 * (CLASSES % 2), "binary"),
    ((1,), "sigmoid", None, CLASSES % 3, None),
    # several labels
    ((4,), "sigmoid", "binary_crossentropy", LABELS, "multilabel"),
    ((4,), "sigmoid", None, LABELS.astype(int), "multilabel"),
    ((4,), "linear", None, LABELS, "multilabel"),
    # numbers
    ((1,), "linear", "mean_squared_error", AGES, "regression"),
    ((1,), "linear", "mae", AGES[:, None], "regression"),
    ((), "linear", None, AGES, "regression"),
    ((1,), "linear", None, AGES - 40, "regression"),
    ((1,), "linear", 'huber {"delta": 5.0}', CLASSES % 2, "regression"),
    ((4,), "linear", "log_cosh", LABELS, "regression"),
    ((4,), "linear", "poisson", LABELS.astype(int) * 7, "regression"),
    ((4,), "linear", None, REAL, "regression"),
    ((1,), "linear", None, np.zeros(60), "regression"),
    ((1,), "sigmoid", "mean_squared_error", np.linspace(0, 1, 60), "regression"),
    ((4,), "sigmoid", "binary_crossentropy", np.random.default_rng(0).random((60, 4)), "regression"),
    ((4,), "linear", "mean_squared_error", CLASSES, "classification"),
    ((2,), "linear", "mean_squared_error", AGES, None),
    # maps
    ((4, 4, 3), "softmax", None, MASK, "classification"),
    ((4, 4, 3), "linear", None, MASK[..., None], "classification"),
    ((4, 4, 1), "sigmoid", None, MASK[..., None] % 2, "binary"),
    ((4, 4, 1), "linear", "mae", MASK[..., None] * 0.5, "regression"),
    ((None, None, 3), "softmax", None, MASK, "classification"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "ends", "loss", "targets", "wanted"), CASES)
def test_the_kind(shape, ends, loss, targets, wanted):
    assert kind(shape, ends, loss, targets) == wanted


@pytest.mark.parametrize(
    ("ends", "loss", "threshold"),
    [("sigmoid", None, 0.5), ("linear", None, 0.0), ("linear", "mean_squared_error", 0.5)],
)
def test_a_logit_says_yes_above_zero(ends, loss, threshold):
    output = TensorFacts(name="out", shape=(1,), dtype="float32")
    assert task_of(output, ends, loss, told(CLASSES % 2)).threshold == threshold


def test_of_several_outputs_each_has_its_own_task():
    outputs = tuple(
        TensorFacts(name=name, shape=(size,), dtype="float32") for name, size in (("what", 4), ("where", 2))
    )
    facts = ModelFacts(
        sha256="", format="", inputs=(), outputs=outputs, layers=(), output_kinds=("softmax", "linear"),
        losses=("sparse_categorical_crossentropy", "mean_squared_error"),
    )  # fmt: skip
    targets = [told(CLASSES), told((REAL[:, :2] * 10).astype(int))]
    tasks = tasks_of(facts, targets)
    assert [task.kind for task in tasks] == ["classification", "regression"]
    assert (judged_by(None, 0, tasks, targets).name, judged_by(None, 1, tasks, targets).name) == ("accuracy", "mae")
    assert judged_by(None, 1, tasks, targets) == MetricSpec(name="mae", higher_is_better=False, output=1)


def test_the_projects_loss_comes_before_the_models():
    output = (TensorFacts(name="out", shape=(1,), dtype="float32"),)
    facts = ModelFacts(
        sha256="", format="", inputs=(), outputs=output, layers=(), output_kinds=("linear",), losses=(None,)
    )
    targets = [told(CLASSES % 2)]
    assert tasks_of(facts, targets)[0].kind == "binary"
    assert tasks_of(facts, targets, "mae")[0].kind == "regression"


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "auc"])
def test_right_and_wrong_are_refused_of_a_regression(name):
    with pytest.raises(DataError, match="means nothing") as caught:
        judged_by(MetricSpec(name=name), 0, (OutputTask(kind="regression"),), [told(AGES)])
    assert caught.value.where == "goal.metric" and "whole numbers from 18 to 67" in caught.value.received


def test_a_metric_that_was_asked_for_wins_and_one_that_does_not_follow_is_asked_for():
    two = (OutputTask(kind="binary", threshold=0.0),)
    assert judged_by(MetricSpec(name="auc"), 0, two, [told(CLASSES % 2)]) == MetricSpec(name="auc", threshold=0.0)
    zero_one = (OutputTask(kind="regression"),)
    assert judged_by(MetricSpec(), 0, zero_one, [told(CLASSES % 2)]).name == "accuracy", "zeros and ones can be right"
    with pytest.raises(DataError, match="no metric follows") as caught:
        judged_by(None, 0, (OutputTask(),), [told(REAL)])
    assert "metric =" in caught.value.next_step
