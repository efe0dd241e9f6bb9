"""Data frames that hold the target among their columns, read as tables: pandas and polars, which are not imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.errors import DataError
from edgekit.ingest.printable import listed
from edgekit.ingest.reading import Reading
from edgekit.ingest.table.columns import guess_target
from edgekit.ingest.table.parquet_file import column_of
from edgekit.ingest.table.part import Part
from edgekit.ingest.table.read import Table, read_table
from edgekit.ingest.values import is_frame
from edgekit.ingest.wanted import Wanted
from edgekit.progress import Progress


def read_frames(
    splits: dict[str, Any], target: Path, options: dict[str, Any], wanted: Wanted, seed: int, where: str, progress: Progress
) -> Reading:  # fmt: skip
    """Write the samples of one frame, or of one for training and one for the test, by the columns that `[data]` names.

    Raises `DataError` if no target is named, or a split is not a frame.
    """
    strange = [split for split, part in splits.items() if not is_frame(part) or split == "val"]
    first = splits.get("train")
    if strange or first is None:
        raise DataError(
            "data frames beside something else", where=where, received=", ".join(f"{s}: {type(p).__name__}" for s, p in splits.items()),
            allowed="one data frame, or two (train, test); else (X, y) for each split",
        )  # fmt: skip
    table = _table(first, "train", where)
    if not options.get("target"):
        name, why = guess_target(table.names)
        raise DataError(
            "a data frame without a named target", where=where, received=f"columns {listed(table.names)}",
            allowed="(X, y) for each split, or a frame with target in [data] of edgekit.toml",
            next_step=f"give (frame.drop(columns={name!r}), frame[{name!r}]), if {name!r} is the target ({why})",
        )  # fmt: skip
    test = _table(splits["test"], "test", where) if "test" in splits else None
    return read_table(table, target, options, wanted, seed, progress, test=test)


def _table(frame: Any, split: str, where: str) -> Table:
    names = tuple(map(str, frame.columns))
    if len(set(names)) < len(names):
        raise DataError("two columns of one name", where=f"{where}: {split}", received=listed(names))
    by_text = dict(zip(names, frame.columns, strict=True))

    def parts(used: tuple[str, ...]) -> list[Part]:
        columns = {name: column_of(frame[by_text[name]]) for name in used}
        return [Part(columns=columns, lines=range(len(frame)), unit="row", done=len(frame), total=len(frame))]

    return Table(name=f"{where}: {split}", names=names, decimal=".", parts=parts)
