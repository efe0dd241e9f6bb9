"""Turns the parts of a table into samples with targets, in splits, and notes on every decision."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.held_seen import HeldInData
from edgekit.ingest.keys import left_out_notes
from edgekit.ingest.printable import listed, shown
from edgekit.ingest.reading import Reading
from edgekit.ingest.shapes import clear_shape, reshaped_note
from edgekit.ingest.split import held_out_note
from edgekit.ingest.table.cells import to_numbers
from edgekit.ingest.table.columns import Columns, choose_columns
from edgekit.ingest.table.csv_file import csv_parts
from edgekit.ingest.table.dialect import tell_dialect
from edgekit.ingest.table.gather import SPLITS, Gathered, gather
from edgekit.ingest.table.parquet_file import ENDINGS as PARQUET
from edgekit.ingest.table.parquet_file import parquet_names, parquet_parts
from edgekit.ingest.table.samples import held_out, window_starts, write_split
from edgekit.ingest.wanted import Wanted
from edgekit.progress import Progress

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", *PARQUET)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table that can be read in parts: `name` for messages, its columns, the decimal sign of its text."""

    name: str
    names: tuple[str, ...]
    decimal: str
    parts: Any
    """Called with the names of the columns that are wanted."""


def is_table(path: Path) -> bool:
    """Whether a file is a table, judged by its ending."""
    return path.name.lower().endswith(ENDINGS)


def open_table(path: Path, options: dict[str, Any]) -> Table:
    """The table in a file; raises `DataError`, and `MissingExtraError` if no installed package reads Parquet."""
    name = shown(path.name)
    if path.name.lower().endswith(PARQUET):
        return Table(name=name, names=parquet_names(path), decimal=".", parts=lambda used: parquet_parts(path, used))
    dialect = tell_dialect(path, options)
    return Table(
        name=name, names=dialect.names, decimal=dialect.decimal, parts=lambda used: csv_parts(path, dialect, used)
    )


def read_table(
    table: Table, target: Path, options: dict[str, Any], wanted: Wanted, seed: int, progress: Progress, *,
    test: Table | None = None, whole: bool = False,
) -> Reading:  # fmt: skip
    """Write a table's samples as `x_train_0.npy`, `y_train_0.npy`, ...; targets that are amounts have no labels.

    `test` is a second table with the test split; `whole` makes the first one the test split. Raises `DataError`.
    """
    columns = choose_columns(table.names, options, table.name, wanted.held)
    rows = gather(table.name, target / "rows.npy", table.parts(columns.used), columns, table.decimal, options, progress)
    labels, y, said = _targets(rows, options, wanted)
    samples = _samples(rows, y, options, labels, wanted)
    unused = [name for name in wanted.held if name in columns.left_out and name not in options["drop"]]
    held = _held_in(filter(None, (table, test)), unused, wanted)
    notes = [said, *_column_notes(rows), *left_out_notes(unused), *samples.notes]
    whole = whole and samples.split is None
    splits = {"test": np.arange(len(samples.starts))} if whole else samples.by_column()
    if test is not None:
        if "test" in splits:
            raise DataError(
                "two test splits", where="[data]", received=f"test_source and the split column {columns.split!r}"
            )
        tested = _test_samples(test, columns, labels, target, options, wanted, progress)
        tested.write("test", np.arange(len(tested.starts)), target)
        tested.source.unlink()
        notes += [f"test: {len(tested.starts)} samples of {test.name}", *tested.notes]
    elif "test" not in splits and not whole:
        count = len(splits.get("train", ()))
        splits = samples.hold_out(splits, "test", options["test"], seed)
        notes.append(held_out_note(len(splits["test"]), count, samples.what, seed, samples.how))
    if samples.groups is not None and "train" in splits and "val" not in splits:
        splits = samples.hold_out(splits, "val", options["validation"], seed)
        notes.append(
            f"validation: {len(splits['val'])} training {samples.what} held out of every fine-tune, {samples.how}seed {seed}; the given "
            "model may have been trained on them"
        )
    for split, numbers in splits.items():
        samples.write(split, numbers, target)
    (target / "rows.npy").unlink()
    return Reading(labels=labels, notes=tuple(notes), held=held.found())


def _held_in(tables: Iterable[Table], names: Sequence[str], wanted: Wanted) -> HeldInData:
    """The columns of inputs that are held at one value, compared with it."""
    seen = HeldInData(wanted.held)
    for table in tables:
        used = tuple(name for name in names if name in table.names and not isinstance(wanted.held[name], list | tuple))
        for part in table.parts(used) if used else ():
            for name in used:
                found = to_numbers(part.columns[name], table.decimal)
                seen.add(name, table.name, found.values[~(found.missing | found.wrong)])
    return seen


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Samples:
    """Where each sample begins, its target, and its split and group if columns give them."""

    source: Path
    starts: np.ndarray
    window: int
    shape: tuple[int, ...] | None
    y: np.ndarray
    split: np.ndarray | None
    groups: np.ndarray | None
    what: str
    notes: tuple[str, ...]

    def by_column(self) -> dict[str, np.ndarray]:
        """Sample numbers by split; all are for training unless a column says otherwise."""
        if self.split is None:
            return {"train": np.arange(len(self.starts))}
        found = {name: np.flatnonzero(self.split == number) for number, name in enumerate(SPLITS)}
        return {name: numbers for name, numbers in found.items() if len(numbers)}

    @property
    def how(self) -> str:
        """How samples are held out, in the words of a note."""
        if self.groups is not None:
            return "whole groups together, "
        return "stratified by class, " if self.y.dtype.kind == "i" else ""

    def hold_out(self, splits: dict[str, np.ndarray], name: str, share: float, seed: int) -> dict[str, np.ndarray]:
        """Take a split from the training samples; raises `DataError` if there are none."""
        train = splits.get("train", np.empty(0, np.int64))
        if not len(train):
            raise DataError("no training samples", where="[data] split", received=listed(list(splits)))
        groups = None if self.groups is None else self.groups[train]
        rest, held = held_out(self.y[train], groups, share, seed)
        return {**splits, "train": train[rest], name: train[held]}

    def write(self, split: str, numbers: np.ndarray, target: Path) -> None:
        write_split(self.source, target, split, self.starts[numbers], self.window, self.y[numbers], self.shape)


def _targets(rows: Gathered, options: dict[str, Any], wanted: Wanted) -> tuple[tuple[str, ...], np.ndarray, str]:
    """Labels, the target of each row, and whether the target was read as classes or amounts."""
    columns, where = rows.columns, f"{rows.file}: column {rows.columns.targets[0]!r}"
    if len(columns.targets) > 1:
        return (), rows.amounts(), f"targets: {listed(columns.targets)}, as amounts"
    if rows.target.is_amounts(options["target_kind"], wanted):
        return (), rows.target.amounts(), f"target: {columns.targets[0]!r}, as amounts"
    labels = rows.target.labels(tuple(options["classes"]), wanted, where)
    return (
        labels,
        rows.target.numbered(labels),
        f"target: {columns.targets[0]!r}, {len(labels)} classes in the order {listed(labels)}",
    )


def _test_samples(
    test: Table, columns: Columns, labels: tuple[str, ...], target: Path, options: dict[str, Any], wanted: Wanted, progress: Progress
) -> _Samples:  # fmt: skip
    """The samples of a table for the test split alone, with the columns and labels of the first table."""
    absent = [name for name in columns.used if name not in test.names and name != columns.split]
    if absent:
        raise DataError(
            "columns that the test table does not have",
            where=test.name,
            received=listed(test.names),
            allowed=listed(absent),
        )
    used = Columns(features=columns.features, targets=columns.targets, group=columns.group)
    rows = gather(test.name, target / "test_rows.npy", test.parts(used.used), used, test.decimal, options, progress)
    if not labels:
        y = rows.amounts() if len(used.targets) > 1 else _amounts_of(rows, wanted)
    else:
        unknown = rows.target.unknown(labels)
        if unknown:
            raise DataError(
                "labels that the training table does not have", where=f"{test.name}: column {used.targets[0]!r}",
                received=listed(unknown), allowed=listed(labels),
            )  # fmt: skip
        y = rows.target.numbered(labels)
    return _samples(rows, y, options, labels, wanted)


def _amounts_of(rows: Gathered, wanted: Wanted) -> np.ndarray:
    rows.target.is_amounts("numbers", wanted)
    return rows.target.amounts()


def _samples(
    rows: Gathered, y: np.ndarray, options: dict[str, Any], labels: tuple[str, ...], wanted: Wanted
) -> _Samples:
    """Rows, or windows of rows, as samples in the declared shape, else in the model's if that is unambiguous."""
    window, notes = options["window"] or 1, []
    split = np.frombuffer(rows.split, np.int8) if rows.split else None
    groups = np.frombuffer(rows.group, np.int32) if rows.group else None
    starts, last = np.arange(rows.rows), np.arange(rows.rows)
    if window > 1:
        marks = [mark for mark in (split, groups, y if labels else None) if mark is not None]
        starts = window_starts(rows.rows, window, marks)
        last = starts + window - 1
        left = rows.rows - len(starts) * window
        notes.append(
            f"windows: {len(starts)} of {window} rows each, none across a change of {'class, ' * bool(labels)}group or split; "
            f"{left} of {rows.rows} rows are left over"
        )
        if not len(starts):
            raise DataError(
                "no whole window", where="[data] window", received=window, allowed=f"at most {rows.rows} rows of one class and group"
            )  # fmt: skip
    sample = (len(rows.columns.features),) if window == 1 else (window, len(rows.columns.features))
    shape, said = _shape(sample, tuple(options["shape"] or ()), wanted)
    return _Samples(
        source=rows.features, starts=starts, window=window, shape=shape, y=y[last], what="rows" if window == 1 else "windows",
        split=None if split is None else split[starts], groups=None if groups is None else groups[starts],
        notes=(*notes, *said),
    )  # fmt: skip


def _shape(
    sample: tuple[int, ...], declared: tuple[int, ...], wanted: Wanted
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """The new shape of a sample, None if it stays: the declared one, else the model's if it only adds axes of size 1."""
    if declared:
        if math.prod(declared) != math.prod(sample):
            raise DataError(
                "a shape of another size", where="[data] shape", received=declared,
                allowed=f"{math.prod(sample)} values: {' x '.join(map(str, sample))}",
            )  # fmt: skip
        return declared, ()
    shape = clear_shape(sample, wanted.input_shapes[0] if len(wanted.input_shapes) == 1 else None)
    return shape, () if shape is None else (reshaped_note(sample, shape),)


def _column_notes(rows: Gathered) -> list[str]:
    columns = rows.columns
    notes = [f"features: {len(columns.features)} columns ({listed(columns.features)})"]
    notes += [f"columns left out: {listed(columns.left_out)}"] if columns.left_out else []
    if rows.dropped:
        missing = ", ".join(f"{shown(name)} {count}" for name, count in rows.dropped.items())
        notes.append(f"rows with missing values are left out; missing by column: {missing}")
    return notes
