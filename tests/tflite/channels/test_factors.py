"""Factors bring small channels to the range of the widest, at no more cost of the weights that divide by them than both share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.tflite.channels.classes import Classes, channel_classes
from edgekit.tflite.channels.factors import LEAST_WEIGHT, MOST, are_unequal, equalizing, rescaled_range

PLANE = (1, 4, 4)


def two_layers(network: Any, second: np.ndarray) -> tuple[Any, int, int]:
    """A convolution to as many channels as the second one's kernel has, which is a dense one of one by one."""
    net = network(*PLANE, 2)
    x = net.convolution(net.input, second.shape[-1])
    kernel = net.constant(second.reshape(len(second), 1, 1, -1))
    return net, x, net.add("CONV_2D", (*PLANE, len(second)), x, kernel, kind="Conv2DOptions", stride_w=1, stride_h=1)


def test_a_channel_and_the_weights_that_take_it_reach_the_same_share(network: Any) -> None:
    kernel = np.array([[1.0, 0.5, 0.04, 0.0], [-2.0, 0.2, 0.08, 0.0]])
    net, x, made = two_layers(network, kernel)
    model = net.file(made)
    classes = channel_classes(model)
    low, high = np.array([0.0, -0.01, 0.0, 0.0]), np.array([1.0, 0.005, 0.25, 0.1])
    found = equalizing(model, classes, {x: (low, high)})[classes.of[x]]
    np.testing.assert_allclose(found, [1, (0.5 / 0.01) ** 0.5, (0.04 / 0.25) ** 0.5, 1 / 0.1])
    assert LEAST_WEIGHT < 0.04


def test_class_0_and_what_is_always_zero_keep_their_values_and_no_factor_is_boundless(network: Any) -> None:
    net, x, made = two_layers(network, np.ones((2, 3)))
    model = net.file(made)
    classes = channel_classes(model)
    high = np.array([1.0, 0.0, 1e-9])
    found = equalizing(model, classes, {x: (-high, high)})
    assert found[0] == 1 and found[classes.of[x]].tolist() == [1, 1, MOST]


@pytest.mark.parametrize(
    ("high", "unequal"),
    [([1, 1, 0.3], False), ([1, 0.2, 0.2], True), ([1, 0.9, 0.01], False), ([1, 0, 0], False), ([0, 0, 0], False)],
)
def test_channels_are_unequal_where_half_of_those_in_use_are_small(high: list[float], unequal: bool) -> None:
    classes = Classes({5: np.array([1, 2, 3])}, (), 4)
    reach = np.array(high, float)
    assert are_unequal(classes, {5: (-reach, 0 * reach)}) is unequal
    assert not are_unequal(classes, {6: (-reach, reach)}), "what is not free does not count"


def test_the_range_of_a_value_is_that_of_its_channels_with_their_factors() -> None:
    low, high = np.array([-1.0, -0.2]), np.array([0.5, 0.1])
    assert rescaled_range(np.array([1, 2]), np.array([1.0, 0.5, 10.0]), low, high) == (-2.0, 1.0)
