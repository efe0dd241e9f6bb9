"""Weights in look-up tables: how TFLM_DECODE stores a tensor, read into a value, and the tensor that it stands for.

    weight[i] = tables[channel of i][index i],    index i = the i-th group of `bits` bits, the highest bit first

A file made by `tflite_micro.compression` has, before each operator that uses such a tensor, a custom operator
TFLM_DECODE with a pair of constants: the packed indices, and 16 bytes of metadata followed by the tables
(tensorflow/lite/micro/kernels/decode_state_lut.h, version 1 of both). It knows only that format, and neither operators nor
devices. A pair of any other kind is no error: its tensor then counts as computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

DECODE = "TFLM_DECODE"
METADATA_BYTES = 16
ONE_TABLE = 15
"""The axis number that means one table for the whole tensor."""
_LOOKUP, _METADATA_VERSION, _TABLES_VERSION = 0, 1, 1
_MOST_BITS, _MOST_VALUES = 7, 128


class Lookup(Value):
    """The tables of one tensor: `bits` of an index, `stride` values of `item_bytes` bytes a table, and the tables' bytes.

    Each slice along `axis` has a table; None means one table for the whole tensor.
    """

    bits: int
    stride: int
    axis: int | None
    item_bytes: int
    tables: bytes

    @property
    def count(self) -> int:
        """The number of tables."""
        return len(self.tables) // (self.stride * self.item_bytes)


def says_lookup(ancillary: bytes) -> bool:
    """Whether the second tensor of a pair declares look-up tables in the format that is read here.

    If it does but `read_lookup` finds none, the file is damaged: the decoder would read beyond the tables.
    """
    head = ancillary[:METADATA_BYTES]
    return len(head) == METADATA_BYTES and (head[0], head[1], head[4]) == (_LOOKUP, _METADATA_VERSION, _TABLES_VERSION)


def read_lookup(ancillary: bytes, packed_bytes: int, shape: Sequence[int], item_bytes: int) -> Lookup | None:
    """The tables in the second tensor of a pair; None if it is not a look-up table that fits the tensor.

    `packed_bytes` is the length of the first, `shape` and `item_bytes` those of the decoded tensor.
    """
    if not says_lookup(ancillary):
        return None
    head, tables = ancillary[:METADATA_BYTES], ancillary[METADATA_BYTES:]
    axis, bits, stride = head[5] >> 4, head[5] & 7, head[6]
    if not (1 <= bits <= _MOST_BITS and 1 <= stride <= _MOST_VALUES):
        return None
    if axis != ONE_TABLE and (not shape or axis not in (0, len(shape) - 1)):
        return None
    count = 1 if axis == ONE_TABLE else shape[axis]
    if len(tables) != count * stride * item_bytes or packed_bytes != -(-math.prod(shape) * bits // 8):
        return None
    return Lookup(
        bits=bits, stride=stride, axis=None if axis == ONE_TABLE else axis, item_bytes=item_bytes, tables=tables
    )


def look_up(lookup: Lookup, packed: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """The bytes of the tensor, in an array of its shape with one more axis for the bytes of an item.

    `packed` are the indices as uint8. None if an index is beyond its table.

    >>> import numpy as np
    >>> tables = Lookup(bits=2, stride=3, axis=None, item_bytes=1, tables=bytes([7, 8, 9]))
    >>> look_up(tables, np.array([0b00011000], np.uint8), (2, 2)).reshape(2, 2).tolist()
    [[7, 8], [9, 7]]
    """
    import numpy as np

    groups = np.unpackbits(packed)[: math.prod(shape) * lookup.bits].reshape(-1, lookup.bits)
    indices = groups @ (1 << np.arange(lookup.bits - 1, -1, -1)).astype(np.uint8)
    if indices.size and int(indices.max()) >= lookup.stride:
        return None
    tables = np.frombuffer(lookup.tables, np.uint8).reshape(-1, lookup.stride, lookup.item_bytes)
    if lookup.axis is None:
        found: np.ndarray = tables[0][indices.reshape(shape)]
        return found
    channels = np.arange(shape[lookup.axis]).reshape([-1 if at == lookup.axis else 1 for at in range(len(shape))])
    looked: np.ndarray = tables[channels, indices.reshape(shape)]
    return looked
