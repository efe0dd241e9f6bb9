"""Multiply-accumulates by shape, each with its arithmetic."""

from __future__ import annotations

import pytest

from edgekit.tflite.macs import count


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "expected"),
    [
        ("CONV_2D", [(1, 32, 32, 3), (16, 3, 3, 3), (16,)], [(1, 32, 32, 16)], 32 * 32 * 16 * 3 * 3 * 3),
        ("CONV_2D", [(1, 8, 8, 4), (6, 3, 3, 2), None], [(1, 6, 6, 6)], 6 * 6 * 6 * 3 * 3 * 2),  # two groups
        ("DEPTHWISE_CONV_2D", [(1, 8, 8, 4), (1, 3, 3, 8)], [(1, 8, 8, 8)], 8 * 8 * 8 * 3 * 3),  # multiplier 2
        ("FULLY_CONNECTED", [(5, 10), (7, 10)], [(5, 7)], 5 * 7 * 10),
        ("TRANSPOSE_CONV", [(4,), (3, 2, 2, 5), (1, 4, 4, 5)], [(1, 8, 8, 3)], 4 * 4 * 5 * 2 * 2 * 3),
        ("CONV_3D", [(1, 4, 4, 4, 2), (3, 3, 3, 2, 6)], [(1, 2, 2, 2, 6)], 2 * 2 * 2 * 6 * 3 * 3 * 3 * 2),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], [(2, 3, 5)], 2 * 3 * 4 * 5),
        ("SVDF", [(1, 8), (6, 8), (6, 10)], [(1, 3)], 6 * 8 + 6 * 10),
        ("ADD", [(1, 8, 8, 4), (1, 8, 8, 4)], [(1, 8, 8, 4)], 0),
        ("FULLY_CONNECTED", [(5, 10), None], [(5, 7)], 0),
        ("CONV_2D", [], [], 0),
    ],
)
def test_count(name: str, inputs: list[tuple[int, ...] | None], outputs: list[tuple[int, ...]], expected: int) -> None:
    assert count(name, inputs, outputs) == expected


def test_transposed_factor_sums_over_its_rows() -> None:
    assert count("BATCH_MATMUL", [(4, 3), (4, 5)], [(3, 5)], transposed=True) == 3 * 4 * 5
