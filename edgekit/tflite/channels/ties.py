"""What operators say of the channels of values: which have one factor, which have none, and which constants take factors.

A channel is an index of a value's last axis. Those of all computed float values of the main graph are numbered, from 1 on; 0 stands for what keeps its values.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from edgekit.tflite.model import ABSENT, Tensor, TfliteModel

if TYPE_CHECKING:
    import numpy as np


class Factored(NamedTuple):
    """A constant that takes factors: its values times those of the channels `times`, over those of the channels `over`.

    Both are numbers of channels, in shapes that numpy broadcasts to the constant's. `sums` says that its operator sums over the channels `over`: their
    weights then have one scale in int8.
    """

    tensor: int
    times: np.ndarray
    over: np.ndarray | None = None
    sums: bool = False


class Ties:
    """The channels of a file's values, and what was said of them."""

    def __init__(self, model: TfliteModel) -> None:
        self.model, self.starts, self.count = model, dict[int, int](), 1
        made = (index for operator in model.operators for index in operator.outputs)
        for tensor in (model.tensors[index] for index in dict.fromkeys((*model.inputs, *made))):
            if _has_channels(tensor):
                self.starts[tensor.index] = self.count
                self.count += tensor.shape[-1]
        self.pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self.fixed: list[np.ndarray] = []
        self.factored: list[Factored] = []
        self._users = _users(model)
        for index in (*model.inputs, *model.outputs, *(one.index for one in model.tensors if one.variable)):
            self.fix(index)

    def of(self, index: int) -> np.ndarray | None:
        """The numbers of a value's channels; None for what is no computed float value of the main graph, or has no axis."""
        import numpy as np

        start = self.starts.get(index)
        return None if start is None else np.arange(start, start + self.model.tensors[index].shape[-1], dtype=np.int32)

    def fix(self, index: int) -> None:
        """The value keeps its values."""
        found = self.of(index)
        if found is not None:
            self.fixed.append(found)

    def tie(self, one: np.ndarray | None, other: np.ndarray | None) -> bool:
        """The channels have the same factors, the fewer over and over; whether both are known and the one's number divides the other's."""
        import numpy as np

        if one is None or other is None or max(one.size, other.size) % min(one.size, other.size):
            return False
        size = max(one.size, other.size)
        self.pairs.append((np.resize(one, size), np.resize(other, size)))
        return True

    def take(self, *constants: Factored) -> None:
        """The constants take these factors."""
        self.factored += constants

    def is_own(self, index: int) -> bool:
        """Whether a tensor is a constant of float32 that one operator alone takes."""
        if index == ABSENT:
            return False
        tensor = self.model.tensors[index]
        plain = tensor.dtype == "float32" and tensor.sparsity is None and tensor.coding is None
        return tensor.span is not None and plain and self._users[tensor.span] == 1


def _has_channels(tensor: Tensor) -> bool:
    """Whether a tensor that an operator makes is a float value of the main graph whose last axis has a known size."""
    known = tensor.shape_signature[-1:] != (-1,) and tensor.elements > 0
    return tensor.subgraph == 0 and tensor.span is None and tensor.dtype == "float32" and bool(tensor.shape) and known


def _users(model: TfliteModel) -> Counter[tuple[int, int]]:
    """How many operators take the bytes of each constant; one that the file gives has one more."""
    takers = [*(set(operator.inputs) for operator in model.operators), set(model.outputs)]
    tensors = (model.tensors[index] for taken in takers for index in taken if index != ABSENT)
    return Counter(tensor.span for tensor in tensors if tensor.span is not None)
