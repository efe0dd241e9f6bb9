"""The workshop's jobs, run once: each answer is cached by everything that it depends on, with the files that the job wrote.

It knows how a job's end is read (done, failed, cut short, ended), and nothing of what the jobs do.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import msgspec

from edgekit.errors import DataError, ModelError, ProjectError
from edgekit.ingest.materials import Materials
from edgekit.jobs.worker import Done, Failed, TrialFailed
from edgekit.progress import Progress
from edgekit.verdict.converter_said import plain

ANSWER = "answer.json"
LEAST_S = {"convert": 60.0, "predict": 60.0}
"""These jobs get at least this long, even where the time budget ends sooner: they use what was already trained."""
GRACE_S = 30.0
"""A training stops by itself when its time is over; it is killed where it still runs this much later."""


class Cut(Exception):
    """Raised for a stage that was cut for lack of time, to keep it out of the cache: a build with more time must not find it there."""

    def __init__(self, folder: Path, answer: dict[str, Any]) -> None:
        super().__init__()
        self.folder, self.answer = folder, answer


class Ended(Exception):
    """Raised for a training that was ended, which leaves no stage."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer


class CachedJobs:
    """Runs the jobs of one build; raises `TrialFailed` where a job gives no files.

    At the `deadline` (of `time.monotonic`) a job is stopped, and a training stops with its best weights so far.
    """

    def __init__(self, materials: Materials) -> None:
        self._cache, self._pool, self._semaphore = materials.cache, materials.pool, materials.semaphore
        settings = materials.project
        self._common = {"root": settings.root, "imports": settings.imports, "seed": settings.seed}

    def run(
        self, kind: str, entry: str, job: dict[str, Any], progress: Progress, deadline: float | None
    ) -> tuple[Path, dict[str, Any]]:
        """The cached folder and answer of a job; a failure that would repeat is cached too.

        Raises `Cut` and `Ended` where a training did not come to its end.
        """
        folder = self._cache.folder(kind, entry, lambda folder: self._make(folder, job, progress, deadline))
        answer = msgspec.json.decode((folder / ANSWER).read_bytes())
        if "failure" in answer:
            raise TrialFailed(f"{job['do']}: {plain(answer['failure'])}", seconds=answer["seconds"], again=True)
        return folder, answer

    def _make(self, folder: Path, job: dict[str, Any], progress: Progress, deadline: float | None) -> None:
        value = self._answer({**job, **self._common, "target": str(folder)}, progress, deadline)
        if value.get("nothing"):
            reason = "the time budget was over before any weights had their form"
            raise TrialFailed(f"{job['do']}: {reason}", timed_out=True)
        if value.get("hopeless"):
            raise Ended(value)
        (folder / ANSWER).write_bytes(msgspec.json.encode(value))
        if value.get("cut"):
            raise Cut(shutil.copytree(folder, self._cache.lasting_scratch(), dirs_exist_ok=True), value)

    def _answer(self, job: dict[str, Any], progress: Progress, deadline: float | None) -> dict[str, Any]:
        """What the job answers, with the seconds that it took, or the failure that would repeat."""
        try:
            with self._semaphore.acquired():
                started = time.monotonic()
                left = None if deadline is None else max(LEAST_S.get(job["do"], 0.1), deadline - started)
                if job["do"] == "train" and left is not None:
                    job, left = {**job, "seconds_left": left}, left + GRACE_S
                answer = self._pool.run(job, progress=progress, time_limit_s=left)
        except (DataError, ModelError, ProjectError) as problem:
            received = f" ({problem.received})" if problem.received else ""
            raise TrialFailed(f"{job['do']}: {problem.what}{received}") from problem
        if isinstance(answer, Failed) and not answer.repeatable:
            raise TrialFailed(f"{job['do']}: {answer.reason}", timed_out=answer.timed_out)
        value = answer.value if isinstance(answer, Done) else {"failure": answer.reason}
        return {"seconds": time.monotonic() - started, **value}
