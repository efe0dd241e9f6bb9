"""Findings on figures: samples enough for a verdict, inputs of another range, columns that a scale swallows."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.documents.report import InputFacts, Metric
from edgekit.ingest.seen import InputSeen
from edgekit.sanity.answers import not_finite, target_range
from edgekit.sanity.columns import swallowed
from edgekit.sanity.ranges import Fit, Front, Tried, beyond_the_input, input_range
from edgekit.sanity.size import too_few, too_few_beforehand, too_few_for_the_score
from edgekit.sanity.transforms import Transform, applied, transforms
from edgekit.verdict.intervals import paired_difference
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.targets import TargetFacts


def drop(value, low, high, source="Bonett-Price interval for paired shares"):
    return Metric(value=value, unit="points", basis="simulated", source=source, low=low, high=high, split="test")


@pytest.mark.parametrize(("points", "least"), [(1.0, 276), (0.5, 553), (5.0, 54)])
def test_the_least_samples_that_could_tell_a_drop(points, least):
    below = too_few_beforehand(least - 1, MetricSpec(), "classification", points)
    assert f"test on {least:,} samples or more" in below.advice and f"{least - 1:,} test samples" in below.what
    assert too_few_beforehand(least, MetricSpec(), "classification", points) is None
    assert too_few_beforehand(5, MetricSpec(name="auc"), "classification", points) is None
    assert too_few_beforehand(5, MetricSpec(), "classification", 0) is None


@pytest.mark.parametrize(("samples", "changed"), [(40, 6), (300, 12), (1000, 60)])
def test_how_many_samples_would_tell_the_drop(samples, changed):
    found = paired_difference(changed // 2, changed // 2, samples)
    said = too_few(drop(0.0, 100 * found.low, 100 * found.high), samples, 1.0)
    assert said.name == "too_few_samples" and f"±{50 * (found.high - found.low):.1f} points only" in said.what
    enough = int(said.advice.split()[3].replace(",", ""))
    then = round(changed / 2 * enough / samples)
    again = paired_difference(then, then, enough)
    assert 0.85 < 50 * (again.high - again.low) <= 1.02, "rounded up to two digits"


def test_an_interval_that_is_narrow_enough_needs_no_word():
    assert too_few(drop(0.2, -0.7, 1.2), 5000, 1.0) is None
    assert too_few(drop(0.2, None, None), 10, 1.0) is None
    of_errors = too_few(drop(3.0, -17, 18, "bootstrap"), 50, 5.0)
    assert "±17.5 points only (-17.0 to 18.0)" in of_errors.what and "about 620 samples" in of_errors.advice


def test_a_score_that_no_drop_stands_beside_needs_samples_too():
    def score(low, high, unit="fraction"):
        return Metric(value=1.0, unit=unit, basis="simulated", source="", low=low, high=high, split="test")

    one = too_few_for_the_score("accuracy", score(0.2065, 1.0), 1)
    assert one.name == "too_few_samples" and one.what.startswith("1 test sample tells the accuracy of 100.00% only")
    assert "between 21% and 100%" in one.what and "about 16 samples" in one.advice
    assert too_few_for_the_score("accuracy", score(0.81, 1.0), 100) is None
    assert too_few_for_the_score("mae", score(0.0, 900.0, unit=""), 3) is None, "no share: nothing says what is wide"


PIXELS = InputSeen(sample=(8, 8, 3), low=0, high=1, mean=0.4, std=0.3, quantiles=(0, 0.4, 1))
BADLY = Fit(count=256, worth=0.05, right=0.15, chance=0.1)
WELL = Fit(count=256, worth=0.9, right=0.91, chance=0.1)
RESCALING = Front(layer="rescaling", kind="Rescaling", scale=1 / 255, low=0.0, high=1 / 255)


def tried(fix, worth, mended, broken=3):
    return Tried(
        transform=Transform(fix=fix),
        fit=Fit(count=256, worth=worth, right=worth, chance=0.1),
        mended=mended,
        broken=broken,
    )


def test_pixels_that_are_scaled_twice():
    found = input_range(BADLY, [RESCALING], [], PIXELS)
    assert (
        found.name == "input_range"
        and "'rescaling' multiplies by 0.003922" in found.what
        and "15.0% is right" in found.what
    )
    assert "multiply by 255" in found.advice
    mended = input_range(BADLY, [RESCALING], [tried("multiply by 255: the model takes 0 to 255", 0.9, 200)], PIXELS)
    assert "90.0% is right" in mended.what and mended.advice.startswith("multiply by 255: the model takes")


def test_a_model_that_answers_its_training_samples_well_was_trained_on_them():
    assert input_range(WELL, [RESCALING], [tried("anything", 1.0, 20, 0)], PIXELS) is None


@pytest.mark.parametrize(
    "front",
    [
        Front(
            layer="bn",
            kind="BatchNormalization",
            mean=(0.0,) * 4,
            std=(0.004,) * 4,
            made_mean=(0.0,) * 4,
            made_std=(1.0,) * 4,
        ),
        Front(
            layer="bn",
            kind="BatchNormalization",
            mean=(90.0,) * 4,
            std=(1.0,) * 4,
            made_mean=(0.0,) * 4,
            made_std=(1.0,) * 4,
        ),
        Front(layer="n", kind="Normalization", mean=(0.0,), std=(1.0,), made_mean=(40.0,), made_std=(12.0,)),
    ],
)
def test_values_that_a_normalising_layer_was_not_made_for(front):
    found = input_range(BADLY, [front], [], PIXELS)
    assert front.kind in found.what and front.layer in found.what
    if front.kind == "Normalization":
        assert "they are standardised already" in found.advice


def test_one_odd_channel_is_no_other_range():
    odd = Front(
        layer="bn",
        kind="BatchNormalization",
        mean=(0.0,) * 4,
        std=(1.0, 1.0, 1.0, 50.0),
        made_mean=(0.0,) * 4,
        made_std=(1.0,) * 4,
    )
    weak = Fit(count=256, worth=0.3, right=0.4, chance=0.1)
    assert input_range(weak, [odd], [], PIXELS) is None


def test_a_change_that_mends_little_or_by_chance_is_not_named():
    weak = Fit(count=256, worth=0.3, right=0.4, chance=0.1)
    assert input_range(weak, [], [tried("invert them", 0.35, 30, 20)], PIXELS) is None
    assert input_range(weak, [], [tried("invert them", 0.6, 20, 18)], PIXELS) is None
    found = input_range(BADLY, [], [tried("invert them", 0.12, 20, 3)], PIXELS)
    assert found.name == "weak_on_training" and "hardly knows" in found.what
    assert input_range(BADLY, [], [], PIXELS, elsewhere=True) is None


def test_the_usual_way_is_named_where_another_is_hardly_better():
    both = [tried("divide by 255", 0.90, 200), tried("standardise", 0.91, 203)]
    assert input_range(BADLY, [], both, PIXELS).advice.startswith("divide by 255")


def test_a_regression_is_mended_by_the_variance_that_is_explained():
    fit, seen = Fit(count=200, worth=-1.0), InputSeen(sample=(4,), low=0, high=9, mean=4, std=2, quantiles=(0, 4, 9))
    after = Tried(
        transform=Transform(fix="divide by 100: another unit"), fit=Fit(count=200, worth=0.95), mended=0, broken=0
    )
    assert input_range(fit, [], [after], seen).advice.startswith("divide by 100")
    assert "0.95 of the variance" in input_range(fit, [], [after], seen).what


def test_transforms_by_the_range_that_the_inputs_have():
    def fixes(**changes):
        seen = {
            "sample": (8, 8, 3),
            "low": 0.0,
            "high": 1.0,
            "mean": 0.5,
            "std": 0.3,
            "quantiles": (0, 0.5, 1),
            **changes,
        }
        return [one.fix for one in transforms(InputSeen(**seen))]

    assert fixes()[0].startswith("multiply by 255") and fixes(high=255.0)[0].startswith("divide by 255")
    assert any("BGR" in fix for fix in fixes()) and not any("BGR" in fix for fix in fixes(sample=(8, 8, 1)))
    assert any("rows are columns" in fix for fix in fixes()) and not any(
        "rows are columns" in fix for fix in fixes(sample=(8, 9, 1))
    )
    assert any("raw values" in fix for fix in fixes(sample=(10,), low=-3.0, high=3.0, mean=0.0, std=1.0))
    assert fixes(low=-1.0, high=1.0)[0].startswith("scale from 0 to 255")
    assert fixes(low=0.0, high=60_000.0)[0].startswith("divide by 65535")


def test_a_transform_does_what_it_says():
    image = np.arange(12.0).reshape(1, 2, 2, 3)
    swapped = applied(Transform(fix="", channels="reversed", scale=(2.0,), offset=(1.0,)), image)
    assert swapped[0, 0, 0].tolist() == [5, 3, 1] and swapped.dtype == np.float32
    assert applied(Transform(fix="", turned=True), image)[0, 0, 1].tolist() == [6, 7, 8]


@pytest.mark.parametrize(
    ("low", "high", "is_found"), [(0, 255, True), (0, 1, False), (0, 0.03, True), (0, 1.4, False), (-5, -4, True)]
)
def test_what_a_quantized_input_cannot_hold(low, high, is_found):
    port = InputFacts(name="x", shape=(1, 4), dtype="int8", scale=1 / 255, zero_point=-128)
    seen = InputSeen(sample=(4,), low=low, high=high, mean=0, std=1, quantiles=(low, (low + high) / 2, high))
    found = beyond_the_input(port, seen)
    assert (found is not None) == is_found
    assert beyond_the_input(InputFacts(name="x", shape=(1, 4), dtype="float32"), seen) is None


def boxes(count=300):
    """Four edges in pixels beside a score from 0 to 1."""
    generator = np.random.default_rng(0)
    return np.c_[generator.uniform(0, 320, (count, 4)), generator.uniform(0, 1, (count, 1))]


def rounded(values, scale):
    return np.round(values / scale) * scale


@pytest.mark.parametrize("scale", [320 / 255, None], ids=["quantized output", "handed out as float"])
def test_a_score_beside_boxes_under_one_scale_is_swallowed(scale):
    reference = boxes()
    found = swallowed(reference, rounded(reference, 320 / 255), "boxes", scale=scale)
    assert found.name == "swallowed_column" and "column 4 of output 'boxes' goes from" in found.what
    assert "takes 2 values in the file" in found.what and "steps of 1.255" in found.what
    assert "an output of its own" in found.advice
    assert swallowed(reference, rounded(reference, 1 / 255), "boxes", scale=1 / 255) is None
    assert swallowed(reference[:, :4], rounded(reference[:, :4], 320 / 255), "boxes", scale=scale) is None


def test_it_is_swallowed_in_a_map_too_and_not_where_it_is_merely_inexact():
    reference = boxes(400).reshape(20, 20, 5)
    assert "column 4" in swallowed(reference, rounded(reference, 320 / 255), "grid", scale=320 / 255).what
    near = reference + np.random.default_rng(1).normal(0, 0.2, reference.shape)
    assert swallowed(reference, near, "grid") is None, "no grid of steps: another kind of error"
    assert swallowed(reference[..., 0], reference[..., 0], "one column of each place") is None


def test_answers_that_are_no_numbers_and_targets_out_of_reach():
    outputs = np.zeros((10, 2))
    assert not_finite("test", [outputs]) is None
    outputs[3, 1] = np.nan
    assert "1 of 10 (10.0%) samples of test with NaN" in not_finite("test", [outputs]).what
    pixels = TargetFacts(sample=(1,), dtype="float32", samples=9, low=0, high=320, whole=False)
    assert "ends in sigmoid, which gives 0 to 1" in target_range("out", "sigmoid", pixels).what
    assert target_range("out", None, pixels) is None and target_range("out", "relu", pixels) is None
