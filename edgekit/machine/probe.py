"""The smallest model there is: one dense layer whose answer can be worked out by hand, to see whether a runtime works.

    [1, 2] x [[1, 2], [3, 4]] + [0.5, -0.5] = [7.5, 9.5]

`tools/make_probe.py` makes the file; `edgekit doctor` has it run, and has it made anew where it is asked to start
TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

KERNEL = ((1.0, 2.0), (3.0, 4.0))
BIAS = (0.5, -0.5)
INPUT = (1.0, 2.0)
ANSWER = (7.5, 9.5)
FILE = Path(__file__).with_name("probe.tflite")
