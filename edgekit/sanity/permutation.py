"""Labels in another order than the model's: a permutation with a far better score, by its name if it is a known one.

The permutation is found on one half of the samples and tried on the other, so that noise does not yield one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.documents.report import Finding
from edgekit.sanity.amounts import named, percent, some
from edgekit.sanity.decision_counts import Decided, tables

if TYPE_CHECKING:
    import numpy as np

SURE = 4.0
"""Samples that become right must outnumber those that become wrong by so many standard deviations."""
RIGHT, TIMES = 0.5, 3.0
"""Of the samples whose class the permutation moves, at least the share `RIGHT` must be right with it, and `TIMES` as many as
without it."""


def labels_permuted(found: Decided, names: Sequence[str] = ()) -> Finding | None:
    """A permutation of the labels that turns wrong answers into right ones; `names` are the names of the classes."""
    if found.kind == "multilabel" or found.classes < 2 or found.samples < 2:
        return None
    if _is_mostly_right(found.table):
        return None
    mapping = _assignment(found.table)
    moved = [index for index in range(found.classes) if mapping[index] != index and found.table[index].sum()]
    if not moved:
        return None
    mended, broken, with_it, without, count = _tried(found, moved)
    if count == 0 or mended + broken == 0 or (mended - broken) / math.sqrt(mended + broken) < SURE:
        return None
    if with_it < RIGHT * count or with_it < TIMES * without:
        return None
    better = sum(int(found.table[index, mapping[index]]) for index in range(found.classes)) / max(1, found.table.sum())
    order = recognised(
        [int(to) for to in mapping], [index for index in range(found.classes) if found.table[index].sum()], names
    )
    pairs = some([f"{named(index, names)} is answered as {named(int(mapping[index]), names)}" for index in moved])
    return Finding(
        name="labels_permuted",
        what=f"{percent(found.score)} of {found.split} is right, and {percent(better)} would be with labels in another order"
        f"{f': {order}' if order else ''} ({pairs})",
        advice="number the classes of the data as those of the model were when it was trained",
    )


def _is_mostly_right(table: np.ndarray) -> bool:
    """Whether each class is answered as itself most often: then no permutation has more hits, and none is looked for."""
    import numpy as np

    return bool((np.diagonal(table) >= table.max(axis=1)).all())


def _assignment(table: np.ndarray) -> np.ndarray:
    """The class that stands for each label, each used once, with the most samples right; among equals, the label itself."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    own = table.astype(np.float64) + 1e-6 * np.eye(len(table))
    _, columns = linear_sum_assignment(-own)
    return np.asarray(columns)


def _tried(found: Decided, moved: list[int]) -> tuple[float, float, float, float, int]:
    """On the half on which the permutation was not found: how many become right, become wrong; are right with it, without it; all."""
    import numpy as np

    halves = [slice(0, None, 2), slice(1, None, 2)]
    first, second = tables(found, halves)
    mended = broken = with_it = without = 0.0
    for mapping, table in ((_assignment(first), second), (_assignment(second), first)):
        for index in moved:
            hit, own = float(table[index, mapping[index]]), float(table[index, index])
            with_it, without = with_it + hit, without + own
            if mapping[index] != index:
                mended, broken = mended + hit, broken + own
    places = found.labels.shape[1]
    count = int(np.isin(found.labels, moved).sum())
    return mended / places, broken / places, with_it, without, count


def recognised(mapping: Sequence[int], there: Sequence[int], names: Sequence[str] = ()) -> str:
    """What a permutation is called, judged by the classes that occur; empty if it is not a known one."""
    count = len(mapping)
    for name, order in _orders(count, names):
        inverse = [0] * count
        for place, index in enumerate(order):
            inverse[index] = place
        if any(
            list(order) != list(range(count)) and all(mapping[i] == way[i] for i in there) for way in (order, inverse)
        ):
            return name
    return ""


def _orders(count: int, names: Sequence[str]) -> list[tuple[str, list[int]]]:
    numbers = list(range(count))
    found = [
        ("reversed", numbers[::-1]),
        ("shifted by one", [(index + 1) % count for index in numbers]),
        ("in the alphabetical order of their numbers (0, 1, 10, 11, ..., 2)", sorted(numbers, key=str)),
        (
            "in the alphabetical order of their numbers from 1 (1, 10, 11, ..., 2)",
            sorted(numbers, key=lambda n: str(n + 1)),
        ),
    ]
    if len(names) == count:
        found += [
            ("by names without regard to capitals", sorted(numbers, key=lambda n: names[n].lower())),
            ("by names with capitals first", sorted(numbers, key=lambda n: names[n])),
            ("by the numbers in their names", sorted(numbers, key=lambda n: _natural(names[n]))),
        ]
    return found


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


FOLLOWS, STRAYS = 0.7, 0.3
MOST_COLUMNS = 256


def columns_permuted(split: str, targets: np.ndarray, outputs: np.ndarray) -> Finding | None:
    """Columns of a regression in another order than the model's, or with the opposite sign, by their correlations."""
    import numpy as np

    wanted, got = (
        np.asarray(each, np.float64).reshape(-1, each.shape[-1] if each.ndim > 1 else 1) for each in (targets, outputs)
    )
    count = wanted.shape[1]
    if count > MOST_COLUMNS or len(wanted) < 16 or wanted.shape != got.shape or not np.isfinite(got).all():
        return None
    related = _correlations(wanted, got)
    mapping = np.arange(count) if _is_mostly_right(np.abs(related)) else _assignment(np.abs(related))
    moved = [i for i in range(count) if mapping[i] != i and _moved(related, i, int(mapping[i]))]
    turned = [i for i in range(count) if mapping[i] == i and related[i, i] <= -FOLLOWS]
    if not moved and not turned:
        return None
    said = [
        f"targets of column {i} follow the answers of column {int(mapping[i])}, and not those of their own"
        for i in moved
    ]
    said += [f"answers of column {i} have the opposite sign of its targets" for i in turned]
    return Finding(
        name="columns_permuted",
        what=f"in {split} {some(said)}",
        advice="give the targets in the order and with the sign that the model was trained on",
    )


def _correlations(wanted: np.ndarray, got: np.ndarray) -> np.ndarray:
    """The correlation of each column of the targets (row) with each column of the answers; 0 if one does not vary."""
    import numpy as np

    apart = [each - each.mean(axis=0) for each in (wanted, got)]
    lengths = [np.linalg.norm(each, axis=0) for each in apart]
    both = np.outer(lengths[0], lengths[1])
    return np.asarray(np.where(both > 0, apart[0].T @ apart[1] / np.where(both > 0, both, 1), 0.0))


def _moved(related: np.ndarray, column: int, to: int) -> bool:
    return bool(abs(related[column, to]) >= FOLLOWS and abs(related[column, column]) <= STRAYS)
