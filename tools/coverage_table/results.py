"""The results of rows on disk, in JSON: each with the hash of the code that made it, so that a run goes on where it was."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from coverage_table.cells import RowResult
from edgekit.jobs.cache import digest_of, versions
from edgekit.values import Value

TABLE = Path(__file__).resolve().parent
NO_PART = ("page.py", "results.py")
"""Files that no result depends on."""


class Kept(Value):
    """A row's result, and the hash of the packages, of edgekit and of the table that made it."""

    code: str
    result: RowResult


class Results:
    """A file of results; it is written whole after each row."""

    def __init__(self, path: Path, *folders: Path) -> None:
        self._path, self._code, self._writing = path, code(*folders), threading.Lock()
        self._kept = msgspec.json.decode(path.read_bytes(), type=dict[str, Kept]) if path.exists() else {}

    def find(self, path: str) -> RowResult | None:
        """A row's result, if this code made it."""
        kept = self._kept.get(path)
        return kept.result if kept is not None and kept.code == self._code else None

    def all(self) -> dict[str, RowResult]:
        """Every result by the row's path, whatever code made it."""
        return {path: kept.result for path, kept in self._kept.items()}

    def keep(self, result: RowResult) -> None:
        """Add a result, and write the file."""
        with self._writing:
            self._kept[result.path] = Kept(code=self._code, result=result)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch = self._path.with_suffix(".new")
            scratch.write_bytes(msgspec.json.format(msgspec.json.encode(self._kept)))
            scratch.replace(self._path)


def code(*folders: Path) -> str:
    """The hash of what a result depends on: edgekit's source and the packages, and the files of the table and of further folders beside it."""
    parts = [path for folder in (TABLE, *folders) for path in sorted(folder.rglob("*.py")) if path.name not in NO_PART]
    files = {str(path.relative_to(TABLE.parent)): path.read_text(encoding="utf-8") for path in parts}
    return digest_of({"versions": versions(), "table": files})
