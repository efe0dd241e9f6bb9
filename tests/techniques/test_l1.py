"""The pull towards zero: the share of zeros follows its schedule, large weights are drawn less, and none that is drawn changes its sign."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.make.workshop.door import door
from edgekit.techniques import technique
from edgekit.techniques.l1 import Pull, goals
from edgekit.techniques.soft_threshold import KNEE

pytestmark = pytest.mark.tf
METHOD = technique("l1")


@pytest.fixture(scope="module")
def tf():
    return door().tf


def kernels(tf, *scales: float):
    generator = np.random.default_rng(0)
    return [tf.Variable(generator.normal(size=(40, 30)).astype("float32") * scale) for scale in scales]


@pytest.mark.parametrize("threshold", ["layer", "global"])
@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_the_share_of_zeros_follows_its_schedule_against_random_steps(tf, threshold, rate):
    """As Adam's steps of a rate are, whose direction is noise for a weight that does not matter."""
    found, steps = kernels(tf, 0.1, 0.3), 200
    asked = METHOD.settings_type(sparsity=0.8, threshold=threshold)
    pull, generator = Pull(tf, found, asked, steps), np.random.default_rng(1)
    for step in range(1, steps + 1):
        for kernel in found:
            kernel.assign_add(rate * generator.normal(size=kernel.shape).astype("float32"))
        pull.step(step)
        if step in (100, 150, 200):
            wanted = 0.8 * (1 - (1 - step / steps) ** 3)
            assert np.mean(pull.shares()) == pytest.approx(wanted, abs=0.1), step


def test_no_weight_changes_its_sign_and_a_large_one_moves_less(tf):
    (kernel,) = kernels(tf, 0.1)
    before = kernel.numpy()
    pull = Pull(tf, [kernel], METHOD.settings_type(sparsity=0.5), 50)
    pull.step(1)
    after, knee = kernel.numpy(), KNEE * np.quantile(abs(before), 0.5)
    assert (after * before >= 0).all() and (abs(after) <= abs(before)).all()
    moved = abs(before - after)
    stays = after != 0
    expected = moved[stays].max() * knee / (abs(before[stays]) + knee)
    assert (np.argsort(moved[stays])[:10] == np.argsort(-abs(before[stays]))[:10]).all(), "the largest move least"
    assert (moved[stays] >= expected * 0.99).all()


def test_with_one_threshold_for_all_a_kernel_that_matters_keeps_more():
    """Few large weights beside many alike: the zeros are where they cost least, and together as many as asked for."""
    generator = np.random.default_rng(0)
    alike, spread = generator.normal(size=(40, 30)), generator.standard_t(1.5, size=(40, 30))
    found = goals([abs(alike), abs(spread)], METHOD.settings_type(sparsity=0.9, threshold="global"))
    assert np.mean(found) == pytest.approx(0.9, abs=1e-3) and found[0] < 0.87 < 0.93 < found[1]
    assert goals([abs(alike), abs(spread)], METHOD.settings_type(sparsity=0.9)) == [0.9, 0.9]


def test_what_is_missing_at_the_end_goes_by_magnitude(tf):
    (kernel,) = kernels(tf, 0.1)
    pull = Pull(tf, [kernel], METHOD.settings_type(sparsity=0.6), 50)
    weights = kernel.numpy().T
    (mask,) = pull.masks([weights])
    assert mask.mean() == pytest.approx(0.4) and abs(weights[mask]).min() >= abs(weights[~mask]).max()


def test_a_kernel_of_zeros_stays_one(tf):
    kernel = tf.Variable(np.zeros((20, 20), "float32"))
    Pull(tf, [kernel], METHOD.settings_type(sparsity=0.5), 10).step(1)
    assert not kernel.numpy().any()


def test_stronger_settings_follow():
    found = [METHOD.settings_type()]
    while (heavier := METHOD.stronger(found[-1])) is not None:
        found.append(heavier)
    assert [METHOD.label(one) for one in found] == ["l1_50", "l1_75", "l1_90_global", "l1_95_global", "l1_98_global"]
    strengths = [METHOD.strength(one) for one in found]
    assert strengths == sorted(strengths)
