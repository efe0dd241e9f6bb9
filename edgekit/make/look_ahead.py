"""Ends a training whose outcome is predicted to lose too much.

The training itself takes the points of its curve, and `edgekit.verdict.outlook` says what follows from them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edgekit.ingest.materials import Materials
from edgekit.jobs.cache import key
from edgekit.make.cached_jobs import CachedJobs, Ended
from edgekit.make.keras_outputs import KerasOutputs
from edgekit.progress import Progress
from edgekit.project.userfunction import is_function
from edgekit.values import to_builtins
from edgekit.verdict.outlook import Outlook


class Hopeless(Exception):
    """Ends a trial whose last training is predicted to lose too much at its end; `seconds` is how long it took until then."""

    def __init__(self, outlook: Outlook, *, seconds: float) -> None:
        super().__init__(outlook.reason)
        self.outlook, self.seconds = outlook, seconds


class LookAhead:
    """Trains a stage as far as its outcome may still be good enough."""

    def __init__(self, materials: Materials, jobs: CachedJobs, keras: KerasOutputs) -> None:
        self._project, self._cache = materials.project, materials.cache
        self._jobs, self._keras = jobs, keras

    def train(
        self,
        entry: str,
        job: dict[str, Any],
        max_drop: float,
        seconds: float,
        progress: Progress,
        deadline: float | None,
    ) -> None:
        """Train a stage, which then is in the cache; raises `Hopeless` where its training was ended. That is cached by what may be lost.

        `max_drop` is in points; the stages before took `seconds`.
        """
        metric = self._project.goal.judged_by
        if is_function(metric.name):  # the user's own code is not run within a training
            return
        reference = [str(path) for path in self._keras.on("validation", progress=progress)]
        asked = {"metric": to_builtins(metric), "max_drop": max_drop, "reference": reference}

        def ahead() -> Any:
            try:
                self._jobs.run("stages", entry, {**job, "outlook": asked}, progress, deadline)
            except Ended as ended:
                return ended.answer
            return None

        ended = self._cache.value("outlooks", key(stage=entry, metric=metric, max_drop=max_drop), ahead)
        if ended is not None:
            outlook = msgspec.convert(ended["hopeless"], Outlook)
            raise Hopeless(outlook, seconds=seconds + ended["seconds"])
