"""When outputs say the same as those of the reference, and when they are garbage."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.verdict.agreement import agreement

LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 0.0]], np.float32)


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
