"""Measurements of real boards: kept beside the device's overlay, and later used instead of predictions.

A measurement counts only for the same file (SHA-256) on the same device, with the profile's runtime, delegate and
threads, and only if it was steady. Otherwise the prediction is kept, and a note says why. How one is taken is not
known here.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from edgekit.boards.facts_of_board import TITLES
from edgekit.boards.runner_protocol import BenchDocument, require_consistent
from edgekit.devices.overlay import VARIABLE, measurements_folder
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.report import Metric, Metrics
from edgekit.errors import DeviceError, InputError, OutputError
from edgekit.files import prepare, replace_file
from edgekit.values import Value, from_json, to_json
from edgekit.verdict.wording import steadiness

MOST_BYTES = 8 * 2**20
MOST_FILES = 1000
LEAST_RUNS = 5
"""Fewer runs would always count as steady; the runner itself never stops before this."""
DEFAULT_DELEGATE = "xnnpack"
"""The default delegate of both interpreters, which a bench asks for if the profile names none."""
_NAME = re.compile(r"[0-9a-f]{16}-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?\.json")


class Measurement(Value):
    """One measurement as it is kept: where and when it was taken, and the runner's whole document with the raw runs.

    `date` is this machine's, since many boards have no clock. `foreign` says why it was not taken on the device itself; None if nothing suggests that.
    """

    schema_version: Literal[1]
    edgekit_version: str
    device: str
    on: str
    date: str
    board: str
    architecture: str
    emulated: bool
    foreign: str | None
    document: BenchDocument


def keep_measurement(measurement: Measurement, profile: DeviceProfile) -> Path:
    """Write a measurement beside the device's overlay, all of it or nothing; raises `OutputError`."""
    folder = measurements_folder(profile.id, profile.file)
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    stem = f"{measurement.document.model.sha256[:16]}-{moment}"
    names = (f"{stem}.json", *(f"{stem}-{number}.json" for number in range(1, 100)))
    path = next(folder / name for name in names if not (folder / name).exists())
    with _named(folder):
        replace_file(path, to_json(measurement).encode())
    return path


def require_place(profile: DeviceProfile) -> None:
    """Make sure, before measuring, that the measurement can be kept; raises `OutputError`."""
    with _named(folder := measurements_folder(profile.id, profile.file)):
        prepare(folder)


@contextlib.contextmanager
def _named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OutputError as problem:
        raise OutputError(
            "the measurement cannot be kept",
            where=str(folder),
            received=problem.received,
            next_step=f"make room or give the permission, name another folder in {VARIABLE}, or use --no-keep",
        ) from None


def kept(profile: DeviceProfile, sha256: str) -> tuple[list[tuple[Path, Measurement]], list[str]]:
    """The measurements of a file on a device, newest first, and a note for each that cannot be read."""
    folder = measurements_folder(profile.id, profile.file)
    try:
        names = sorted(path.name for path in folder.glob(f"{sha256[:16]}-*.json") if _NAME.fullmatch(path.name))
    except OSError:
        return [], []
    found, notes = [], []
    for name in names[-MOST_FILES:]:
        try:
            found.append((folder / name, _read(folder / name)))
        except (OSError, InputError, DeviceError) as problem:
            notes.append(f"a measurement was not used: {folder / name} cannot be read ({_in_a_line(problem)})")
    mine = [(path, one) for path, one in found if one.document.model.sha256 == sha256]
    return sorted(mine, key=lambda one: one[1].date, reverse=True), notes


def applied(metrics: Metrics, sha256: str, profile: DeviceProfile) -> tuple[Metrics, tuple[str, ...]]:
    """The figures of a file, with those measured on the device instead of predicted or simulated ones.

    The newest measurement that counts gives `latency`, and `ram` if it was measured; figures measured in this run are
    kept. The notes say which measurement is not used, and why.
    """
    found, notes = kept(profile, sha256)
    found = [
        one for one in found if not one[1].emulated
    ]  # emulated runs are for comparing outputs, and have no figures to use
    if profile.overlay is not None:
        notes = [f"figures of {profile.overlay} stand in the place of the profile's own", *notes]
    if not found:
        return metrics, tuple(notes)
    reasons = [(path, one, why_not(one, profile)) for path, one in found]
    best = next((one for _, one, reason in reasons if reason is None), None)
    if best is None:
        path, _, reason = reasons[0]
        return metrics, (*notes, f"a measurement was not used: {reason} ({path})")
    measured = dict(_figures(best))
    own = {name for name, metric in metrics.items() if metric.basis == "measured"}
    return {**metrics, **{name: metric for name, metric in measured.items() if name not in own}}, tuple(notes)


def why_not(measurement: Measurement, profile: DeviceProfile) -> str | None:
    """Why a measurement does not count for a file on a device; None if it does."""
    document = measurement.document
    runtime, latency = profile.runtime, document.latency
    if measurement.emulated or latency is None:
        return "an emulator tells no time"
    if measurement.device != profile.id:
        return f"it was taken for {measurement.device}"
    if measurement.foreign is not None:
        return measurement.foreign
    if profile.obstacle is not None or runtime.compiler is not None:
        return f"{profile.id} runs what was compiled for it, and this was the plain file on a processor"
    if document.environment.runtime != runtime.kind:
        return f"it was taken with {_title(document.environment.runtime)}, and {profile.id} has {_title(runtime.kind)}"
    delegate = runtime.delegate or DEFAULT_DELEGATE
    if document.delegate.asked != delegate:
        return f"it was taken with the delegate {document.delegate.asked!r}, and {profile.id} has {delegate!r}"
    if document.environment.threads != runtime.threads:
        return f"it was taken with {_threads(document.environment.threads)}, and {profile.id} has {runtime.threads}"
    if latency.runs < LEAST_RUNS:
        return f"it has {latency.runs} timed runs, and {LEAST_RUNS} are the least"
    if not latency.steady:
        return "its runs were not steady"
    return None


def _figures(measurement: Measurement) -> Iterable[tuple[str, Metric]]:
    document = measurement.document
    latency, memory, environment = document.latency, document.memory, document.environment
    assert latency is not None
    threads = environment.threads
    version = f"{_title(environment.runtime)} {environment.runtime_version}"
    taken = _shown(f"measured on {measurement.board} on {measurement.date[:10]} with {version}, {_threads(threads)}")
    yield (
        "latency",
        Metric(
            value=latency.median_ms, unit="ms", basis="measured",
            source=f"{taken}: median of {latency.runs} runs, {steadiness(True, latency.spread, latency.p90_ms / (latency.median_ms or 1.0))}; low and high are the 10th and 90th percentile",
            low=latency.p10_ms, high=latency.p90_ms, runtime=environment.runtime, threads=threads,
        ),
    )  # fmt: skip
    if memory is not None and memory.added_bytes is not None:
        yield (
            "ram",
            Metric(
                value=memory.added_bytes, unit="B", basis="measured",
                source=f"{taken}: what the model adds to a process ({memory.how})",
                runtime=environment.runtime, threads=threads,
            ),
        )  # fmt: skip


def _shown(text: str) -> str:
    """Text from a board, safe for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _title(runtime: str | None) -> str:
    return "no runtime" if runtime is None else TITLES.get(runtime, runtime)


def _threads(count: int | None) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _read(path: Path) -> Measurement:
    if not path.is_file():  # reading a pipe would wait for ever
        raise InputError("not a file")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError("too large for a measurement")
    found = from_json(data, Measurement, where=path.name)
    require_consistent(found.document, where=path.name)
    return found


def _in_a_line(problem: OSError | InputError | DeviceError) -> str:
    if not isinstance(problem, OSError):
        return f"{problem.what}: {problem.where}" if problem.where else problem.what
    return problem.strerror or str(problem)
