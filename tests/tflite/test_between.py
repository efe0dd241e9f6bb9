"""What has no kernel stays in float between operators that do, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.tflite.between import between
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden" / "float32.tflite"
CONVOLUTION, DEPTHWISE, FIRST, LAST = 0, 1, 3, 4
"""The places of the kernels; a RESHAPE stands between the second and the third, a SOFTMAX behind the last."""


@pytest.mark.parametrize(
    ("floats", "found"),
    [
        ({DEPTHWISE, FIRST}, ["RESHAPE"]),
        ({DEPTHWISE}, []),
        ({FIRST}, []),
        ({CONVOLUTION, LAST}, ["SOFTMAX"]),
        ({DEPTHWISE, FIRST, LAST}, ["RESHAPE", "SOFTMAX"]),
    ],
)
def test_it_takes_float_and_gives_it_to_float_or_to_an_output(floats: set[int], found: list[str]) -> None:
    assert [one.name for one in between(read_tflite(GOLDEN), floats)] == found
