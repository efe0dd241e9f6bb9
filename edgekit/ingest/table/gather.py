"""The rows of a table: their features as float32 on disk; target, split and group of each row in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import ArrayWriter
from edgekit.ingest.layout import SPLIT_WORDS
from edgekit.ingest.printable import listed
from edgekit.ingest.table.cells import Numbers, is_missing, to_numbers
from edgekit.ingest.table.columns import Columns
from edgekit.ingest.table.part import Part
from edgekit.ingest.table.target import TargetColumn

SPLITS = ("train", "val", "test")


class Gathered:
    """A table's rows: `features` is the `.npy` file of them; `split` and `group` hold a number a row, empty if not asked for.

    `dropped` counts, by column, the rows left out because of a missing value.
    """

    def __init__(self, file: str, path: Path, columns: Columns, decimal: str, *, drops: bool) -> None:
        self.file, self.features, self.columns = file, path, columns
        self._decimal, self._drops = decimal, drops
        self._writer = ArrayWriter(path, file)
        self.target = TargetColumn(decimal)
        self._amounts = [array("d") for _ in columns.targets] if len(columns.targets) > 1 else []
        self.split, self.group = array("b"), array("i")
        self._groups: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self.rows = 0

    def add(self, part: Part) -> None:
        """Add the rows of a part; raises `DataError` if a cell is missing or holds the wrong kind of value."""
        numeric = [*self.columns.features, *(self.columns.targets if self._amounts else ())]
        found = {name: to_numbers(part.columns[name], self._decimal) for name in numeric}
        keep = self._complete(part, found)
        self._require_numbers(part, found, keep)
        if not keep.any():
            return
        columns = [found[name].values[keep].astype(np.float32) for name in self.columns.features]
        self._writer.append(np.stack(columns, axis=1))
        self.rows += int(keep.sum())
        rows = np.flatnonzero(keep)
        for amounts, name in zip(self._amounts, self.columns.targets, strict=False):
            amounts.frombytes(found[name].values[keep].tobytes())
        if not self._amounts:
            name = self.columns.targets[0]
            cells = part.columns[name]
            kept = cells[keep] if isinstance(cells, np.ndarray) else [cells[int(row)] for row in rows]
            self.target.add(kept, lambda row: part.place(self.file, int(rows[row]), name))
        self._add_split(part, rows)
        self._add_group(part, rows)

    def close(self) -> None:
        """Finish the file of features; raises `DataError` if there are no rows."""
        if not self.rows:
            received = "rows with missing values only" if self.dropped else "none below the column names"
            raise DataError("no rows", where=self.file, received=received, allowed="a row a sample")
        self._writer.close()

    def amounts(self) -> np.ndarray:
        """Several targets side by side, float32."""
        return np.stack([np.frombuffer(one, np.float64) for one in self._amounts], axis=1).astype(np.float32)

    def _complete(self, part: Part, found: dict[str, Numbers]) -> np.ndarray:
        """Which rows have no missing value; raises `DataError` for the first that has one, unless such rows are dropped."""
        missing = {name: numbers.missing for name, numbers in found.items()}
        for name in set(self.columns.used) - set(found):
            missing[name] = np.fromiter(map(is_missing, part.columns[name]), bool, len(part.lines))
        lacking = {name: int(gone.sum()) for name, gone in missing.items() if gone.any()}
        keep: np.ndarray = ~np.any(list(missing.values()), axis=0)
        if lacking and not self._drops:
            row = int(np.argmin(keep))
            name = next(name for name in self.columns.used if missing[name][row])
            raise DataError(
                "a missing value", where=part.place(self.file, row, name), received=str(part.columns[name][row]) or "nothing",
                allowed="a value in every row", next_step='fill it in, drop the column, or leave such rows out: missing = "drop"',
            )  # fmt: skip
        for name, count in lacking.items():
            self.dropped[name] = self.dropped.get(name, 0) + count
        return keep

    def _require_numbers(self, part: Part, found: dict[str, Numbers], keep: np.ndarray) -> None:
        wrong = [name for name, numbers in found.items() if (numbers.wrong & keep).any()]
        if not wrong:
            return
        name, others = wrong[0], wrong[1:]
        row = int(np.argmax(found[name].wrong & keep))
        is_feature = name in self.columns.features
        raise DataError(
            f"text in a {'feature' if is_feature else 'target'} column, or a number beyond what float32 holds",
            where=part.place(self.file, row, name),
            received=str(part.columns[name][row])[:100] + (f"; so have the columns {listed(others)}" if others else ""),
            allowed="numbers",
            next_step=f"mend the cell, name the column in drop, or write it as numbers{self._hint(part.columns[name][row])}",
        )

    def _hint(self, cell: Any) -> str:
        other = "," if self._decimal == "." else "."
        is_other = isinstance(cell, str) and cell.replace(other, "", 1).lstrip("+-").isdigit()
        return f"; for {cell!r} as a number: decimal = {other!r} in [data]" if is_other else ""

    def _add_split(self, part: Part, rows: np.ndarray) -> None:
        name = self.columns.split
        for row in rows if name is not None else ():
            text = str(part.columns[name or ""][row]).strip()
            if text.lower() not in SPLIT_WORDS:
                raise DataError(
                    "a split that is none", where=part.place(self.file, int(row), name or ""), received=text,
                    allowed=", ".join(SPLIT_WORDS),
                )  # fmt: skip
            self.split.append(SPLITS.index(SPLIT_WORDS[text.lower()]))

    def _add_group(self, part: Part, rows: np.ndarray) -> None:
        name = self.columns.group
        if name is not None:
            texts = (str(part.columns[name][row]) for row in rows)
            self.group.extend(self._groups.setdefault(text, len(self._groups)) for text in texts)


def gather(
    file: str, path: Path, parts: Iterable[Part], columns: Columns, decimal: str, options: dict[str, Any], progress: Any
) -> Gathered:
    """All rows of a table, its features written to `path`; raises `DataError`."""
    found = Gathered(file, path, columns, decimal, drops=options["missing"] == "drop")
    for part in parts:
        found.add(part)
        progress(f"reading {file}", part.done, max(part.total, part.done))
    found.close()
    return found
