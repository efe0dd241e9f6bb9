"""A target column while it is read, and what it turns out to hold: class numbers with their labels, or amounts.

Text means classes. Whole numbers are classes too, unless the model was trained with a distance from its targets, or gives
one number while there are more than two different targets; `target_kind` in `[data]` overrides both. Other numbers are amounts.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.classes import MOST_CLASSES, as_text, ordered_labels
from edgekit.ingest.printable import listed
from edgekit.ingest.table.cells import to_numbers
from edgekit.ingest.table.part import Column
from edgekit.ingest.wanted import Wanted


class TargetColumn:
    """The cells of a target column, kept both as numbers and as codes of the different texts while either is possible."""

    def __init__(self, decimal: str) -> None:
        self._decimal = decimal
        self._numbers: array[float] | None = array("d")
        self._codes: array[int] | None = array("i")
        self._seen: dict[str, int] = {}
        self.first_text: tuple[str, str] | None = None

    def add(self, cells: Column, place: Any) -> None:
        """Add cells; `place(row)` gives a row's place for an error. Raises `DataError` if there are too many different texts."""
        texts: Iterable[Any] = cells
        if self._numbers is not None:
            found = to_numbers(cells, self._decimal, words=False)
            wrong = np.flatnonzero(found.wrong | found.missing)
            if len(wrong):
                self._numbers, self.first_text = None, (str(cells[wrong[0]]), place(int(wrong[0])))
            else:
                self._numbers.frombytes(found.values.tobytes())
                texts = found.values  # 1.0 and 1 are one label
        if self._codes is not None:
            self._codes.extend(self._seen.setdefault(as_text(cell), len(self._seen)) for cell in texts)
            if len(self._seen) > MOST_CLASSES:
                self._codes = None
        if self._codes is None and self._numbers is None:
            assert self.first_text is not None
            raise DataError(
                "too many different labels", where=self.first_text[1], received=self.first_text[0],
                allowed=f"numbers, or {MOST_CLASSES} classes at most", next_step="is this the target column?",
            )  # fmt: skip

    def is_amounts(self, kind: str | None, wanted: Wanted) -> bool:
        """Whether the column holds amounts and not classes; raises `DataError` if amounts are asked for but some cells are text."""
        if kind == "numbers" and self._numbers is None:
            assert self.first_text is not None
            raise DataError(
                "text in a target column of numbers", where=self.first_text[1], received=self.first_text[0],
                next_step='mend the cell, or say target_kind = "classes" in [data]',
            )  # fmt: skip
        if kind == "classes" and self._codes is None:
            raise DataError(
                "too many different labels", where="[data] target_kind", received=f"more than {MOST_CLASSES}",
                allowed='target_kind = "numbers", or another target column',
            )  # fmt: skip
        if kind is not None or self._numbers is None or self._codes is None:
            return kind == "numbers" or self._codes is None
        values = np.frombuffer(self._numbers, np.float64)
        if wanted.regresses or not (values == np.floor(values)).all():
            return True
        return wanted.classes == 1 and wanted.kind != "sigmoid" and len(self._seen) > 2

    def amounts(self) -> np.ndarray:
        """The numbers, as float32."""
        assert self._numbers is not None
        return np.frombuffer(self._numbers, np.float64).astype(np.float32)

    def labels(self, declared: tuple[str, ...], wanted: Wanted, where: str) -> tuple[str, ...]:
        """The labels in the order of their class numbers; raises `DataError` if they cannot be the model's.

        Whole numbers that can be the model's own class numbers are kept as they are, even if one of them does not occur.
        """
        own = self._own_numbers(wanted)
        if own and not declared:
            return tuple(map(str, range(own)))
        found = ordered_labels(self._seen, declared, where)
        if wanted.classes is not None and wanted.classes > 1 and len(found) != wanted.classes:
            raise DataError(
                "another number of classes than the model has", where=where, received=f"{len(found)}: {listed(found)}",
                allowed=str(wanted.classes),
                next_step="name all classes in the order of the model's outputs: classes = [...] in [data]",
            )  # fmt: skip
        return found

    def _own_numbers(self, wanted: Wanted) -> int:
        """How many classes there are if the cells are already class numbers from 0; else 0."""
        if self._numbers is None or not self._numbers:
            return 0
        values = np.frombuffer(self._numbers, np.float64)
        known = max(wanted.classes or 0, 2) if wanted.classes else 0
        top = known or int(values.max()) + 1
        fits = (values == np.floor(values)).all() and values.min() >= 0 and values.max() < top <= MOST_CLASSES
        return top if fits and (known or values.min() == 0) else 0

    def numbered(self, labels: tuple[str, ...]) -> np.ndarray:
        """The class number of each cell, int64; raises `KeyError` for a label that is not among them."""
        assert self._codes is not None
        numbers = {label: number for number, label in enumerate(labels)}
        table = np.array([numbers[text] for text in self._seen], np.int64)
        return table[np.frombuffer(self._codes, np.int32)] if len(table) else np.empty(0, np.int64)

    def unknown(self, labels: tuple[str, ...]) -> list[str]:
        """The texts that are not among the labels."""
        return sorted(set(self._seen) - set(labels))
