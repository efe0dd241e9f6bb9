"""Pairs the operators of two files: which operator of B corresponds to which of A.

Both lists keep their order, and the pairs are those with the highest total score: the same operator of the same layer
scores most, then the same operator elsewhere, then another operator of the same layer. An operator without a partner was
added or removed.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_CELLS = 2_000_000  # cells of the score table: enough for two files of 1400 operators; about a second
SAME, SAME_NAME, SAME_LABEL = 4, 2, 1

Key = tuple[str, str]
Pair = tuple[int | None, int | None]


def align(first: Sequence[Key], second: Sequence[Key]) -> list[Pair]:
    """Pairs of indices in order, None if one side has no partner; keys are an operator's name and its label.

    >>> align([("CONV_2D", "a"), ("SOFTMAX", "b")], [("QUANTIZE", "a"), ("CONV_2D", "a"), ("SOFTMAX", "c")])
    [(None, 0), (0, 1), (1, 2)]
    """
    start = _common(first, second)
    end = _common(first[start:][::-1], second[start:][::-1])
    middle = first[start : len(first) - end], second[start : len(second) - end]
    pairs: list[Pair] = [(index, index) for index in range(start)]
    inner = _by_score(*middle) if len(middle[0]) * len(middle[1]) <= MOST_CELLS else _by_place(*middle)
    pairs += [(a if a is None else a + start, b if b is None else b + start) for a, b in inner]
    return pairs + [(len(first) - left, len(second) - left) for left in range(end, 0, -1)]


def _common(first: Sequence[Key], second: Sequence[Key]) -> int:
    """How many keys at the beginning are the same."""
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count


def _score(a: Key, b: Key) -> int:
    if a[0] == b[0]:
        return SAME if a[1] == b[1] else SAME_NAME
    return SAME_LABEL if a[1] == b[1] else 0


def _by_score(first: Sequence[Key], second: Sequence[Key]) -> list[Pair]:
    """The pairs with the highest total score (Needleman and Wunsch, 1970, with gaps that cost nothing)."""
    best = [[0] * (len(second) + 1)]
    for a in first:
        above, row = best[-1], [0]
        for column, b in enumerate(second):
            row.append(max(above[column] + _score(a, b), above[column + 1], row[column]))
        best.append(row)
    return _walked_back(best, first, second)


def _walked_back(best: list[list[int]], first: Sequence[Key], second: Sequence[Key]) -> list[Pair]:
    pairs: list[Pair] = []
    i, j = len(first), len(second)
    while i and j:
        score = _score(first[i - 1], second[j - 1])
        if score and best[i][j] == best[i - 1][j - 1] + score:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif best[i][j] == best[i][j - 1]:
            j -= 1
            pairs.append((None, j))
        else:
            i -= 1
            pairs.append((i, None))
    pairs += [(None, left) for left in range(j - 1, -1, -1)]
    pairs += [(left, None) for left in range(i - 1, -1, -1)]
    return pairs[::-1]


def _by_place(first: Sequence[Key], second: Sequence[Key]) -> list[Pair]:
    """For files with very many operators: pairs at the same place, if they are similar at all."""
    pairs: list[Pair] = []
    for index in range(max(len(first), len(second))):
        a, b = (index if index < len(keys) else None for keys in (first, second))
        if a is not None and b is not None and _score(first[a], second[b]):
            pairs.append((a, b))
        else:
            pairs += [(a, None)] if a is not None else []
            pairs += [(None, b)] if b is not None else []
    return pairs
