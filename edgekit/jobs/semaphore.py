"""A semaphore for jobs: so many at once on this machine, over all devices of a build, in the order they came.

A latency measurement on this machine runs alone: it waits until no job runs, and none begins before it has
ended. The semaphore does not know what a job does.
"""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Iterator


class JobSemaphore:
    """At most `at_once` jobs hold it, first come, first served; a job that runs `alone` holds it without any other.

    It is not reentrant: if only one job may run at once, acquiring it again would wait for ever.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running = 0
        self._is_alone = False
        self._waiting: collections.deque[object] = collections.deque()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def acquired(self, *, alone: bool = False) -> Iterator[None]:
        """Wait until the job may run, and hold the semaphore for the block."""
        me = object()
        with self._changed:
            self._waiting.append(me)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is me and self._is_free(alone=alone))
                self._running, self._is_alone = self._running + 1, alone
            finally:
                self._waiting.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running, self._is_alone = self._running - 1, False
                self._changed.notify_all()

    def _is_free(self, *, alone: bool) -> bool:
        return self._running == 0 if alone else self._running < self._at_once and not self._is_alone
