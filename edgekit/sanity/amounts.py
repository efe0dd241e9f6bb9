"""Figures of findings in words."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 8


def share(part: int, whole: int) -> str:
    """A count of a total, in words, with its percentage.

    >>> share(3, 300), share(360, 360), share(1, 30_000)
    ('3 of 300 (1.0%)', 'all 360', '1 of 30,000 (0.003%)')
    """
    if part == whole:
        return f"all {whole:,}"
    percent = 100 * part / whole if whole else 0.0
    return (
        f"{part:,} of {whole:,} ({percent:.1f}%)"
        if percent >= 0.1 or not part
        else f"{part:,} of {whole:,} ({percent:.1g}%)"
    )


def percent(value: float) -> str:
    """A share as a percentage.

    >>> percent(0.07), percent(1.0), percent(0.0)
    ('7.0%', '100.0%', '0.0%')
    """
    return f"{100 * value:.1f}%"


def some(names: Sequence[str]) -> str:
    """A list of names, cut after the first few.

    >>> some(["a", "b"]), some([str(n) for n in range(12)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7 and 4 more')
    """
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def both(names: Sequence[str]) -> str:
    """The names of splits, joined.

    >>> both(["train", "validation"]), both(["train"])
    ('train and validation', 'train')
    """
    return " and ".join(names)


def named(index: int, labels: Sequence[str]) -> str:
    """A class by its number, and by its name where it has one.

    >>> named(1, ("cat", "dog")), named(1, ())
    ("1 'dog'", '1')
    """
    return f"{index} {labels[index]!r}" if index < len(labels) else str(index)
