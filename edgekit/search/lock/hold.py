"""A build with a lock: it compares the present inputs with the locked ones, and makes the locked candidate again without a search.

Nothing is trained before inputs, settings and versions are those of the lock. The build must give the locked bytes;
where it does not, the stage that differs is named. `edgekit.documents.lockfile` defines the file itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.documents.lockfile import (
    LOCK_FILE,
    NAMED,
    NO_SOURCE,
    Difference,
    Loaded,
    Lock,
    LockedDevice,
    LockedFile,
    LockedInputs,
    device_differences,
    input_differences,
    read_lock,
)  # fmt: skip
from edgekit.documents.report import Report
from edgekit.errors import LockError, OutputError, ProjectError
from edgekit.files import alone_in, replace_file
from edgekit.jobs.cache import file_digest, processor
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.progress import Progress
from edgekit.project.project import Project
from edgekit.search.choice import Choice
from edgekit.search.lock.inputs import OBJECT, limits_to_lock, profile_digest
from edgekit.search.loop import Search
from edgekit.search.trials import Finished, TrialRunner
from edgekit.techniques.interface import Role
from edgekit.techniques.steps import published, typed
from edgekit.values import to_json
from edgekit.version import __version__
from edgekit.watching.watch import ctrl_c_ends


def hold(path: Path, now: LockedInputs, settings: Project, profiles: Sequence[DeviceProfile]) -> Lock:
    """The lock, where the present inputs, settings and versions are those that were locked.

    Raises `LockError` with every difference, and `ProjectError` where there is no such lock or a device is not in it.
    """
    lock = read_lock(path)
    for profile in profiles:
        if profile.id not in lock.devices:
            raise ProjectError(
                f"{profile.id} is not locked",
                where=str(path),
                received=profile.id,
                allowed=", ".join(sorted(lock.devices)) or "no device at all",
                next_step=f"lock it with `edgekit build --device {profile.id} --lock`",
            )
    found = list(input_differences(lock, now))
    for profile in profiles:
        was = lock.devices[profile.id]
        found += device_differences(profile.id, was, profile_digest(profile), limits_to_lock(settings))
    if found:
        raise differ("what is here is not what was locked; nothing was built", path, found)
    return lock


def require_loaded(path: Path, lock: Lock, profiles: Sequence[DeviceProfile], now: Loaded) -> None:
    """Raise `LockError` where the same sources gave other weights or other arrays than those that were locked."""
    found = []
    for field, name in NAMED.items():
        locked = {getattr(lock.devices[profile.id].loaded, field) for profile in profiles}
        for was in locked - {getattr(now, field), None}:
            table = getattr(lock.inputs, field) or NO_SOURCE
            step = (
                "give what was locked, or lock this with lock=True"
                if table.source == OBJECT
                else "what it is made from has not changed: it is not deterministic, or reads what is not locked (see "
                f"{name}.version in edgekit.toml)"
            )
            found.append(
                Difference(
                    what=f"the {name} as {table.source} gave it", locked=was[:16], now=getattr(now, field)[:16],
                    next_step=step,
                )
            )  # fmt: skip
    if found:
        raise differ("what was read is not what was locked; nothing was built", path, found)


class _Fixed:
    """The choice where nothing is searched: the one candidate that the lock names."""

    def __init__(self, trial: Trial) -> None:
        self.declined, self._trial = [_unsearched()], trial
        self.too_large: list[Proposal] = []

    def best(self) -> Trial | None:
        return self._trial if self._trial.passes else None

    def closest(self) -> Trial | None:
        return self._trial if self._trial.failure is None and self._trial.checks else None

    def reasons(self) -> dict[str, str]:
        return {}


def _unsearched() -> Declined:
    return Declined(technique="(all others)", reason=f"{LOCK_FILE} names the candidate, and nothing else was searched")


def realise(path: Path, was: LockedDevice, runner: TrialRunner, progress: Progress) -> tuple[Choice, Search]:
    """Make the baseline and the locked candidate again; raises `LockError` where the bytes of one are not those of the lock."""
    baseline = _as_locked(was.baseline, "baseline")
    wanted = [(baseline, was.baseline)]
    if was.artifact.steps != was.baseline.steps:
        wanted.append((_as_locked(was.artifact, "candidate"), was.artifact))
    finished: list[Finished] = []
    for candidate, locked in wanted:
        with ctrl_c_ends():
            found = runner.run(candidate, progress=_prefixed(candidate.name, progress), whole=True)
        now = file_digest(Path(found.tflite)) if found.tflite else f"no file: {found.trial.failure}"
        if now != locked.sha256:
            raise differ(
                f"{runner.profile.id}: {candidate.name} came out otherwise than it was locked; it was not written",
                path,
                [_other_bytes(runner.profile.id, candidate, locked, now, was)],
            )
        finished.append(found)
    return _Fixed(finished[-1].trial), Search(finished=tuple(finished), not_tried=())


def _as_locked(file: LockedFile, role: Role) -> Proposal:
    """The candidate that gave a locked file; raises `ProjectError` where one of its techniques is not installed."""
    return Proposal(name=file.candidate, steps=tuple(typed(step, where=LOCK_FILE) for step in file.steps), role=role)


def _prefixed(name: str, progress: Progress) -> Progress:
    return lambda phase, done, total: progress(f"{name} (locked): {phase}", done, total)


def _other_bytes(device: str, candidate: Proposal, locked: LockedFile, now: str, was: LockedDevice) -> Difference:
    """The difference where the inputs are equal and the bytes are not; names the stage that differs, as far as it can be told."""
    *training, conversion = [step.technique.name for step in candidate.steps]
    if candidate.role == "baseline":
        stage = "the conversion of the unmodified model"
    elif training:
        stage = f"the training ({', '.join(training)}) or the {conversion} conversion after it"
    else:
        stage = f"the {conversion} conversion (the float32 conversion gave the same bytes)"
    step = (
        f"inputs, settings and versions are those of the lock: {stage} is not deterministic here; build it again, and "
        "if it differs again, report it"
    )
    if was.processor != processor():
        step = (
            f"{stage} differs by the processor: locked on {was.processor}, this is {processor()}; build on that one, or "
            "lock on this one"
        )
    return Difference(
        what=f"{device}: {candidate.name}",
        locked=locked.sha256[:16],
        now=now[:16] if len(now) == 64 else now,
        next_step=step,
    )


def differ(what: str, path: Path, found: Sequence[Difference]) -> LockError:
    """The error that lists the differences, each with what to do about it."""
    lines = [
        f"\n    {one.what}: locked {one.locked}, now {one.now}\n      next: {one.next_step}" for one in found
    ]  # fmt: skip
    error = LockError(
        what, where=str(path), received=f"{len(found)} difference{'s' if len(found) > 1 else ''}{''.join(lines)}"
    )
    error.differences = tuple(found)
    return error


def locked_device(
    profile: DeviceProfile, limits: Mapping[str, float], made: Loaded, report: Report, finished: Sequence[Finished]
) -> LockedDevice | None:
    """What the lock holds of a device's build; None where no candidate gave a file."""
    base = next((found for found in finished if found.trial.candidate.role == "baseline" and found.tflite), None)
    if report.chosen is None or base is None or base.tflite is None:
        return None
    steps = published(base.trial.candidate.steps)
    return LockedDevice(
        profile=profile_digest(profile),
        limits=dict(limits),
        loaded=made,
        processor=processor(),
        outcome=report.outcome,
        baseline=LockedFile(
            candidate=base.trial.candidate.name, steps=steps, sha256=file_digest(Path(base.tflite))
        ),
        artifact=LockedFile(
            candidate=report.chosen.candidate, steps=report.chosen.steps, sha256=report.chosen.sha256
        ),
    )  # fmt: skip


def others(path: Path, now: LockedInputs, ids: Sequence[str]) -> dict[str, LockedDevice]:
    """The other devices that an existing lock holds, which a new lock keeps because they were made of the same inputs.

    Raises `ProjectError` where they were made of something else: they would be lost without anybody asking for that.
    """
    if not path.exists():
        return {}
    lock = read_lock(path)
    kept = {name: device for name, device in lock.devices.items() if name not in ids}
    if kept and lock.inputs != now:
        first = next(input_differences(lock, now), None)
        raise ProjectError(
            "the lock holds other devices too, made of other inputs, settings or versions",
            where=str(path),
            received=f"{first.what}: locked {first.locked}, now {first.now}" if first else None,
            next_step=f"lock them together, with {' '.join(f'--device {name}' for name in kept)} too, or remove {LOCK_FILE}",
        )
    return kept


def write(path: Path, now: LockedInputs, devices: Mapping[str, LockedDevice]) -> None:
    """Write the lock with these devices and those that it keeps, completely or not at all; raises `OutputError`."""
    with alone_in(path.parent):  # where two builds end at the same time, the second keeps what the first wrote
        together = {**others(path, now, list(devices)), **devices}
        lock = Lock(schema_version=1, edgekit_version=__version__, inputs=now, devices=dict(sorted(together.items())))
        try:
            replace_file(path, to_json(lock).encode())
        except OutputError as problem:
            raise OutputError(
                "the lock cannot be written", where=str(path), received=problem.received,
                next_step=f"make room or give the permission: {LOCK_FILE} lies beside edgekit.toml",
            ) from None  # fmt: skip
