"""What is predicted from the first epochs of a training, from curves as numbers."""

from __future__ import annotations

import math

import pytest

from edgekit.verdict.outlook import Lost, hopeless

SCATTER = 1.0


def curve(*points: float, epochs: int = 10) -> list[Lost]:
    """Points lost after the first epochs, each known to one point."""
    return [
        Lost(at=number / epochs, points=lost, low=lost - SCATTER, high=lost + SCATTER)
        for number, lost in enumerate(points, start=1)
    ]


def test_the_optimistic_end_goes_on_as_fast_as_the_last_two_epochs():
    found = hopeless(curve(40.0, 36.0, 34.0), 5.0, epochs=10)
    assert found is not None
    # of 36 and 34 the steeper fall to 34 is that from 40 two epochs ago, 3 an epoch, for seven epochs more
    assert found.low == pytest.approx(34 - 3 * 7 - SCATTER)
    assert found.high == 34 + SCATTER and found.low < found.points < found.high
    assert found.reason == (
        "after 3 of 10 epochs 34.00 points are lost on the validation split; 12.00 to 35.00 are predicted at the end, "
        "at most 5 may be lost: the rest of the fine-tune was not spent"
    )


def test_what_may_still_be_enough_goes_on():
    seen = curve(40.0, 36.0, 34.0)
    assert hopeless(seen, 12.01, epochs=10) is None and hopeless(seen, 11.99, epochs=10) is not None


@pytest.mark.parametrize("points", [(), (60.0,), (60.0, 60.0)])
def test_two_falls_are_seen_before_anything_is_predicted(points):
    assert hopeless(curve(*points), 0.5, epochs=10) is None


def test_a_loss_that_falls_faster_from_epoch_to_epoch_is_not_predicted():
    """So a network begins to learn: the end may be far below any line through these."""
    assert hopeless(curve(80.0, 79.5, 77.0), 1.0, epochs=10) is None
    assert hopeless(curve(80.0, 77.0, 76.9), 1.0, epochs=10) is not None


def test_a_worse_epoch_does_not_make_the_outlook_worse():
    """The best weights are kept, so what is reached stays reached."""
    found = hopeless(curve(20.0, 18.0, 25.0), 1.0, epochs=4)
    assert found is not None and found.high == 18 + SCATTER


@pytest.mark.parametrize("end", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("rate", [0.2, 0.5, 2.0])
def test_no_exponential_curve_is_ended_that_passes(end, rate):
    """Every curve whose falls become smaller lies above its own line: what ends at the limit is never ended before it."""
    points = [end + 50 * math.exp(-rate * epoch) for epoch in range(1, 11)]
    seen = curve(*points)
    assert all(hopeless(seen[:count], points[-1], epochs=10) is None for count in range(1, 10))
