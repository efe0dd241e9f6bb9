"""The tables by which tflite-micro decodes a Huffman code: laid out from a code, and read back to its words.

A table has an item of 16 bits for each of the 2^n numbers that the next n bits can be. The highest bit says that a symbol
is found: bits 11 to 14 are then how many of the n bits its word takes, and the lowest 8 the symbol. Else they lead to
another table: bits 11 to 14 are the logarithm of its size less 1, the lowest 11 its beginning, counted from the item
(tensorflow/lite/micro/kernels/decode_state_huffman.h). Of all sizes of tables, those with the fewest items in all are
taken; of equal ones the largest, which need the fewest steps.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from typing import NamedTuple

from edgekit.tflite.coding.code_tree import Branch, Word, tree

FOUND, SHIFT, REACH, SYMBOL = 0x8000, 11, 0x7FF, 0xFF
WIDEST = 10
"""The most bits that a table is laid out for."""
_MOST_ITEMS, _LONGEST = 2**16, 32


class Tables(NamedTuple):
    """The items of all tables, the bits that the first one takes, and the most bits that finding a symbol looks at."""

    items: bytes
    first_bits: int
    looks_at: int


def tables_of(words: Mapping[int, Word]) -> Tables:
    """The tables of a code of bytes (0 to 255)."""
    root = tree(words)
    sizes: dict[int, tuple[int, int]] = {}
    _measure(root, sizes)
    items: list[int] = []
    looks_at = _lay_out(root, sizes, items)
    return Tables(struct.pack(f"<{len(items)}H", *items), sizes[id(root)][1], looks_at)


def _measure(place: Branch, sizes: dict[int, tuple[int, int]]) -> int:
    """The fewest items for all below a branch; `sizes` gets them and the bits of its own table, by the branch's identity."""
    best: tuple[int, int] | None = None
    for bits in range(1, WIDEST + 1):
        inner = {id(below): below for below, _ in place.below(bits) if isinstance(below, Branch)}
        known = (sizes[one][0] if one in sizes else _measure(below, sizes) for one, below in inner.items())
        items = 2**bits + sum(known)
        best = min(best or (items, -bits), (items, -bits))
        if not inner:
            break
    assert best is not None
    sizes[id(place)] = best[0], -best[1]
    return best[0]


def _lay_out(place: Branch, sizes: Mapping[int, tuple[int, int]], items: list[int]) -> int:
    """Append the table of a branch and those that it leads to; returns the most bits that it looks at."""
    bits, start = sizes[id(place)][1], len(items)
    below = place.below(bits)
    items.extend([FOUND | (used << SHIFT) | after if isinstance(after, int) else 0 for after, used in below])
    further = 0
    for at, (after, _) in enumerate(below, start):
        if isinstance(after, Branch):
            items[at] = (sizes[id(after)][1] - 1) << SHIFT | (len(items) - at)
            further = max(further, _lay_out(after, sizes, items))
    assert len(items) - start <= REACH
    return bits + further


@functools.lru_cache(maxsize=64)
def words_of(items: bytes, first_bits: int) -> dict[Word, int] | None:
    """The symbol of each word that tables decode; None where they lead outside, into a circle, or to a word without bits.

    The tables are not trusted: at most as many items are looked at as there are, and no more than 65,536.
    """
    table = struct.unpack(f"<{len(items) // 2}H", items[: len(items) // 2 * 2])
    found: dict[Word, int] = {}
    waiting = [(0, first_bits, Word(0, 0))]
    seen = 0
    while waiting:
        start, bits, before = waiting.pop()
        seen += 2**bits
        if seen > min(len(table), _MOST_ITEMS) or start + 2**bits > len(table) or before.length + bits > _LONGEST:
            return None
        for number in range(2**bits):
            item = table[start + number]
            size = item >> SHIFT & 15
            if item & FOUND:
                if not 1 <= size <= bits:
                    return None
                found[Word(before.bits << size | number >> bits - size, before.length + size)] = item & SYMBOL
            else:
                after = Word(before.bits << bits | number, before.length + bits)
                waiting.append((start + number + (item & REACH), size + 1, after))
    return found
