"""The windows that convolutions and pools move over an axis: ONNX's pads, `auto_pad` and `ceil_mode`, and where Keras's "same" is equal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.onnx_graph.graph import Node
from edgekit.values import Value


class Window(Value):
    """One axis: its size, the window with its stride and dilation, zeros before and behind, and how many places come out.

    `behind` counts only zeros that a window reaches. It may be beyond what ONNX pads, by `ceil_mode`.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    behind: int
    out: int
    padded: int
    """The size with ONNX's own padding, which an average that counts padding counts."""

    @property
    def reach(self) -> int:
        """How many places a window spans.

        >>> windows_of(Node(operator="Conv", domain="", name="", inputs=(), outputs=(), attributes={"dilations": (2,)}), (9,), (3,))[0].reach
        5
        """
        return (self.kernel - 1) * self.dilation + 1

    @property
    def is_same(self) -> bool:
        """Whether TensorFlow's "same" puts the zeros in the same places."""
        out = -(-self.size // self.stride)
        total = max((out - 1) * self.stride + self.reach - self.size, 0)
        return self.out == out and (self.before, self.behind) == (total // 2, total - total // 2)

    @property
    def is_valid(self) -> bool:
        """Whether there is no padding."""
        return self.before == self.behind == 0

    def starts(self) -> list[int]:
        """Where each window begins, in places of the input without padding."""
        return [index * self.stride - self.before for index in range(self.out)]

    def inside(self, index: int) -> int:
        """How many places of a window are of the input."""
        start = index * self.stride - self.before
        return sum(0 <= start + step * self.dilation < self.size for step in range(self.kernel))

    def counted(self, index: int) -> int:
        """How many places of a window are of the input or of ONNX's own padding."""
        start = index * self.stride
        return sum(0 <= start + step * self.dilation < self.padded for step in range(self.kernel))


def windows_of(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> list[Window]:
    """The window of each spatial axis of a `Conv` or pool node."""
    rank = len(sizes)
    strides = node.integers("strides") or (1,) * rank
    dilations = node.integers("dilations") or (1,) * rank
    pads = node.integers("pads") or (0,) * (2 * rank)
    auto, is_ceil = node.text("auto_pad", "NOTSET"), node.integer("ceil_mode", 0) == 1
    return [
        _window(
            sizes[i], kernel[i], strides[i], dilations[i], *_pads(auto, sizes[i], kernel[i], strides[i], dilations[i], pads[i], pads[i + rank]),
            is_ceil=is_ceil and auto == "NOTSET",
        )
        for i in range(rank)
    ]  # fmt: skip


def _pads(auto: str, size: int, kernel: int, stride: int, dilation: int, before: int, behind: int) -> tuple[int, int]:
    if auto == "NOTSET":
        return before, behind
    if auto == "VALID":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if auto == "SAME_UPPER" else (more, less)


def _window(size: int, kernel: int, stride: int, dilation: int, before: int, behind: int, *, is_ceil: bool) -> Window:
    padded = size + before + behind
    reach = (kernel - 1) * dilation + 1
    steps = (padded - reach) / stride
    out = (math.ceil(steps) if is_ceil else math.floor(steps)) + 1
    if is_ceil and (out - 1) * stride >= size + before:  # the last window would begin behind the input
        out -= 1
    needed = max((out - 1) * stride + reach - size - before, 0)
    return Window(
        size=size, kernel=kernel, stride=stride, dilation=dilation, before=before, behind=needed, out=out, padded=padded
    )
