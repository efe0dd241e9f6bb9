"""A `.tflite` file in the place of a Keras model: called with real numbers, a list of arrays in and a list of arrays out.

It has what jobs ask of any model, `inputs` with their shapes and dtypes, and answers by LiteRT. It cannot be trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from edgekit.tflite.model import Tensor, TfliteModel


class Port(NamedTuple):
    """An input as a Keras model has it: its shape with the batch, and its dtype; one that is quantized takes real numbers."""

    shape: tuple[int, ...]
    dtype: str


class FileModel:
    """The model in a file; `tflite` is what its bytes say."""

    def __init__(self, tflite: TfliteModel) -> None:
        self.tflite = tflite

    @property
    def inputs(self) -> list[Port]:
        """The inputs, in the file's order."""
        return [
            Port(tensor.shape, "float32" if tensor.scales else tensor.dtype) for tensor in self.tflite.input_tensors
        ]

    def answers(self, inputs: Sequence[Any]) -> list[np.ndarray]:
        """The outputs for a batch, in the file's order: sample by sample, as a device runs it."""
        batch = [np.asarray(array) for array in inputs]
        rows = [self._run([array[row : row + 1] for array in batch]) for row in range(len(batch[0]))]
        return [np.concatenate(each) for each in zip(*rows, strict=True)]

    def _run(self, sample: list[np.ndarray]) -> list[np.ndarray]:
        interpreter = self._interpreter
        if self._has_state:
            interpreter.reset_all_variables()
        for tensor, array in zip(self.tflite.input_tensors, sample, strict=True):
            interpreter.set_tensor(tensor.index, _stored(tensor, array))
        interpreter.invoke()
        return [_real(tensor, interpreter.get_tensor(tensor.index)) for tensor in self.tflite.output_tensors]

    @property
    def _has_state(self) -> bool:
        return any(tensor.variable for tensor in self.tflite.tensors)

    @cached_property
    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        made = Interpreter(model_content=self.tflite.content, num_threads=1)
        made.allocate_tensors()
        return made


def _stored(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Real numbers as the file takes them."""
    if tensor.scale is None:
        return values.astype(tensor.dtype, copy=False)
    ends = np.iinfo(tensor.dtype)
    whole = np.round(values.astype(np.float64) / tensor.scale) + (tensor.zero_point or 0)
    return np.clip(whole, ends.min, ends.max).astype(tensor.dtype)


def _real(tensor: Tensor, stored: np.ndarray) -> np.ndarray:
    """What the file gives, as real numbers."""
    if tensor.scale is None:
        return stored.copy()
    return ((stored.astype(np.float32) - (tensor.zero_point or 0)) * np.float32(tensor.scale)).astype(np.float32)
