"""int8 weights in a Huffman code: encoded, read into a value, and the tensor that it stands for.

The stream holds the words of the weights one after another, the first bit the highest of its byte; behind the head of the
ancillary data are the tables (`huffman_tables`). Byte 5 of the head has the bits of the first table less 1 in its high half; its
lowest bit would say that items have 32 bits, which is not read here (tensorflow/lite/micro/kernels/decode_state_huffman.h,
version 1). The decoder takes the stream in words of 32 bits and looks ahead, so the stream ends with zeros.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgekit.tflite.coding.code_tree import Word, lengths, words
from edgekit.tflite.coding.coded import Coded
from edgekit.tflite.coding.header import HEAD_BYTES, HUFFMAN, head, kind_of
from edgekit.tflite.coding.huffman_tables import Tables, tables_of, words_of
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

_WIDE, _PIECE = 0x01, 1 << 20
_WINDOW = 32


class Huffman(Value):
    """The tables of a code, and the bits of the first one."""

    tables: bytes
    first_bits: int


class Codebook(Value):
    """A code of int8 values, made from how often each occurs; several tensors may share it."""

    words: dict[int, Word]
    tables: Tables

    @property
    def ancillary(self) -> bytes:
        """The ancillary data of every tensor in this code."""
        return head(HUFFMAN, (self.tables.first_bits - 1) << 4) + self.tables.items

    def stream_bytes(self, counts: Mapping[int, int]) -> int:
        """The length of the stream of a tensor with so many of each value."""
        bits = sum(count * self.words[value].length for value, count in counts.items())
        return _padded_bytes(bits, self.tables)


def codebook(counts: Mapping[int, int]) -> Codebook:
    """The code with the fewest bits for so many of each value, -128 to 127.

    >>> code = codebook({0: 80, 5: 10, -7: 6, 9: 4})
    >>> sorted(word.length for word in code.words.values()), len(code.tables.items)
    ([1, 2, 3, 3], 12)
    """
    made = words(lengths({value & 0xFF: count for value, count in counts.items()}))
    return Codebook(words={_signed(byte): word for byte, word in made.items()}, tables=tables_of(made))


def counted(array: np.ndarray) -> dict[int, int]:
    """How often each value of an array occurs."""
    import numpy as np

    values, counts = np.unique(array, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def in_code(array: np.ndarray, code: Codebook) -> Coded:
    """An int8 array in a code that has all of its values."""
    import numpy as np

    bits, length = np.zeros(256, np.uint32), np.zeros(256, np.int64)
    for value, word in code.words.items():
        bits[value & 0xFF], length[value & 0xFF] = word
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    own = length[flat]
    ends = np.cumsum(own)
    total = int(ends[-1]) if flat.size else 0
    stream = np.zeros(8 * _padded_bytes(total, code.tables), np.uint8)
    for back in range(int(own.max(initial=0))):
        there = own > back
        stream[ends[there] - 1 - back] = bits[flat[there]] >> back & 1
    return Coded(stream=np.packbits(stream).tobytes(), ancillary=code.ancillary)


def _padded_bytes(bits: int, tables: Tables) -> int:
    """Bytes of a stream in whole words of 32 bits, with what the decoder may look at behind the last symbol."""
    return 4 * -(-(bits + tables.looks_at - 1) // 32)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def read_huffman(ancillary: bytes, stream_bytes: int, shape: Sequence[int]) -> Huffman | None:
    """The tables in ancillary data; None if they decode nothing, or the stream is too short for the int8 tensor of `shape`."""
    if kind_of(ancillary) != HUFFMAN or not is_narrow(ancillary) or math.prod(shape) > 8 * stream_bytes:
        return None
    found = Huffman(tables=ancillary[HEAD_BYTES:], first_bits=(ancillary[5] >> 4) + 1)
    return None if words_of(found.tables, found.first_bits) is None else found


def is_narrow(ancillary: bytes) -> bool:
    """Whether the items of the tables have 16 bits."""
    return len(ancillary) > 5 and not ancillary[5] & _WIDE


def decoded(huffman: Huffman, stream: np.ndarray, count: int) -> np.ndarray | None:
    """The first `count` weights of a stream (of uint8), as bytes; None if the stream ends before.

    What a word would be is found for every bit of the stream at once; then the words are followed from the first on.
    """
    import numpy as np

    found = words_of(huffman.tables, huffman.first_bits)
    if found is None:
        return None
    ordered = sorted((word.bits << _WINDOW - word.length, word.length, symbol) for word, symbol in found.items())
    starts, length, symbols = (np.array(column) for column in zip(*ordered, strict=True))
    made: list[np.ndarray] = []
    place = 0
    total, left = 8 * len(stream), count
    while left and place < total:
        first = place // 8 * 8
        which = np.searchsorted(starts, _windows(stream, first // 8), "right") - 1
        steps = length[which].tolist()
        at = place - first
        places: list[int] = []
        while left > len(places) and at < len(steps):
            places.append(at)
            at += steps[at]
        made.append(symbols[which[places]])
        left -= len(places)
        place = first + at
    return np.concatenate([np.empty(0, np.int64), *made]).astype(np.uint8) if not left and place <= total else None


def _windows(stream: np.ndarray, start: int) -> np.ndarray:
    """The 32 bits that begin at each bit of a piece of a stream from a byte on, with zeros behind its end."""
    import numpy as np

    piece = stream[start : start + _PIECE // 8 + 4]
    size = min(len(stream) - start, _PIECE // 8)
    padded = np.concatenate([piece, np.zeros(size + 4 - len(piece), np.uint8)]).astype(np.int64)
    wide = sum((padded[at : at + size] << 8 * (4 - at) for at in range(5)), np.zeros(size, np.int64))
    windows: np.ndarray = (wide[:, np.newaxis] >> np.arange(8, 0, -1) & 0xFFFFFFFF).reshape(-1)
    return windows
