"""Weights as indices into tables of their values: encoded, read into a value, and the tensor that it stands for.

    weight[i] = tables[channel of i][index i],    index i = the i-th group of `bits` bits, the highest bit first

The stream holds the indices; behind the head of the ancillary data are the tables. Byte 5 of the head has the axis with a
table for each slice (15: one table) in its high half and the bits of an index in its low one, byte 6 the values of a
table (tensorflow/lite/micro/kernels/decode_state_lut.h, version 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.tflite.coding.coded import Coded
from edgekit.tflite.coding.header import HEAD_BYTES, LOOKUP, head, kind_of
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

ONE_TABLE = 15
"""The axis number that means one table for the whole tensor."""
MOST_BITS, MOST_VALUES = 7, 128


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


def read_lookup(ancillary: bytes, packed_bytes: int, shape: Sequence[int], item_bytes: int) -> Lookup | None:
    """The tables in ancillary data; None if they are no look-up tables that fit the tensor.

    `packed_bytes` is the length of the stream, `shape` and `item_bytes` those of the decoded tensor.
    """
    if kind_of(ancillary) != LOOKUP:
        return None
    first, tables = ancillary[:HEAD_BYTES], ancillary[HEAD_BYTES:]
    axis, bits, stride = first[5] >> 4, first[5] & 7, first[6]
    if not (1 <= bits <= MOST_BITS and 1 <= stride <= MOST_VALUES):
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


def in_tables(array: np.ndarray, axis: int | None) -> Coded | None:
    """An int8 array in tables, one for each slice along the first or last axis, or one in all (None).

    None where a table would need more than 128 values, or the axis is in the middle.

    >>> import numpy as np
    >>> made = in_tables(np.array([[7, 8], [9, 7]], np.int8), None)
    >>> made.stream.hex(), made.ancillary[16:].hex()
    ('18', '070809')
    """
    import numpy as np

    if not array.size or (axis is not None and axis not in (0, array.ndim - 1)):
        return None
    slices = [array] if axis is None else list(np.moveaxis(array, axis, 0))
    found = [np.unique(one, return_inverse=True) for one in slices]
    stride = max(len(values) for values, _ in found)
    if stride > MOST_VALUES:
        return None
    bits = max(1, (stride - 1).bit_length())
    places = np.stack([inverse.reshape(slices[0].shape) for _, inverse in found])
    indices = places[0] if axis is None else np.moveaxis(places, 0, axis)
    tables = b"".join(values.tobytes().ljust(stride, b"\0") for values, _ in found)
    groups = indices.reshape(-1, 1).astype(np.uint8) >> np.arange(bits - 1, -1, -1, dtype=np.uint8) & 1
    number = ONE_TABLE if axis is None else axis
    return Coded(
        stream=np.packbits(groups.reshape(-1)).tobytes(), ancillary=head(LOOKUP, number << 4 | bits, stride) + tables
    )
