"""A kernel in groups is the kernel with zeros between the channels of different groups, whatever is read of it or cut out of it."""

from __future__ import annotations

import numpy as np

from edgekit.keras_graph.flat_graph import Value
from edgekit.passes.channels.layout import Part, Weight, whole

GIVEN, MADE = Value((5, 5, 6), "float32"), Value((5, 5, 8), "float32")


def kernel(groups: int) -> Weight:
    """Two groups of three channels and four filters, or one of all."""
    numbers = np.random.default_rng(0).normal(size=(3, 2, 6 // groups, 8))
    return Weight(numbers, {-2: whole(GIVEN), -1: whole(MADE)}, -2, groups)


def written_out(weight: Weight) -> Weight:
    """The same sums by one kernel over all channels."""
    numbers = np.zeros((3, 2, 6, 8))
    numbers[:, :, :3, :4], numbers[:, :, 3:, 4:] = weight.variable[..., :4], weight.variable[..., 4:]
    return weight._replace(variable=numbers, groups=1)


def test_it_is_read_as_if_it_were_written_out() -> None:
    grouped = kernel(2)
    wide = written_out(grouped)
    np.testing.assert_array_equal(grouped.by_tap, wide.by_tap)
    np.testing.assert_allclose(grouped.by_given(grouped.variable), wide.by_given(wide.variable))
    numbers = np.arange(1.0, 7.0)
    scaled = grouped._replace(variable=grouped.variable * grouped.spread(numbers))
    np.testing.assert_array_equal(written_out(scaled).variable, wide.variable * wide.spread(numbers))


def test_of_each_group_its_own_channels_stay() -> None:
    """The first and the third channel of one group, and the second and the third of the other; filters likewise."""
    kept = {GIVEN: np.array([1, 0, 1, 0, 1, 1], bool), MADE: np.array([1, 0, 0, 1, 0, 1, 1, 0], bool)}

    def stays(part: Part) -> np.ndarray:
        return np.asarray(kept[part.value])

    grouped = kernel(2)
    left = grouped.left(stays)
    assert left.shape == (3, 2, 2, 4)
    wide = written_out(grouped).left(stays)
    np.testing.assert_array_equal(wide[:, :, :2, :2], left[..., :2])
    np.testing.assert_array_equal(wide[:, :, 2:, 2:], left[..., 2:])
    assert not wide[:, :, :2, 2:].any() and not wide[:, :, 2:, :2].any()


def test_a_number_for_each_channel_of_one_group() -> None:
    one = kernel(1)
    np.testing.assert_allclose(one.by_given(one.variable), one.variable.sum(axis=(0, 1, 3)))
    assert one.spread(np.arange(6.0)).shape == (1, 1, 6, 1)
