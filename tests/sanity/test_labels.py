"""Findings on decisions and labels: chance by its own arithmetic, permutations by name, balance, classes that are not there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.ingest.targets import facts_of
from edgekit.sanity.balance import absent_classes, constant_targets, imbalance, never_answered
from edgekit.sanity.chance import at_chance, no_better_than_the_mean
from edgekit.sanity.decision_counts import Decided, beyond_chance, decided
from edgekit.sanity.permutation import columns_permuted, labels_permuted, recognised


def answered(labels, decisions, classes=None, kind="classification", split="test") -> Decided:
    labels, decisions = (np.asarray(each).reshape(len(labels), -1) for each in (labels, decisions))
    classes = classes or int(max(labels.max(), decisions.max())) + 1
    return Decided(split=split, kind=kind, classes=classes, decisions=decisions, labels=labels)


def mostly_right(labels, classes, share=0.85, seed=0):
    generator = np.random.default_rng(seed)
    wrong = generator.random(len(labels)) > share
    return np.where(wrong, generator.integers(0, classes, len(labels)), labels)


def test_beyond_chance_is_the_mean_and_deviation_of_all_ways_to_pair():
    generator = np.random.default_rng(0)
    labels, decisions = generator.integers(0, 3, 40), np.minimum(generator.integers(0, 4, 40), 2)
    hits = [float((generator.permutation(labels) == decisions).sum()) for _ in range(20_000)]
    found, best = beyond_chance(answered(labels, decisions).table, 40)
    observed = (labels == decisions).sum()
    assert found == pytest.approx((observed - np.mean(hits)) / np.std(hits), abs=0.05)
    assert best > found


def test_places_of_a_map_count_as_one_sample():
    labels = np.arange(40) % 2
    one = beyond_chance(answered(labels, mostly_right(labels, 2)).table, 40)
    wide = np.repeat(labels[:, None], 9, axis=1)
    many = beyond_chance(answered(wide, np.repeat(mostly_right(labels, 2)[:, None], 9, axis=1)).table, 40)
    assert many[0] == pytest.approx(one[0], rel=0.05)


LABELS = np.random.default_rng(1).integers(0, 4, 200)


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        (np.random.default_rng(2).integers(0, 4, 200), "at chance"),
        (3 - LABELS, "below chance"),
        (np.zeros(200, int), "at chance"),
        ((LABELS + 1) % 4, "below chance"),
    ],
)
def test_a_model_that_guesses(decisions, said):
    found = at_chance([answered(LABELS, decisions)])
    assert found.name == "at_chance" and found.what.startswith(said) and "of test is right" in found.what


@pytest.mark.parametrize(
    "splits",
    [
        [answered(LABELS, mostly_right(LABELS, 4))],
        [answered(LABELS, mostly_right(LABELS, 4, 0.2))],
        [answered(LABELS[:3], LABELS[::-1][:3])],
        [answered(np.zeros(50, int), np.zeros(50, int), 4)],
        [answered((np.arange(500) < 475) * 1, np.where(np.arange(500) % 40 == 0, 1, (np.arange(500) < 475) * 1))],
    ],
    ids=[
        "good",
        "weak and better than chance",
        "too few to tell",
        "one class",
        "imbalanced, below the share of the largest",
    ],
)
def test_a_model_that_does_not_guess(splits):
    assert at_chance(splits) is None


def test_the_splits_at_chance_are_named_with_their_own_chance():
    good = answered(LABELS, mostly_right(LABELS, 4), split="validation")
    found = at_chance([answered(LABELS, 3 - LABELS), good])
    assert "of test is right" in found.what and "validation" not in found.what


def test_a_regression_that_is_no_better_than_the_mean():
    generator = np.random.default_rng(0)
    wanted = generator.standard_normal((60, 2)) * [100, 1]
    assert no_better_than_the_mean([("test", wanted, wanted + 0.5)]) is None
    assert no_better_than_the_mean([("test", wanted, generator.standard_normal((60, 2)) * 200)]).name == "at_chance"
    still = no_better_than_the_mean([("test", wanted[:, :1], np.ones((60, 1)))])
    assert "its answers are the same for every sample" in still.what and "columns" not in still.what
    assert "in the best of its columns" in no_better_than_the_mean([("test", wanted, np.ones((60, 2)))]).what
    half = np.stack([wanted[:, 0], np.zeros(60) + 9], axis=1)
    assert no_better_than_the_mean([("test", wanted, half)]) is None, "one column is right"
    assert no_better_than_the_mean([("test", np.ones((60, 1)), np.zeros((60, 1)))]) is None, "nothing varies"


MAPPINGS = {
    "reversed": lambda y, k: k - 1 - y,
    "shifted by one": lambda y, k: (y + 1) % k,
    "alphabetical": lambda y, k: np.array(sorted(range(k), key=str))[y],
    "numbers from 1": lambda y, k: np.argsort(sorted(range(k), key=lambda n: str(n + 1)))[y],
}


@pytest.mark.parametrize("name", list(MAPPINGS))
@pytest.mark.parametrize("classes", [12, 25])
def test_labels_in_a_known_order_are_named(name, classes):
    labels = np.random.default_rng(0).integers(0, classes, 1500)
    found = labels_permuted(answered(MAPPINGS[name](labels, classes), mostly_right(labels, classes), classes))
    assert found.name == "labels_permuted" and name in found.what


def test_two_classes_that_are_swapped_are_named_with_their_names():
    labels = np.random.default_rng(0).integers(0, 10, 600)
    swapped = np.where(labels == 3, 5, np.where(labels == 5, 3, labels))
    found = labels_permuted(answered(swapped, mostly_right(labels, 10), 10), [f"c{index}" for index in range(10)])
    assert "3 'c3' is answered as 5 'c5'" in found.what and "5 'c5' is answered as 3 'c3'" in found.what
    assert "another order (" in found.what, "no order is claimed that it is not"


def test_yes_and_no_the_other_way_round():
    labels = np.random.default_rng(0).integers(0, 2, 100)
    found = labels_permuted(answered(1 - labels, mostly_right(labels, 2), 2, kind="binary"))
    assert "reversed" in found.what


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(20, 300), st.floats(0, 1), st.integers(0, 10**6))
def test_noise_has_no_order(classes, samples, share, seed):
    labels = np.random.default_rng(seed).integers(0, classes, samples)
    assert labels_permuted(answered(labels, mostly_right(labels, classes, share, seed + 1), classes)) is None


def test_an_order_by_the_names_is_recognised():
    names = ["ant", "Bee", "cat", "Dog"]
    by_capitals = sorted(range(4), key=lambda index: names[index])
    assert "names" in recognised(by_capitals, range(4), names)
    assert "numbers in their names" in recognised([0, 2, 3, 1], range(4), ["img1", "img10", "img2", "img3"])
    assert recognised([1, 0, 2, 3], range(4)) == ""


def test_columns_of_a_regression_in_another_order_or_with_another_sign():
    generator = np.random.default_rng(0)
    right = generator.standard_normal((80, 3)) * [100, 1, 5]
    answers = right + 0.1 * generator.standard_normal((80, 3))
    assert columns_permuted("test", right, answers) is None
    found = columns_permuted("test", right[:, [1, 0, 2]], answers)
    assert found.name == "columns_permuted" and "column 0 follow the answers of column 1" in found.what
    assert "column 2 have the opposite sign" in columns_permuted("test", right * [1, 1, -1], answers).what
    assert columns_permuted("test", right, generator.standard_normal((80, 3))) is None
    assert "opposite sign" in columns_permuted("test", -right[:, :1], answers[:, :1]).what


def test_a_heavy_imbalance_under_accuracy():
    labels = np.r_[np.zeros(95, int), np.ones(5, int)]
    found = imbalance(answered(labels, np.zeros(100, int), 2), "accuracy")
    assert "95.0% of test is of one class (0)" in found.what and "balanced accuracy of 50.0%" in found.what
    assert "balanced_accuracy" in found.advice
    assert imbalance(answered(labels, np.zeros(100, int), 2), "balanced_accuracy") is None
    even = np.arange(100) % 2
    assert imbalance(answered(even, even), "accuracy") is None
    uneven = np.r_[np.zeros(70, int), np.ones(30, int)]
    assert imbalance(answered(uneven, uneven, 2), "accuracy") is None, "70 to 30 and all right"
    rare = np.r_[np.zeros(60, int), np.ones(30, int), np.full(10, 2)]
    assert "balanced accuracy" in imbalance(answered(rare, np.where(rare == 2, 0, rare), 3), "accuracy").what


def facts(values):
    values = np.asarray(values)
    return facts_of(values, np.arange(len(values)))


def test_classes_that_a_split_lacks_are_named():
    targets = {"train": facts([0, 1, 2, 3]), "test": facts([0, 2, 2])}
    (found,) = absent_classes(targets, 4, ["train", "test"], ("ant", "bee", "cat", "dog"))
    assert found.name == "absent_class" and found.what.startswith(
        "test has no sample of 2 of the model's 4 classes: 1 'bee', 3 'dog'"
    )
    both = {split: facts(np.eye(4)[[0, 1, 2]]) for split in ("train", "test")}
    (found,) = absent_classes(both, 4, ["train", "test"])
    assert found.what.startswith("train and test have no sample of 1 of")
    assert absent_classes({"test": facts([[0, 1], [2, 3]])}, 4, ["test"]) == []


def test_a_class_that_is_never_answered():
    labels = np.arange(300) % 3
    found = never_answered(answered(labels, np.where(labels == 2, 1, labels), 3), ("a", "b", "c"))
    assert "never answers with 2 'c', of which test has 100 samples" in found.what
    assert never_answered(answered(labels, labels, 5)) is None, "there are no samples of the others"


def test_targets_that_are_all_the_same():
    (found,) = constant_targets({"train": [facts(np.full(9, 3.5))], "test": [facts([1.0, 2.0])]}, ["out"])
    assert found.what == "the targets are all 3.5 in train"


def test_decisions_of_every_kind():
    outputs = np.array([[0.9, 0.1], [0.4, 0.6]])
    found = decided("test", "classification", np.array([0, 0]), outputs, 0.5)
    assert found.table.tolist() == [[1, 1], [0, 0]] and found.score == 0.5
    several = decided("test", "multilabel", np.array([[1, 1], [0, 1]]), outputs, 0.5)
    assert several.table.tolist() == [[1, 0], [1, 2]]
    assert decided("test", "regression", outputs, outputs, 0.5) is None
    nothing = decided("test", "classification", np.array([0, 0]), np.full((2, 2), np.nan), 0.5)
    assert nothing.score == 0.0 and nothing.table.sum() == 0
