"""Reads an earlier result: its report as it was written, and its page, made again.

A result is a folder that `build` wrote, or a single report. It may come from anybody, so nothing in it is run. What no
longer exists (the model, the manifest, a user's own profile) is shown on the page as missing, with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edgekit.devices.bundled import profile_ids
from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.diff.sides import Opened, open_side
from edgekit.documents.report import Report
from edgekit.emit import PAGE_FILE
from edgekit.emit.html import html_report
from edgekit.emit.manifest import MANIFEST_FILE, Manifest, record
from edgekit.errors import EdgekitError, InputError, OutputError, ProfileError
from edgekit.files import replace_file
from edgekit.jobs.cache import file_digest
from edgekit.measure.insides import insides
from edgekit.paths import next_step_for, why_absent
from edgekit.values import Value, from_json

MAX_MANIFEST_BYTES = 4 * 2**20


class Result(Value):
    """A result that was read; `manifest` is None if there is none that lists the report's hash.

    `altered` says of each file beside the report that it is not the one that the build wrote, by the hashes in the report and the manifest.
    """

    opened: Opened
    report: Report
    manifest: Manifest | None
    altered: tuple[str, ...] = ()


def open_result(given: Path) -> Result:
    """The result in a folder or a `report.json`; raises `InputError` if it is not one."""
    if not os.path.exists(given):
        reason = why_absent(given)
        raise InputError(
            "there is no such result", where=str(given), received=reason or None, allowed="a folder of a result, or the report.json in it",
            next_step=next_step_for(reason) or "name a folder that `edgekit build` wrote",
        )  # fmt: skip
    opened = open_side(given)
    if opened.report is None:
        raise InputError(
            "a model and not a report",
            where=str(given),
            next_step="name the folder of a result; `edgekit check` makes a report of a .tflite",
        )
    manifest = _manifest(Path(opened.side.file))
    return Result(
        opened=opened, report=opened.report, manifest=manifest, altered=tuple(_altered(opened, opened.report, manifest))
    )


def _altered(opened: Opened, report: Report, manifest: Manifest | None) -> Iterator[str]:
    """What is said of each file that was changed since the build; a file that is gone, and the page, which may be made again, are passed over."""
    home, chosen = Path(opened.side.file).parent, report.chosen
    known = {} if chosen is None else {Path(chosen.path).name: (chosen.sha256, "the file that the report is of")}
    for name, found in {} if manifest is None else manifest.files.items():
        if name != PAGE_FILE and Path(name).name == name and name.isprintable():
            known.setdefault(name, (found.sha256, f"the file that {MANIFEST_FILE} lists"))
    for name, (sha256, of) in known.items():
        path = home / name
        try:
            is_another = bool(name) and path.is_file() and file_digest(path) != sha256
        except OSError as problem:
            yield f"{path} cannot be read: {problem.strerror}"
            continue
        if is_another:
            yield f"{path} was altered: it is not {of}, its SHA-256 differs"


def _manifest(report: Path) -> Manifest | None:
    """The manifest, if it lists the report's hash; a page without a manifest is better than no page."""
    path = report.with_name(MANIFEST_FILE)
    try:
        if path.is_file() and path.stat().st_size <= MAX_MANIFEST_BYTES:
            found = from_json(path.read_bytes(), Manifest, where=str(path))
            return found if found.files.get(report.name) == record(report.read_bytes()) else None
    except (OSError, EdgekitError, ValueError, RecursionError):
        return None
    return None


def page(result: Result, device: str | Path | None = None, *, place: Path | None = None) -> str:
    """The page of a result; `device` is the profile, if it is one of the user's own.

    `place` is the path where the page will be written, for its links to the result's files (None: in the result's
    folder). Raises `ProfileError` if `device` is not a profile, or not that of the result.
    """
    profile, reason = _profile(result.report, device)
    home = Path(result.opened.side.file).parent
    return html_report(
        result.report,
        inside=insides(
            result.report.chosen,
            result.opened.model,
            profile,
            model_reason=result.opened.side.model_reason,
            profile_reason=reason,
        ),
        profile=profile,
        provenance=result.manifest.provenance if result.manifest else None,
        files=_files(result.manifest, home),
        folder="" if place is None else _relative_link(place.parent, home),
    )


def _files(manifest: Manifest | None, home: Path) -> tuple[str, ...]:
    """The result's files that still exist, as the manifest lists them, without the page itself."""
    if manifest is None:
        return ()
    return tuple(name for name in (*manifest.files, MANIFEST_FILE) if name != PAGE_FILE and (home / name).is_file())


def _relative_link(page: Path, home: Path) -> str:
    """The link from the page's folder to the result's."""
    way = os.path.relpath(home.resolve(), page.resolve())
    return "" if way == os.curdir else f"{Path(way).as_posix()}/"


def _profile(report: Report, device: str | Path | None) -> tuple[DeviceProfile | None, str]:
    """The profile of the report's device, or why it is not available."""
    if device is None and report.device not in profile_ids():  # not opened as a path: the report may come from anybody
        return None, f"{report.device} is no bundled device, and no profile was given (--device PATH)"
    if device is None:
        return load_profile(report.device), ""
    profile = load_profile(device)
    if profile.id != report.device:
        raise ProfileError(
            "the result is of another device", where="--device", received=profile.id, allowed=report.device
        )
    return profile, ""


def write_page(path: Path, text: str, *, inputs: tuple[Path, ...] = ()) -> None:
    """Write a page, completely or not at all; it never replaces an input, nor anything but a file.

    Raises `OutputError`.
    """
    try:
        target = path.resolve()
        taken = target.exists() and not target.is_file()
        is_input = target in {each.resolve() for each in inputs}
    except (OSError, ValueError, RuntimeError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        raise OutputError(
            "the page cannot be written", where=str(path), received=said, next_step="name another"
        ) from None
    if taken or is_input:
        what = "the page would be written over what it is made of" if is_input else "not a file"
        raise OutputError(what, where=str(path), next_step="name a file, new or to be replaced")
    replace_file(target, text.encode())
