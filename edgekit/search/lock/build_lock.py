"""What one build does with its lock: write it, compare with it, or ignore it; `edgekit.api.build` calls the steps.

It keeps what is known between these steps and compares nothing itself: `hold` does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.lockfile import LOCK_FILE, Loaded, Lock, LockedDevice, LockedInputs
from edgekit.documents.report import Report
from edgekit.errors import ProjectError
from edgekit.files import prepare
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import Cache
from edgekit.progress import Progress
from edgekit.project.project import Project
from edgekit.search.choice import Choice
from edgekit.search.lock.hold import hold, locked_device, others, realise, require_loaded, write
from edgekit.search.lock.inputs import limits_to_lock, loaded, present
from edgekit.search.loop import Search
from edgekit.search.trials import Finished, TrialRunner


@dataclasses.dataclass(kw_only=True)
class BuildLock:
    """The lock of one build: it `writes` the lock, `holds` to it, or every step does nothing.

    The steps come in this order: `compare` before anything is opened, `compare_loaded` before anything is trained,
    `realise` and `keep` for each device, `close`.
    """

    settings: Project
    profiles: Sequence[DeviceProfile]
    writes: bool
    holds: bool
    _now: LockedInputs | None = None
    _loaded: Loaded | None = None
    _lock: Lock | None = None
    _devices: dict[str, LockedDevice] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.writes and self.holds:
            raise ProjectError(
                "a lock is either written or held to",
                where="--lock, --locked",
                next_step="--locked rebuilds what is locked; --lock searches and locks what it finds",
            )
        if self.writes:
            prepare(self.place.parent)

    @property
    def place(self) -> Path:
        """Where the lock is stored: beside `edgekit.toml`."""
        return Path(self.settings.root) / LOCK_FILE

    @property
    def path(self) -> Path | None:
        """The lock file of this build; None if it has none."""
        return self.place if self.writes or self.holds else None

    def compare(self, model: Any, data: Any, replacement: Any, cache: Cache) -> None:
        """Compare the present state with the lock; raises `LockError` with every difference, and `ProjectError`."""
        if not (self.writes or self.holds):
            return
        self._now = present(self.settings, model, data, replacement, cache)
        if self.holds:
            self._lock = hold(self.place, self._now, self.settings, self.profiles)
        else:
            others(self.place, self._now, [profile.id for profile in self.profiles])

    def compare_loaded(
        self, model: OpenedModel, dataset: Dataset, replacement: OpenedModel | None, cache: Cache
    ) -> None:
        """Compare the weights and arrays that were read with the lock; raises `LockError`."""
        if self._now is not None:
            self._loaded = loaded(model, dataset, replacement, cache)
        if self._lock is not None and self._loaded is not None:
            require_loaded(self.place, self._lock, self.profiles, self._loaded)

    def realise(self, runner: TrialRunner, progress: Progress) -> tuple[Choice, Search] | None:
        """The locked candidate, made again; None if a search is to be done instead. Raises `LockError`."""
        if self._lock is None:
            return None
        return realise(self.place, self._lock.devices[runner.profile.id], runner, progress)

    def keep(self, profile: DeviceProfile, report: Report, finished: Sequence[Finished]) -> None:
        """Add the result for a device to the lock that will be written; does nothing if there is no file."""
        if self.writes and self._loaded is not None:
            device = locked_device(profile, limits_to_lock(self.settings), self._loaded, report, finished)
            if device is not None:
                self._devices[profile.id] = device

    def close(self) -> None:
        """Write the lock of the devices that were built."""
        if self._devices and self._now is not None:
            write(self.place, self._now, self._devices)
