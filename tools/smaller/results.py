"""The cells that are made, in one JSON file that is written after each: a run that was ended goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


class Results:
    """Cells by task, device and row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: dict[str, Figures] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def get(self, task: str, device: str, row: str) -> Figures | None:
        """The figures of a cell; None where it is not made."""
        return self._cells.get(f"{task}/{device}/{row}")

    def put(self, task: str, device: str, row: str, figures: Figures) -> None:
        """Keep a cell, and write the file."""
        self._cells[f"{task}/{device}/{row}"] = figures
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(self._cells, indent=1), encoding="utf-8")
        written.replace(self._path)

    def rows(self, task: str, device: str) -> dict[str, Figures]:
        """All cells of a task on a device, in the order in which they were made."""
        begin = f"{task}/{device}/"
        return {name.removeprefix(begin): found for name, found in self._cells.items() if name.startswith(begin)}

    def forget_failures(self) -> None:
        """Leave out what failed or was skipped, so that it is made again."""
        self._cells = {name: found for name, found in self._cells.items() if not found.keys() & {"failed", "skipped"}}
