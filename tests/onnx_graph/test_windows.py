"""Windows: sizes and pads as onnxruntime has them, told from TensorFlow's "same"."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.onnx_graph.graph import Node
from edgekit.onnx_graph.windows import Window, windows_of


def window(size: int, kernel: int, **attributes: Any) -> Window:
    node = Node(operator="MaxPool", domain="", name="", inputs=(), outputs=(), attributes=attributes)
    return windows_of(node, (size,), (kernel,))[0]


def test_padding_that_no_window_reaches_is_left_out():
    found = window(32, 3, strides=(2,), pads=(1, 1))
    assert (found.out, found.before, found.behind) == (16, 1, 0)
    assert not found.is_same  # TensorFlow has its zero behind
    assert window(33, 3, strides=(2,), pads=(1, 1)).is_same


def test_same_is_told_by_the_places_of_the_zeros():
    assert window(8, 3, pads=(1, 1)).is_same
    assert not window(8, 3, pads=(2, 0)).is_same
    assert window(8, 3, auto_pad="SAME_UPPER", strides=(2,)).is_same
    assert not window(8, 3, auto_pad="SAME_LOWER", strides=(2,)).is_same


@pytest.mark.parametrize(("size", "pads", "out"), [(7, (0, 0), 3), (8, (0, 0), 4), (7, (1, 1), 4), (6, (1, 1), 4)])
def test_ceil_mode_adds_a_window_that_begins_inside(size, pads, out):
    found = window(size, 3, strides=(2,), pads=pads, ceil_mode=1)
    assert found.out == out
    assert found.starts()[-1] < size


def test_an_average_counts_what_onnx_counts():
    found = window(8, 3, strides=(2,), pads=(1, 1), ceil_mode=1)
    assert [found.inside(index) for index in range(found.out)] == [2, 3, 3, 3, 1]
    assert [found.counted(index) for index in range(found.out)] == [3, 3, 3, 3, 2]
