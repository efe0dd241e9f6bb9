"""Reads one side of a comparison: a report, a folder that holds one, or a `.tflite`.

A report may come from anywhere, so it is read with limits on size and depth, checked against the report's type, and
control characters are removed from its texts. The model beside a report is used only if it has the hash in the report.
"""

from __future__ import annotations

import stat
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from edgekit.documents.comparison import Side
from edgekit.documents.report import SCHEMA_VERSION, Metrics, Report
from edgekit.errors import InputError
from edgekit.tflite.artifact import Artifact
from edgekit.tflite.content import MAX_FILE_BYTES
from edgekit.tflite.layers_beside import REPORT_FILE, layers_beside
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import FILE_IDENTIFIER
from edgekit.values import Value, read

MAX_REPORT_BYTES = 32 * 2**20  # a report of a hundred candidates has 200 KB
MAX_DEPTH = 64
MAX_NUMBER = 2**63 - 1
GIVE = f"give a {REPORT_FILE} of `edgekit build` or `edgekit check --json`, a folder that holds one, or a .tflite"
NEEDED = ("schema_version", "device", "outcome", "chosen", "checks")


class Opened(Value):
    """A side as it was read: its metrics, its report (None for a `.tflite`), its model if there is one."""

    side: Side
    metrics: Metrics
    report: Report | None = None
    model: TfliteModel | None = None


def open_side(given: Path) -> Opened:
    """Read a side; raises `ModelError` or `InputError` that says what is wrong with it."""
    path = _report_in(given) if given.is_dir() else given
    content = _bytes(path)
    if content[4:8] == FILE_IDENTIFIER or path.suffix == ".tflite":
        return _open_tflite(given, path, content)
    return _open_report(given, path, read_report(content, where=str(path)))


def _parsed(path: Path, content: bytes) -> TfliteModel:
    return replace(parse_tflite(content, where=str(path)), layers=layers_beside(path, content))


def _report_in(folder: Path) -> Path:
    """The report in a result's folder."""
    path = folder / REPORT_FILE
    if path.exists():
        return path
    inner = sorted(str(found.parent) for found in folder.glob(f"*/{REPORT_FILE}"))[:5]
    raise InputError(
        f"the folder holds no {REPORT_FILE}",
        where=str(folder),
        next_step=f"name the device's folder: {', '.join(inner)}" if inner else GIVE,
    )


def _bytes(path: Path) -> bytes:
    """A file's content, within the size limits of the two kinds; never of a pipe or device, where reading could hang."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError("not a file", where=str(path), next_step=GIVE)
        with path.open("rb") as file:
            begin = file.read(8)
            most = MAX_FILE_BYTES if begin[4:] == FILE_IDENTIFIER else MAX_REPORT_BYTES
            content = begin + file.read(max(0, min(found.st_size, most + 1) - len(begin)))
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        raise InputError("the file cannot be read", where=str(path), received=said, next_step=GIVE) from None
    if len(content) > most:
        kind = "a report" if most == MAX_REPORT_BYTES else "a .tflite"
        raise InputError(f"too large for {kind}", where=str(path), received=f"more than {most} bytes", next_step=GIVE)
    return content


def _open_tflite(given: Path, path: Path, content: bytes) -> Opened:
    from edgekit.measure.static import byte_metrics

    model = _parsed(path, content)
    artifact = Artifact(
        path=str(path),
        sha256=sha256(content).hexdigest(),
        flash_bytes=len(content),
        download_bytes=len(zlib.compress(content, 9)),
    )
    side = Side(path=str(given), kind="tflite", file=str(path), sha256=artifact.sha256, model=str(path))
    return Opened(side=side, metrics=byte_metrics(artifact, model), model=model)


def _open_report(given: Path, path: Path, report: Report) -> Opened:
    chosen = report.chosen
    model, beside, reason = _model_beside(path, report)
    side = Side(
        path=str(given),
        kind="report",
        file=str(path),
        device=report.device,
        outcome=report.outcome,
        candidate=chosen.candidate if chosen else None,
        steps=chosen.steps if chosen else (),
        sha256=chosen.sha256 if chosen else None,
        model=None if model is None else str(beside),
        model_reason=reason,
        edgekit_version=report.edgekit_version,
    )
    return Opened(side=side, metrics=chosen.metrics if chosen else {}, report=report, model=model)


def _model_beside(path: Path, report: Report) -> tuple[TfliteModel | None, Path | None, str]:
    """The model that a report describes and its path, or why there is none; looked for only in the report's own folder."""
    if report.chosen is None:
        return None, None, "no candidate of the report gave a file"
    name = Path(report.chosen.path).name
    beside = path.resolve().parent / name if name else path
    if not name or not beside.is_file():
        return None, None, f"{name or 'the model'} is not beside {path.name}"
    shown = path.parent / name
    try:
        content = _bytes(beside)
        if sha256(content).hexdigest() != report.chosen.sha256:
            return None, None, f"{shown} is not the file that the report is of: its SHA-256 differs"
        return replace(parse_tflite(content, where=str(shown)), layers=report.chosen.layers), shown, ""
    except InputError as problem:
        return None, None, f"{shown}: {problem.what}"


def read_report(content: bytes, *, where: str) -> Report:
    """A report of any origin; raises `InputError` if it is not one, or is of another version."""
    raw = _without_control_characters(_decode(content, where), where)
    if not isinstance(raw, dict):
        kind = "a list: name one report of it" if isinstance(raw, list) else type(raw).__name__
        raise InputError("not a report", where=where, received=kind, next_step=GIVE)
    if missing := [name for name in NEEDED if name not in raw]:
        raise InputError("not a report", where=where, received=f"no {', '.join(missing)}", next_step=GIVE)
    if raw["schema_version"] != SCHEMA_VERSION or isinstance(raw["schema_version"], bool):
        raise InputError(
            "a report of another version",
            where=f"{where}: schema_version",
            received=repr(raw["schema_version"])[:50],
            allowed=str(SCHEMA_VERSION),
            next_step="make both reports with the same edgekit",
        )
    try:
        return read(raw, Report, where=where)
    except InputError as problem:
        raise _of_another_edgekit(problem, raw) from None


def _decode(content: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        said = f"{content[:8]!r}...: {problem}" if content[:1] not in (b"{", b"[") else str(problem)
        raise InputError("neither a report nor a .tflite file", where=where, received=said, next_step=GIVE) from None
    except RecursionError:
        raise _too_deep(where) from None


def _too_deep(where: str) -> InputError:
    return InputError("nested too deep for a report", where=where, allowed=f"{MAX_DEPTH} levels", next_step=GIVE)


def _without_control_characters(raw: Any, where: str, depth: int = 0) -> Any:
    """Raw JSON without control characters in its texts; raises `InputError` if it exceeds the limits."""
    if depth > MAX_DEPTH:
        raise _too_deep(where)
    if isinstance(raw, str):
        return raw if raw.isprintable() else "".join(map(_visible_letter, raw))
    if isinstance(raw, list):
        return [_without_control_characters(item, where, depth + 1) for item in raw]
    if isinstance(raw, dict):
        return {
            _without_control_characters(name, where): _without_control_characters(item, where, depth + 1)
            for name, item in raw.items()
        }
    if isinstance(raw, int) and abs(raw) > MAX_NUMBER:
        raise InputError("a number out of range", where=where, allowed=f"up to {MAX_NUMBER}")
    return raw


def _visible_letter(letter: str) -> str:
    return letter if letter.isprintable() else " " if letter.isspace() else "?"


def _of_another_edgekit(problem: InputError, raw: dict[str, Any]) -> InputError:
    """The error, which names the edgekit that wrote the report if it is another version: a key may be newer than this one."""
    from edgekit.version import __version__

    written = raw.get("edgekit_version")
    if written == __version__:
        return problem
    return InputError(
        problem.what,
        where=problem.where,
        received=problem.received,
        allowed=problem.allowed,
        next_step=f"it was written by edgekit {str(written)[:20]}, and this is {__version__}: make both reports with the same",
    )
