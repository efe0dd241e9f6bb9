"""The bytes of a `.tflite` with some constants replaced in place by others of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgekit.tflite.model import TfliteModel

if TYPE_CHECKING:
    import numpy as np


def patched(content: bytes, model: TfliteModel, constants: Mapping[int, np.ndarray]) -> bytes:
    """The content with new values of constant tensors, by index; each must have as many bytes as its tensor.

    Tensors that share their bytes change together. Raises `ValueError` for a tensor without bytes of its own, or of another size.
    """
    made = bytearray(content)
    for index, array in constants.items():
        span, data = model.tensors[index].span, array.tobytes()
        if span is None or span[1] != len(data):
            raise ValueError(f"tensor {index} has {span and span[1]} bytes, and {len(data)} were given")
        made[span[0] : span[0] + span[1]] = data
    return bytes(made)
