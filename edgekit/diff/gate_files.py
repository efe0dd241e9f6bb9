"""The files with a comparison's rule results for CI services, written where the user says, completely or not at all.

Both are first written beside their final names, and renamed once both are complete; an input of the comparison is never
overwritten. Their content comes from `edgekit.diff.junit` and `edgekit.diff.sarif`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from edgekit.diff.junit import junit_xml
from edgekit.diff.sarif import sarif_json
from edgekit.documents.comparison import Comparison
from edgekit.errors import InputError, OutputError


def write_gate_files(found: Comparison, *, junit: Path | None, sarif: Path | None) -> None:
    """Write the results of a comparison's rules as JUnit XML, as SARIF, or both.

    Raises `InputError` if there are no rules, since a file without rules would look like a pass, and
    `OutputError` if a file cannot be written; then neither file is created.
    """
    if not found.rules:
        option = "--junit" if junit is not None else "--sarif"
        raise InputError("there are no rules to report", where=option, next_step="give at least one --fail-if RULE")
    content: dict[Path, bytes] = {}
    for path, make in ((junit, junit_xml), (sarif, sarif_json)):
        if path is not None:
            content[_target(path, found, content)] = make(found)
    _write_all(content)


def _target(path: Path, found: Comparison, others: Mapping[Path, bytes]) -> Path:
    """The path that is really written: for a link, the file that it leads to."""
    with _as_output_error(path):
        target = path.resolve()
        inputs = {Path(name).resolve() for side in (found.a, found.b) for name in (side.file, side.model) if name}
        if target in inputs:
            raise OutputError("the file is one of those that are compared", where=str(path), next_step="name another")
        if target in others:
            raise OutputError("two outputs in one file", where=str(path), next_step="name two files")
        if target.exists() and not target.is_file():
            raise OutputError("not a file", where=str(path), next_step="name a file, new or to be replaced")
    return target


def _write_all(content: Mapping[Path, bytes]) -> None:
    staged: dict[Path, Path] = {}
    made = [folder for path in content for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    try:
        for path, data in content.items():
            with _as_output_error(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                staged[path] = path.with_name(f".{path.name[:100]}.{os.getpid()}.edgekit-writing")
                _write(staged[path], data)
        for path, temporary in staged.items():
            with _as_output_error(path):
                os.replace(temporary, path)
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                temporary.unlink()
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()  # succeeds only if it is empty


def _write(path: Path, data: bytes) -> None:
    """Write and flush to the disk, so that a full disk is noticed now and not after the rename."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        raise OutputError(
            "the file cannot be written",
            where=str(path),
            received=said,
            next_step="make room or give the permission, or name another file",
        ) from None
