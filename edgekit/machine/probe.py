"""The smallest possible model: one dense layer whose output is easily computed by hand, to test whether a runtime works.

    [1, 2] x [[1, 2], [3, 4]] + [0.5, -0.5] = [7.5, 9.5]

`tools/make_probe.py` makes the file. `edgekit doctor` runs it, and makes it anew if asked to start TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

KERNEL = ((1.0, 2.0), (3.0, 4.0))
BIAS = (0.5, -0.5)
INPUT = (1.0, 2.0)
ANSWER = (7.5, 9.5)
FILE = Path(__file__).with_name("probe.tflite")
