"""Depthwise convolutions whose strides differ by axis.

TFLite's operator has a stride for each axis, and Keras's layer takes them. TensorFlow's own kernel on a processor refuses them; the one of oneDNN does
not, but not every machine has it. So a model that runs takes the stride that both axes share, and leaves out places of the result: the same sums on every
machine, with slopes. A model that is converted, or whose products are counted, keeps the one operator.
"""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

PADDINGS = ("SAME", "VALID")


def let_unequal_strides_run(tf: Any) -> None:
    """From here on, TensorFlow computes depthwise convolutions of any strides, in either Keras."""
    operators = _operators()
    operators.depthwise_conv2d_native = _Running(tf, operators.depthwise_conv2d_native)


@contextlib.contextmanager
def unequal_strides_kept() -> Iterator[None]:
    """Within the block, what is traced keeps such a convolution as the one operator, which need not run here."""
    operators = _operators()
    before = operators.depthwise_conv2d_native
    operators.depthwise_conv2d_native = before.operator if isinstance(before, _Running) else before
    try:
        yield
    finally:
        operators.depthwise_conv2d_native = before


def _operators() -> Any:
    """The module in which TensorFlow's functions look the operator up whenever they are called."""
    return importlib.import_module("tensorflow.python.ops.nn_ops")


class _Running:
    """The operator, of strides that every kernel computes."""

    def __init__(self, tf: Any, operator: Any) -> None:
        self._tf, self.operator = tf, operator

    def __call__(
        self, input: Any, filter: Any, strides: Any, padding: Any, data_format: Any = "NHWC", **others: Any
    ) -> Any:
        """The operator's own arguments and result."""
        steps = tuple(strides[1:3])
        if data_format not in ("NHWC", None) or steps[0] == steps[1] or padding not in PADDINGS:
            return self.operator(input, filter, strides, padding, data_format=data_format, **others)
        shared, given = math.gcd(*steps), self._tf.convert_to_tensor(input)
        if padding == "SAME":
            given = _padded(self._tf, given, filter.shape[:2], steps)
        made = self.operator(given, filter, [1, shared, shared, 1], "VALID", data_format=data_format, **others)
        return made[:, :: steps[0] // shared, :: steps[1] // shared]


def _padded(tf: Any, given: Any, kernel: Sequence[int], steps: Sequence[int]) -> Any:
    """The zeros of TensorFlow's "same" for these strides, where sizes are free computed as it runs."""
    sizes, running = given.shape[1:3], tf.shape(given)
    around = [[0, 0]]
    for axis, (size, window, step) in enumerate(zip(sizes, kernel, steps, strict=True), start=1):
        known = running[axis] if size is None else size
        total = (-(-known // step) - 1) * step + window - known
        total = tf.maximum(total, 0) if size is None else max(total, 0)
        around.append([total // 2, total - total // 2])
    return tf.pad(given, [*around, [0, 0]])
