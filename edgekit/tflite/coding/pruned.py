"""Weights of which many are zero as a bit each and the others' values: encoded, read into a value, and the tensor.

    weight[i] = the next value where bit i is 1, else the zero point;    the highest bit of a byte first

The stream holds the bits; behind the head of the ancillary data are the values, in the order of the tensor
(tensorflow/lite/micro/kernels/decode_state_prune.cc, version 1). A zero then takes an eighth of its byte, and any other
weight nine eighths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.tflite.coding.coded import Coded
from edgekit.tflite.coding.header import HEAD_BYTES, PRUNED, head, kind_of
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np


class Pruned(Value):
    """The values of `item_bytes` bytes that are not zero, and the stored value that stands for zero."""

    values: bytes
    item_bytes: int
    zero: int = 0


def read_pruned(
    ancillary: bytes, stream: bytes, shape: Sequence[int], item_bytes: int, zero_points: Sequence[int]
) -> Pruned | None:
    """The values in ancillary data; None if they are no pruned tensor, or not as many as the stream has bits that are set.

    `shape`, `item_bytes` and `zero_points` are those of the decoded tensor; zero points that differ are not read.
    """
    values, count = ancillary[HEAD_BYTES:], math.prod(shape)
    if kind_of(ancillary) != PRUNED or len(stream) != -(-count // 8) or len(set(zero_points)) > 1:
        return None
    ones = (int.from_bytes(stream, "big") >> -count % 8).bit_count()
    zero = zero_points[0] if zero_points else 0
    if len(values) != ones * item_bytes or not (zero == 0 or (item_bytes == 1 and -128 <= zero <= 127)):
        return None
    return Pruned(values=values, item_bytes=item_bytes, zero=zero)


def filled_in(pruned: Pruned, stream: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The bytes of the tensor, in an array of its elements by the bytes of one; `stream` are the bits as uint8.

    >>> import numpy as np
    >>> pruned = Pruned(values=bytes([7, 8]), item_bytes=1)
    >>> filled_in(pruned, np.array([0b01010000], np.uint8), (2, 2)).reshape(2, 2).tolist()
    [[0, 7], [0, 8]]
    """
    import numpy as np

    bits = np.unpackbits(stream)[: math.prod(shape)].astype(bool)
    zero = np.frombuffer(pruned.zero.to_bytes(pruned.item_bytes, "little", signed=True), np.uint8)
    made = np.tile(zero, (len(bits), 1))
    made[bits] = np.frombuffer(pruned.values, np.uint8).reshape(-1, pruned.item_bytes)
    return made


def without_zeros(array: np.ndarray, zero: int = 0) -> Coded:
    """An int8 array as a bit for each weight, and those that are not `zero`.

    >>> import numpy as np
    >>> made = without_zeros(np.array([[0, 7], [0, 8]], np.int8))
    >>> made.stream.hex(), made.ancillary[16:].hex()
    ('50', '0708')
    """
    import numpy as np

    kept = array.reshape(-1) != zero
    return Coded(stream=np.packbits(kept).tobytes(), ancillary=head(PRUNED) + array.reshape(-1)[kept].tobytes())
