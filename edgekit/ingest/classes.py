"""The order of labels, which gives each its class number, whether they were written as text or numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from edgekit.errors import DataError, did_you_mean
from edgekit.ingest.printable import listed

MOST_CLASSES = 10_000


def ordered_labels(found: Collection[str], declared: Sequence[str], where: str) -> tuple[str, ...]:
    """The labels in the order of their class numbers: as declared, else alphabetically, numbers by size.

    Raises `DataError` if a label is not declared, or there are fewer than two.

    >>> ordered_labels({"b", "a"}, (), ""), ordered_labels({"10", "9"}, (), ""), ordered_labels({"a", "b"}, ("b", "a", "c"), "")
    (('a', 'b'), ('9', '10'), ('b', 'a', 'c'))
    """
    strange = sorted(set(found) - set(declared)) if declared else []
    if strange:
        near = did_you_mean(strange[0], declared)
        raise DataError(
            "a label that classes does not name", where=where, received=listed(strange), allowed=listed(declared),
            next_step=f"did you mean {near!r}?" if near else "add it to classes in [data]",
        )  # fmt: skip
    if len(set(declared or found)) < 2:
        raise DataError(
            "fewer than two classes", where=where, received=listed(sorted(found)), allowed="two labels at least"
        )
    return tuple(declared) or tuple(sorted(found, key=_rank))


def _rank(label: str) -> tuple[bool, float, str]:
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label


def as_text(label: Any) -> str:
    """A label as labels.txt has it: a whole number without a decimal point.

    >>> as_text(3.0), as_text("3"), as_text(True), as_text(" a ")
    ('3', '3', 'True', 'a')
    """
    if isinstance(label, float | np.floating) and float(label).is_integer():
        return str(int(label))
    return str(label).strip()
