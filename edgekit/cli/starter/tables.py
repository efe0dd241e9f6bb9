"""Tables on disk: what the first lines of a CSV file tell about its columns, and which of them is most likely the target."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from edgekit.cli.starter.bounded import BROKEN
from edgekit.cli.starter.data import kind_by_values
from edgekit.cli.starter.found import DataFound, NearMiss, TableFound
from edgekit.errors import DataError
from edgekit.ingest.layout import SPLIT_WORDS
from edgekit.ingest.printable import listed, shown
from edgekit.verdict.targets import TargetFacts

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PARQUET = (".parquet", ".pq")
_LOOKED_AT, _DIALECT_LINES = 2**20, 30
"""How many bytes of a file are read, and how many lines to find its dialect."""
_AS_IT_IS = {"separator": None, "decimal": None, "header": True}


def tables(root: Path, files: tuple[str, ...]) -> list[DataFound | NearMiss]:
    """What table files hold; one with `test` in its name belongs to the one with `train` instead, if their columns are the same."""
    found = {file: _table(root, file) for file in files if file.lower().endswith(ENDINGS)}
    for name, one in list(found.items()):
        partner = _partner(name)
        test = found.get(partner)
        tabled = (
            (isinstance(one, DataFound) and one.table) or None,
            (isinstance(test, DataFound) and test.table) or None,
        )
        if tabled[0] and tabled[1] and tabled[0].names == tabled[1].names:
            found[name] = replace(one, table=replace(tabled[0], test_source=partner))
            del found[partner]
    near = (_near_miss(file, "is a Parquet file, which is not looked into: name it as source, with its target column") for file in files if file.lower().endswith(PARQUET))  # fmt: skip
    return [*found.values(), *near]


def _partner(name: str) -> str:
    """The name of the test table that goes with a training table; empty for any other.

    >>> _partner("data/my_train.csv"), _partner("data/constraint_train.csv"), _partner("a.csv")
    ('data/my_test.csv', 'data/constraint_test.csv', '')
    """
    folder, slash, file = name.rpartition("/")
    before, word, after = file.rpartition("train")
    return f"{folder}{slash}{before}test{after}" if word else ""


def _table(root: Path, source: str) -> DataFound | NearMiss:
    from edgekit.ingest.table.dialect import dialect_of, first_lines, parsed

    try:
        lines, encoding, is_whole = first_lines(root / source, _LOOKED_AT)
        dialect = dialect_of(lines[:_DIALECT_LINES], encoding, _AS_IT_IS, where=shown(source))
        rows = [row for row in parsed(lines, dialect.separator) if len(row) >= len(dialect.names)][1:]
    except DataError as problem:
        return _near_miss(source, f"has {problem.what}")
    except BROKEN as problem:
        return _near_miss(source, f"cannot be read ({shown(str(problem))[:120] or type(problem).__name__})")
    if not rows:
        return _near_miss(source, "has no rows below its column names")
    return _found(source, dialect.names, rows, dialect.decimal, is_whole=is_whole)


def _found(
    source: str, names: tuple[str, ...], rows: list[list[str]], decimal: str, *, is_whole: bool
) -> DataFound | NearMiss:
    from edgekit.ingest.table.cells import is_missing
    from edgekit.ingest.table.columns import guess_target
    from edgekit.ingest.table.dialect import is_number

    cells = {name: [row[place] for row in rows] for place, name in enumerate(names) if name}
    present = {name: [cell for cell in column if not is_missing(cell)] for name, column in cells.items()}
    split = next(
        (name for name, column in present.items() if column and all(cell.lower() in SPLIT_WORDS for cell in column)),
        None,
    )
    target, why = guess_target(tuple(name for name in cells if name != split))
    text = [
        name for name, column in present.items()
        if name not in (target, split) and not (column and all(is_number(cell, decimal) for cell in column))
    ]  # fmt: skip
    features = [name for name in cells if name not in (target, split, *text)]
    if not features:
        return _near_miss(source, "has no column of numbers beside the one that may be its target")
    facts = _facts(present[target], decimal)
    targets, labels = kind_by_values(facts)
    lacking = [name for name, column in cells.items() if len(present[name]) < len(column) and name not in text]
    notes = (
        [f"values are missing in {shown(source)} ({listed(lacking)}): fill them in, or set missing"] if lacking else []
    )
    table = TableFound(names=names, target=target, why=why, drop=tuple(text), split=split, lacking=bool(lacking))
    return DataFound(
        source=source, kind="table", sample_shape=(len(features),), targets=targets, labels=labels if is_whole else None,
        facts=facts, table=table, splits=False, notes=tuple(notes),
    )  # fmt: skip


def _facts(cells: list[str], decimal: str) -> TargetFacts:
    """The facts of a target column, as far as it was read; texts count as the numbers of their classes."""
    import numpy as np

    from edgekit.ingest.table.dialect import is_number
    from edgekit.ingest.targets import facts_of

    if all(is_number(cell, decimal) for cell in cells):
        values = np.array([float(cell.replace(decimal, ".")) for cell in cells])
        values = values.astype(np.int64) if (values == np.trunc(values)).all() else values
    else:
        values = np.unique(cells, return_inverse=True)[1]
    return facts_of(values, np.arange(len(values)))


def _near_miss(source: str, reason: str) -> NearMiss:
    return NearMiss(source=source, what="data", reason=reason)
