"""The text of an `edgekit.toml` read into its raw keys; what they mean together is not known here."""

from __future__ import annotations

import re
from pathlib import Path

from edgekit.errors import ProjectError
from edgekit.project.project_file import ProjectFile
from edgekit.toml_text import not_toml, tables_of
from edgekit.values import read

MOST_LETTERS = 2**20
"""Those of a project file that is read; lists of `held` may make it longer than the keys do."""
OTHERWISE = "write a value that is allowed, or leave the key out"
"""What to do about a key whose value is wrong, where nothing nearer is known."""


def read_project_file(path: Path) -> ProjectFile:
    """The raw keys of an `edgekit.toml`; raises `ProjectError` with the key that is wrong."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_LETTERS + 1)
    except ValueError as problem:
        raise not_toml(str(path), problem, ProjectError) from None
    except OSError as problem:
        raise ProjectError(
            "cannot be read", where=str(path), received=problem.strerror, next_step="give the permission to read it"
        ) from None
    if len(text) > MOST_LETTERS:
        raise ProjectError(
            "too large for a project file", where=str(path), received=f"more than {MOST_LETTERS} letters", allowed=f"{MOST_LETTERS} letters",
            next_step="look whether it is the file that you mean: one has some hundred",
        )  # fmt: skip
    raw = tables_of(text, str(path), ProjectError)
    try:
        return read(raw, ProjectFile, where=str(path), error=ProjectError, otherwise=OTHERWISE)
    except ProjectError as problem:
        raise _by_tables(problem, f"{path}: ") from None


def _by_tables(problem: ProjectError, before: str) -> ProjectError:
    """The error with a place in a list counted as a reader counts them, from 1: `chain 1: step 2: settings.share`, of the first [[chain]]."""
    key = (problem.where or "").removeprefix(before)
    said = re.sub(r"(chain|step)s?\[(\d+)\]\.?", lambda found: f"{found[1]} {int(found[2]) + 1}: ", key).removesuffix(
        ": "
    )
    if key != said:
        problem.where = before + said
        problem.received = said if problem.received == key else problem.received
    return problem
