"""A prefix code of bytes: the lengths that Huffman's method gives, and the code words as a binary tree.

    few bits for frequent values, many for rare ones;    sum over values of 2^-length = 1

Lengths are limited, so that a decoder's tables stay small: counts are halved until the longest word is short enough, which
costs next to nothing. Equal counts give equal codes. It knows neither weights nor files.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

MOST_BITS = 16


class Word(NamedTuple):
    """A code word: `bits` is its number, the first bit the highest of `length`."""

    bits: int
    length: int


def lengths(counts: Mapping[int, int]) -> dict[int, int]:
    """The bits of each symbol's word, at most `MOST_BITS`; a symbol alone gets one bit.

    >>> lengths({0: 80, 5: 10, 7: 6, 9: 4})
    {0: 1, 5: 2, 7: 3, 9: 3}
    """
    found = _lengths(counts)
    while max(found.values(), default=0) > MOST_BITS:
        counts = {symbol: (count + 1) // 2 for symbol, count in counts.items()}
        found = _lengths(counts)
    return found


def _lengths(counts: Mapping[int, int]) -> dict[int, int]:
    heap: list[tuple[int, int, tuple[int, ...]]] = [
        (count, symbol, (symbol,)) for symbol, count in sorted(counts.items())
    ]
    depth = dict.fromkeys((symbol for _, symbol, _ in heap), 1 if len(heap) == 1 else 0)
    heapq.heapify(heap)
    while len(heap) > 1:
        one, other = heapq.heappop(heap), heapq.heappop(heap)
        joined = one[2] + other[2]
        for symbol in joined:
            depth[symbol] += 1
        heapq.heappush(heap, (one[0] + other[0], min(one[1], other[1]), joined))
    return depth


def words(of: Mapping[int, int]) -> dict[int, Word]:
    """The code word of each symbol, from the lengths: shorter words first, then by the symbol (the canonical code).

    >>> words({0: 1, 5: 2, 7: 3, 9: 3})[9]
    Word(bits=7, length=3)
    """
    found: dict[int, Word] = {}
    bits = length = 0
    for symbol, own in sorted(of.items(), key=lambda item: (item[1], item[0])):
        bits = (bits + 1 if found else 0) << (own - length) if found else 0
        length = own
        found[symbol] = Word(bits, own)
    return found


class Branch:
    """An inner place of the tree: what follows a 0 and what follows a 1, each a branch or a symbol."""

    def __init__(self, symbol: int) -> None:
        self.after: list[Branch | int] = [symbol, symbol]

    def below(self, bits: int) -> list[tuple[Branch | int, int]]:
        """What all words of `bits` bits from here lead to, in their order, each with the bits that it takes to get there."""
        found: list[tuple[Branch | int, int]] = [(self, 0)]
        for _ in range(bits):
            found = [
                step
                for place, used in found
                for step in (
                    [(after, used + 1) for after in place.after]
                    if isinstance(place, Branch)
                    else [(place, used), (place, used)]
                )
            ]
        return found


def tree(of: Mapping[int, Word]) -> Branch:
    """The words as a tree; that of a symbol alone has it on both sides."""
    root = Branch(min(of))
    for symbol, word in of.items():
        place = root
        for shift in range(word.length - 1, 0, -1):
            bit = word.bits >> shift & 1
            after = place.after[bit]
            if not isinstance(after, Branch):
                after = place.after[bit] = Branch(symbol)
            place = after
        place.after[word.bits & 1] = symbol
    return root
