"""The threshold that draws sizes towards zero: by itself it reaches the share, and it follows the schedule up and down."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.techniques.soft_threshold import FACTOR, SoftThreshold

SIZES = np.linspace(0.1, 1.0, 10)


def test_by_itself_it_brings_the_share_to_zero_by_the_end():
    threshold, sizes = SoftThreshold(SIZES, 0.5, 200), SIZES.copy()
    for _ in range(200):
        sizes = np.maximum(sizes - threshold.reach(sizes), 0.0)
    assert (sizes == 0).mean() == pytest.approx(0.5, abs=0.1)


def test_larger_sizes_are_drawn_less():
    reach = SoftThreshold(SIZES, 0.5, 100).reach(SIZES)
    assert (np.diff(reach) < 0).all() and (reach > 0).all()


@pytest.mark.parametrize(
    ("share", "slack", "factor"),
    [(0.4, 0.0, FACTOR), (0.5, 0.0, 1 / FACTOR), (0.5, 0.1, 1.0), (0.7, 0.1, 1 / FACTOR)],
)
def test_it_is_raised_behind_the_schedule_and_lowered_beyond_its_slack(share, slack, factor):
    threshold = SoftThreshold(SIZES, 0.5, 100, slack)
    before = threshold.reach(SIZES)
    threshold.adapt(share, 120)
    np.testing.assert_allclose(threshold.reach(SIZES), before * factor)
