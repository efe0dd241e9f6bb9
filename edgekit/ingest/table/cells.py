"""The numbers in a column's cells, and which cells are missing or not a number."""

from __future__ import annotations

import dataclasses
import decimal as decimals
import numbers as kinds
from typing import Any

import numpy as np

from edgekit.ingest.arrays import FLOAT32_MAX
from edgekit.ingest.table.dialect import is_number
from edgekit.ingest.table.part import Column

MISSING = ("", "na", "n/a", "nan", "<na>", "null", "none", "nil", "?", "-")
"""The words that mean a missing value, in lower case."""
_TRUTH = {"true": 1.0, "false": 0.0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbers:
    """A column as float64 (NaN where there is no number): which cells are missing, and which hold something else."""

    values: np.ndarray
    missing: np.ndarray
    wrong: np.ndarray


def to_numbers(cells: Column, decimal: str = ".", *, words: bool = True) -> Numbers:
    """The numbers of a column's cells; text is read with its file's decimal sign, and with `words` `true` is 1 and `false` 0."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
        values = cells.astype(np.float64)
        missing = np.isnan(values)
    else:
        values, missing = _quickly(cells, decimal) or _one_by_one(cells, decimal, words=words)
    wrong = ~missing & ~(np.abs(values) <= FLOAT32_MAX)
    return Numbers(values=values, missing=missing, wrong=wrong)


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty, or holds a word that means so.

    >>> is_missing(" N/A"), is_missing("0"), is_missing(None), is_missing(float("nan"))
    (True, False, True, True)
    """
    return cell is None or str(cell).strip().casefold() in MISSING


def _quickly(cells: Column, decimal: str) -> tuple[np.ndarray, np.ndarray] | None:
    """All cells in one conversion, if every one is a plain number."""
    try:
        joined = "".join(cells)
        if "_" in joined or "n" in joined or "N" in joined or (decimal != "." and "." in joined):
            return None
        if decimal != ".":
            cells = [cell.replace(decimal, ".") for cell in cells]
        return np.fromiter(map(float, cells), np.float64, len(cells)), np.zeros(len(cells), bool)
    except (TypeError, ValueError):
        return None


def _one_by_one(cells: Column, decimal: str, *, words: bool) -> tuple[np.ndarray, np.ndarray]:
    missing = np.fromiter(map(is_missing, cells), bool, len(cells))
    values = [
        np.nan if gone else _number(cell, decimal, words=words) for cell, gone in zip(cells, missing, strict=True)
    ]
    return np.array(values, np.float64), missing


def _number(cell: Any, decimal: str, *, words: bool) -> float:
    """A cell's number; NaN if it has none."""
    if not words and isinstance(cell, bool | np.bool_):
        return np.nan
    if isinstance(cell, kinds.Real | decimals.Decimal | np.bool_):
        return float(cell)
    text = str(cell).strip()
    if is_number(text, decimal):
        return float(text.replace(decimal, "."))
    return _TRUTH.get(text.casefold(), np.nan) if words else np.nan
