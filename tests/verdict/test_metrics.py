"""The arithmetic of scores, intervals and drops, spelled out on arrays small enough to count by hand."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import DataError
from edgekit.verdict import metrics
from edgekit.verdict.agreement import agreement
from edgekit.verdict.intervals import Interval, paired_difference, percentiles, resamples, wilson
from edgekit.verdict.metrics import MetricSpec, paired_drop, score

ACCURACY, AUC = MetricSpec(name="accuracy"), MetricSpec(name="auc")
MAE = MetricSpec(name="mae", higher_is_better=False)
MSE = MetricSpec(name="mse", higher_is_better=False)
LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    "targets",
    [
        np.array([0, 1, 2, 1]),
        np.array([[0], [1], [2], [1]], np.uint8),
        np.array([0.0, 1.0, 2.0, 1.0]),
        np.eye(3, dtype=np.float32)[[0, 1, 2, 1]],
    ],
    ids=["class numbers", "a column", "floats", "one-hot"],
)
def test_accuracy_takes_the_largest_output(targets):
    assert score(ACCURACY, [targets], [LOGITS]).value == 3 / 4


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_output_is_class_one_above_a_half(shape):
    outputs = np.array([0.1, 0.6, 0.5, 0.9]).reshape(shape)
    assert score(ACCURACY, [np.array([0, 1, 0, 0])], [outputs]).value == 3 / 4


def test_logits_are_decided_at_the_threshold_of_the_metric():
    targets, logits = np.array([0, 1, 1, 0]), np.array([[-2.0], [0.3], [4.0], [0.1]])
    at_zero = MetricSpec(threshold=0.0)
    assert score(ACCURACY, [targets], [logits]).value == 3 / 4
    assert score(at_zero, [targets], [logits]).value == 3 / 4
    assert score(at_zero, [np.array([0, 1, 1, 1])], [logits]).value == 1.0
    labels = np.array([[1, 1, 0], [0, 0, 0]])
    assert score(at_zero, [labels], [np.array([[0.2, 3.0, -1.0], [-0.1, -4.0, 0.1]])]).value == pytest.approx(5 / 6)
    assert agreement(logits, -logits, threshold=0.0).same == 0.0
    assert agreement(logits, -logits).same is None


BALANCED = MetricSpec(name="balanced_accuracy")


def test_balanced_accuracy_is_the_mean_of_the_classes_own():
    targets = np.array([0] * 8 + [1] * 2)
    always = np.tile([0.9, 0.1], (10, 1))
    assert score(ACCURACY, [targets], [always]).value == 0.8
    found = score(BALANCED, [targets], [always])
    assert found.value == 0.5 and found.low <= 0.5 <= found.high and "bootstrap" in found.method
    right = np.eye(2)[targets]
    right[9] = [1, 0]
    assert score(BALANCED, [targets], [right]).value == (1.0 + 0.5) / 2
    drop = paired_drop(BALANCED, [targets], [right], [always])
    assert drop.points == pytest.approx(25.0) and drop.low <= drop.points <= drop.high
    assert score(BALANCED, [np.eye(2)[targets]], [right]).value == 0.75
    assert score(BALANCED, [targets], [right[:, 1:]]).value == 0.75


def test_balanced_accuracy_of_labels_and_of_maps():
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]])
    outputs = np.array([[0.9, 0.8, 0.1], [0.9, 0.8, 0.9], [0.1, 0.9, 0.9]])
    # yes and no of each label: 1/1 and 1/2; 3/3 and none; 1/1 and 1/2
    assert score(BALANCED, [labels], [outputs]).value == pytest.approx((1 + 0.5 + 1 + 1 + 0.5) / 5)
    places = np.array([[0, 0, 0, 1], [0, 0, 0, 0]])
    decided = np.zeros((2, 4, 2))
    decided[..., 0] = 1
    assert score(BALANCED, [places], [decided]).value == 0.5
    assert score(ACCURACY, [places], [decided]).value == 7 / 8


def test_smoothed_labels_count_by_the_nearer_end():
    targets = np.array([0.05, 0.95, 0.95])
    assert score(ACCURACY, [targets], [np.array([0.2, 0.9, 0.1])]).value == 2 / 3


def test_several_labels_at_once_are_held_against_a_half():
    targets = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]])
    outputs = np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.9], [0.9, 0.9, 0.9]])
    assert score(ACCURACY, [targets], [outputs]).value == pytest.approx(8 / 9)


def test_an_output_that_is_no_number_is_never_right():
    outputs = np.array([[np.nan, 0.0], [1.0, 0.0]])
    assert score(ACCURACY, [np.array([0, 0])], [outputs]).value == 1 / 2


@pytest.mark.parametrize("targets", [np.array([0, 1, 2, 3]), np.array([0, 1, -1, 0]), np.array([0, 1, 1.5, 0])])
def test_a_label_that_names_no_output_is_an_error(targets):
    with pytest.raises(DataError, match="label"):
        score(ACCURACY, [targets], [LOGITS])


def test_another_number_of_targets_is_an_error():
    with pytest.raises(DataError, match="number of samples"):
        score(ACCURACY, [np.zeros(3, int)], [LOGITS])


def test_the_spec_chooses_the_output():
    second = MetricSpec(name="mae", higher_is_better=False, output=1)
    values = [np.zeros(2), np.zeros(2)], [np.ones((2, 1)), np.full((2, 1), 3.0)]
    assert score(second, *values).value == 3.0
    with pytest.raises(DataError, match="not there"):
        score(MetricSpec(output=2), *values)


def test_errors_of_a_regression():
    targets, outputs = np.array([0.0, 1.0, 2.0]), np.array([[0.0], [2.0], [4.0]])
    assert score(MAE, [targets], [outputs]).value == (0 + 1 + 2) / 3
    assert score(MSE, [targets], [outputs]).value == (0 + 1 + 4) / 3


def test_auc_counts_pairs_and_halves_ties():
    targets = np.array([0, 0, 1, 1])
    assert score(AUC, [targets], [np.array([0.1, 0.4, 0.35, 0.8])]).value == 3 / 4
    assert score(AUC, [targets], [np.array([0.5, 0.5, 0.5, 0.5])]).value == 1 / 2
    assert score(AUC, [targets], [np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])]).value == 3 / 4


def test_auc_equals_the_definition_on_random_figures():
    generator = np.random.default_rng(3)
    targets, outputs = generator.integers(0, 2, 60), generator.integers(0, 9, 60) / 9
    positive, negative = outputs[targets == 1][:, None], outputs[targets == 0][None]
    wins = ((positive > negative) + 0.5 * (positive == negative)).mean()
    found = score(AUC, [targets], [outputs])
    assert found.value == pytest.approx(wins)
    assert found.low < found.value < found.high


def test_auc_of_several_classes_is_the_mean_of_one_against_the_rest():
    targets = np.array([0, 1, 2, 0, 1, 2])
    perfect = np.eye(3)[targets]
    assert score(AUC, [targets], [perfect]).value == 1.0
    third_blind = perfect.copy()
    third_blind[:, 2] = 0.5
    assert score(AUC, [targets], [third_blind]).value == pytest.approx((1 + 1 + 0.5) / 3)


def test_auc_of_one_class_has_a_reason_and_no_value():
    found = score(AUC, [np.ones(4, int)], [np.arange(4.0)])
    assert found.value is None and "both classes" in found.reason


def test_the_users_function_gets_targets_and_outputs():
    spec = MetricSpec(name="mine:share", higher_is_better=True)
    found = score(spec, [np.array([1.0, 2.0])], [np.array([[1.0], [5.0]])], lambda t, p: float((t == p[:, 0]).mean()))
    assert found.value == 0.5
    with pytest.raises(DataError, match="function"):
        score(spec, [np.zeros(2)], [np.zeros(2)])


def test_the_bootstrap_of_a_slow_function_stops_in_time_and_says_so(monkeypatch):
    spec = MetricSpec(name="mine:slow", higher_is_better=True)
    arrays = [np.arange(20.0)], [np.arange(20.0)]
    now = 0.0
    monkeypatch.setattr(metrics, "time", types.SimpleNamespace(monotonic=lambda: now))

    def slow(targets, outputs):
        nonlocal now
        now += 0.25
        return float((targets * outputs).mean())

    found = score(spec, *arrays, slow, time_limit_s=100.0)
    assert now == 100.0, "it goes on for as long as it may, and no longer"
    assert found.low < found.value < found.high
    assert found.method == "bootstrap, 399 resamples", "four calls a second, and one for the value"
    few = score(spec, *arrays, slow, time_limit_s=5.0)
    assert now == 105.0
    assert few.value == found.value and few.low is None and "only 19 resamples were done" in few.method
    fell = paired_drop(spec, *arrays, arrays[1], slow, time_limit_s=5.0)
    assert now == 110.0
    assert (fell.points, fell.low) == (0.0, None) and "only 9 resamples" in fell.method, "two calls of each model"
    assert score(MAE, [np.zeros(20)], [np.arange(20.0)]).method == "bootstrap, 1000 resamples"


def test_wilson_as_in_the_table_of_newcombe_1998():
    """Newcombe, Statistics in Medicine 17:857, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(successes, trials)
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_paired_interval_by_hand():
    """5 right only before, 1 only after, 98 samples: p12 = 6/100, p21 = 2/100."""
    half = 1.959963984540054 * math.sqrt((0.06 + 0.02 - 0.04**2) / 100)
    found = paired_difference(5, 1, 98)
    assert (found.low, found.high) == (pytest.approx(0.04 - half), pytest.approx(0.04 + half))


def test_the_paired_interval_covers_what_it_says():
    generator = np.random.default_rng(0)
    kinds = generator.choice(3, size=(2000, 200), p=[0.03, 0.01, 0.96])
    inside = 0
    for row in kinds:
        found = paired_difference(int((row == 0).sum()), int((row == 1).sum()), 200)
        inside += found.low <= 0.02 <= found.high
    assert 0.93 <= inside / 2000 <= 0.99


def test_a_drop_of_accuracy_is_in_points():
    targets = np.zeros(100, int)
    baseline, worse = np.tile([1.0, 0.0], (100, 1)), np.tile([1.0, 0.0], (100, 1))
    worse[:3] = [0.0, 1.0]
    found = paired_drop(ACCURACY, [targets], [baseline], [worse])
    assert found.points == pytest.approx(3.0)
    assert found.low < 3.0 < found.high and found.samples == 100
    back = paired_drop(ACCURACY, [targets], [worse], [baseline])
    assert back.points == pytest.approx(-3.0)


def test_no_disagreement_still_has_an_interval():
    outputs = np.tile([1.0, 0.0], (50, 1))
    found = paired_drop(ACCURACY, [np.zeros(50, int)], [outputs], [outputs])
    assert found.points == 0.0 and found.low < 0.0 < found.high


def test_a_drop_of_an_error_is_a_percentage_of_the_baseline():
    targets = np.zeros(40)
    found = paired_drop(MAE, [targets], [np.full(40, 2.0)], [np.full(40, 2.5)])
    assert found.points == pytest.approx(25.0)
    assert (found.low, found.high) == (pytest.approx(25.0), pytest.approx(25.0))
    better = paired_drop(MAE, [targets], [np.full(40, 2.0)], [np.full(40, 1.0)])
    assert better.points == pytest.approx(-50.0)


def test_a_percentage_of_zero_is_unknown():
    found = paired_drop(MAE, [np.zeros(5)], [np.zeros(5)], [np.ones(5)])
    assert found.points is None and "0" in found.reason
    assert paired_drop(MAE, [np.zeros(5)], [np.zeros(5)], [np.zeros(5)]).points == 0.0


def test_the_bootstrap_is_seeded_and_paired():
    first = np.concatenate(list(resamples(30, seed=1)))
    assert first.shape == (1000, 30)
    assert np.array_equal(first, np.concatenate(list(resamples(30, seed=1))))
    assert not np.array_equal(first, np.concatenate(list(resamples(30, seed=2))))
    generator = np.random.default_rng(0)
    targets, outputs = generator.random(30), generator.random(30)
    same = paired_drop(MAE, [targets], [outputs], [outputs])
    assert (same.points, same.low, same.high) == (0.0, 0.0, 0.0)


def test_too_few_numbers_make_no_interval():
    assert percentiles(np.array([np.nan, np.nan, 1.0]), 1.0) is None
    assert percentiles(np.array([1.0, 2.0, 3.0]), 9.0).high == 9.0


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 500))
def test_paired_intervals_are_mirrored_and_hold_the_value(first, second, rest):
    trials = first + second + rest
    found, mirrored = paired_difference(first, second, trials), paired_difference(second, first, trials)
    assert found.low == pytest.approx(-mirrored.high) and found.high == pytest.approx(-mirrored.low)
    assert -1 <= found.low <= found.high <= 1
    if trials:
        assert found.low <= (first - second) / trials <= found.high


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_wilson_interval_holds_its_share_and_narrows(successes, trials):
    successes = min(successes, trials)
    found, more = wilson(successes, trials), wilson(10 * successes, 10 * trials)
    assert 0 <= found.low <= successes / trials <= found.high <= 1
    assert more.high - more.low < found.high - found.low


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_a_score_lies_in_its_interval(samples, seed):
    generator = np.random.default_rng(seed)
    outputs, targets = generator.random((samples, 3)), generator.integers(0, 3, samples)
    found = score(ACCURACY, [targets], [outputs])
    assert found.low <= found.value <= found.high
    errors = score(MAE, [generator.random((samples, 3))], [outputs])
    assert errors.low <= errors.value <= errors.high


def test_equal_outputs_agree():
    found = agreement(LOGITS, LOGITS)
    assert (found.same, found.largest_difference, found.explained) == (1.0, 0.0, 1.0)
    assert not found.is_garbage


def test_a_collapsed_model_is_garbage_and_a_worse_one_is_not():
    generator = np.random.default_rng(0)
    first = generator.random((300, 4))
    collapsed = np.tile([0.0, 0.0, 1.0, 0.0], (300, 1))
    worse = first + 0.3 * generator.standard_normal(first.shape)
    assert agreement(first, collapsed).is_garbage
    assert agreement(first, generator.random((300, 4))).is_garbage
    assert not agreement(first, worse).is_garbage


def test_one_rare_class_is_no_garbage():
    """A model that says 'no' to 99 of 100 agrees with one that misses the one: its accuracy has to judge that."""
    first, second = np.zeros((100, 1)), np.zeros((100, 1))
    first[3], second[3] = 1.0, 0.4
    assert agreement(first, second).same == 0.99
    assert not agreement(first, second).is_garbage, "its outputs follow, though not over the threshold"
    assert agreement(first, np.zeros((100, 1))).is_garbage, "it says the same whatever it sees"


def test_a_regression_is_garbage_where_a_constant_explains_as_much():
    first = np.linspace(-3, 3, 50)[:, None]
    assert not agreement(first, first + 0.1).is_garbage
    assert agreement(first, np.zeros((50, 1))).is_garbage
    assert agreement(first, np.full((50, 1), np.nan)).is_garbage


def test_two_columns_of_a_regression_are_held_against_each_other_and_not_their_argmax():
    generator = np.random.default_rng(0)
    first = np.stack([40 * generator.standard_normal(200) - 300, 3 * generator.standard_normal(200)], axis=1)
    near = agreement(first, first + 1, kind="regression")
    spread = ((first - first.mean(axis=0)) ** 2).sum()
    assert near.same is None and near.explained == pytest.approx(1 - 400 / spread)
    constant = np.tile(first.mean(axis=0), (200, 1))
    assert agreement(first, constant, kind="regression").is_garbage
    assert agreement(first, constant).is_garbage, "also where nobody says that it is a regression"
    assert agreement(first, constant).same == 1.0, "its argmax is always right"


def test_an_image_that_is_always_the_same_is_garbage_however_well_it_fits_on_average():
    generator = np.random.default_rng(0)
    mean = np.linspace(0, 100, 64).reshape(1, 8, 8, 1)
    first = mean + generator.standard_normal((50, 8, 8, 1))
    assert agreement(first, np.repeat(mean, 50, axis=0), kind="regression").is_garbage
    assert not agreement(first, first + 0.2, kind="regression").is_garbage


def test_a_file_that_always_decides_alike_is_garbage_where_the_reference_does_not():
    generator = np.random.default_rng(0)
    first = np.zeros((100, 2))
    first[:, 0], first[:5] = 1.0, [0.0, 1.0]
    collapsed = np.tile([0.6, 0.4], (100, 1)) + 0.01 * generator.standard_normal((100, 2))
    found = agreement(first, collapsed, kind="classification")
    assert found.same == 0.95 and found.is_garbage
    assert not agreement(np.tile([1.0, 0.0], (100, 1)), collapsed, kind="classification").is_garbage


@pytest.mark.parametrize(("kind", "same"), [("classification", 0.75), ("multilabel", 0.75), ("binary", 0.75)])
def test_decisions_at_every_place_of_a_map_are_compared(kind, same):
    first = np.zeros((2, 2, 1 if kind == "binary" else 2))
    first[..., -1] = 1.0
    second = first.copy()
    second[0, 0] = second[0, 0, ::-1] if kind != "binary" else 0.0
    assert agreement(first, second, kind=kind).same == same


def test_intervals_are_values():
    assert Interval(low=0.0, high=1.0) == Interval(low=0.0, high=1.0)
