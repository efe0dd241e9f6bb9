"""A Parquet file read in parts by pyarrow if it is installed, else whole by pandas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError, EdgekitError
from edgekit.ingest.printable import shown
from edgekit.ingest.table.part import Column, Part, rows_at_once
from edgekit.machine.extras import is_installed, require

ENDINGS = (".parquet", ".pq")


def require_parquet() -> str:
    """The package that reads Parquet here; raises `MissingExtraError` with the pip line if none is installed."""
    if not is_installed("pyarrow") and is_installed("pandas") and is_installed("fastparquet"):
        return "pandas"
    require("tables", "pyarrow", purpose="reading a Parquet file")
    return "pyarrow"


def parquet_names(path: Path) -> tuple[str, ...]:
    """The names of a file's columns, without those in which pandas keeps its row numbers."""
    if require_parquet() == "pandas":
        return tuple(map(str, _frame(path).columns))
    names = _guarded(path, lambda: _opened(path).schema_arrow.names)
    return tuple("" if name.startswith("__index_level_") else name for name in names)


def parquet_parts(path: Path, wanted: tuple[str, ...]) -> Iterator[Part]:
    """The wanted columns in parts; rows are counted from 0."""
    if require_parquet() == "pandas":
        frame = _frame(path)
        columns = {name: column_of(frame[name]) for name in wanted}
        yield Part(columns=columns, lines=range(len(frame)), unit="row", done=len(frame), total=len(frame))
        return
    file = _guarded(path, lambda: _opened(path))
    batches = file.iter_batches(batch_size=rows_at_once(len(wanted)), columns=list(wanted))
    done, total = 0, file.metadata.num_rows
    while (batch := _guarded(path, lambda: next(batches, None))) is not None:
        columns = {name: _guarded(path, lambda name=name: _arrow(batch.column(name))) for name in wanted}
        yield Part(
            columns=columns, lines=range(done, done + len(batch)), unit="row", done=done + len(batch), total=total
        )
        done += len(batch)


def column_of(series: Any) -> Column:
    """A pandas or polars series: as an array if it holds numbers, else as a list."""
    values = np.asarray(series.to_numpy())
    return values if values.dtype.kind in "fiub" else list(values)


def _arrow(array: Any) -> Column:
    """A column: as an array if each row has a number, else as a list with None for missing values."""
    import pyarrow as pa

    kind = array.type
    if array.null_count == 0 and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        numbers: np.ndarray = array.to_numpy(zero_copy_only=False)
        return numbers
    return list(array.to_pylist())


def _opened(path: Path) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path)


def _frame(path: Path) -> Any:
    def read() -> Any:
        import pandas

        return pandas.read_parquet(path)

    return _guarded(path, read)


def _guarded(path: Path, work: Any) -> Any:
    """The result of a reader; what it raises for a damaged file becomes a `DataError`."""
    try:
        return work()
    except (EdgekitError, MemoryError):
        raise
    except Exception as problem:
        received = f"{type(problem).__name__}: {problem}"[:200]
        raise DataError("not a Parquet file that can be read", where=shown(str(path)), received=received) from None
