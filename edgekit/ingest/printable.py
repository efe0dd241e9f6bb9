"""How names from outside (files, columns, labels) are written in a note or an error: printable, and never too many."""

from __future__ import annotations

from collections.abc import Collection


def shown(text: str) -> str:
    """A name for a message or a comment: unchanged, or escaped if it could break a line or a terminal.

    >>> shown("a b"), shown("a\\nb")
    ('a b', "'a\\\\nb'")
    """
    return text if text.isprintable() else ascii(text)


def listed(names: Collection[str], most: int = 10) -> str:
    """Names in a row, at most `most` of them, and how many others there are.

    >>> listed(["a", "b"]), listed(["a", "b", "c", "d"], most=2), listed([])
    ('a, b', 'a, b and 2 more', 'none')
    """
    first = ", ".join(shown(name) for name, _ in zip(names, range(most), strict=False))
    return (first or "none") + (f" and {len(names) - most} more" if len(names) > most else "")
