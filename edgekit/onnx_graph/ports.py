"""The inputs and outputs of an imported model: their names and shapes in ONNX, and in which order the Keras model has their axes."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Port:
    """An input or an output. `shape` is ONNX's for one sample; `order` gives the ONNX axis of each axis of the Keras tensor.

    Where an ONNX axis is the batch, `has_batch` holds and `order` begins with it: with 0, or with 1 of a recurrent layer's sequence. Else
    each sample of the Keras model is a whole ONNX tensor, and `order` has no batch.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    order: tuple[int, ...]
    has_batch: bool
    keras_name: str

    @property
    def keras_shape(self) -> tuple[int, ...]:
        """The shape of one sample in the Keras model, without the batch.

        >>> Port(name="x", shape=(1, 3, 8, 9), dtype="float32", order=(0, 2, 3, 1), has_batch=True, keras_name="x").keras_shape
        (8, 9, 3)
        """
        return tuple(self.shape[axis] for axis in (self.order[1:] if self.has_batch else self.order))

    @property
    def is_moved(self) -> bool:
        """Whether the Keras model has the axes in another order than ONNX."""
        kept = self.order[1:] if self.has_batch else self.order
        return kept != tuple(sorted(kept))

    @property
    def words(self) -> str:
        """How the order differs, in a sentence; empty where it does not.

        >>> Port(name="x", shape=(1, 3, 8, 9), dtype="float32", order=(0, 2, 3, 1), has_batch=True, keras_name="x").words
        "'x' is [batch, 3, 8, 9] in ONNX and [batch, 8, 9, 3] here: channels come last"
        """
        if not self.is_moved:
            return ""
        batch = self.order[0] if self.has_batch else None
        given = ", ".join("batch" if axis == batch else str(size) for axis, size in enumerate(self.shape))
        made = ", ".join(["batch", *map(str, self.keras_shape)])
        last = ": channels come last" if self.order == (0, 2, 3, 1) else ""
        return f"{self.name!r} is [{given}] in ONNX and [{made}] here{last}"

    def to_keras(self, sample: np.ndarray) -> np.ndarray:
        """An ONNX tensor of `shape`, or of any batch where it has one, as a batch for the Keras model."""
        moved = np.transpose(sample, self.order)
        return moved if self.has_batch else moved[None]

    def to_onnx(self, batch: np.ndarray) -> np.ndarray:
        """The inverse of `to_keras`."""
        return np.transpose(batch if self.has_batch else batch[0], np.argsort(self.order))
