"""The host at the other end of standard input: it sends a request and then a byte now and then.

The end of its input, or too long a silence, means that the connection is lost: `HostGoneError`. Nothing here waits
without watching for that, not even to write.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence

from .problem import HostGoneError, Problem

_LONGEST_REQUEST = 1 << 16
_CHUNK = 4096  # at most PIPE_BUF, so that a pipe that select reports as writable takes all of it


class Host:
    """The host behind a file descriptor; None if the runner was started by hand, and there is no host to watch."""

    def __init__(self, descriptor: int | None = None, silence_s: float = 60.0) -> None:
        self._descriptor = descriptor
        self.silence_s = silence_s
        self._heard = time.monotonic()
        self._last = b""

    def request(self) -> bytes:
        """The first line that the host sends."""
        line = b""
        while b"\n" not in line:
            if len(line) > _LONGEST_REQUEST:
                raise Problem("usage", "the request is longer than 64 KiB", "send one JSON object, then a newline")
            self._wait([], [])
            line += self._last
            self._last = b""
        return line.split(b"\n", 1)[0]

    def wait(self, readers: Sequence[int], seconds: float | None = None) -> list[int]:
        """The descriptors that can be read; empty after `seconds`. Raises if the host is gone."""
        return self._wait(readers, [], seconds)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of it; if nobody reads, the host is gone."""
        while data:
            if descriptor not in self._wait([], [descriptor]):
                continue
            try:
                data = data[os.write(descriptor, data[:_CHUNK]) :]
            except BrokenPipeError:
                raise HostGoneError from None

    def _wait(self, readers: Sequence[int], writers: Sequence[int], seconds: float | None = None) -> list[int]:
        watched = [] if self._descriptor is None else [self._descriptor]
        if watched:
            left = self._heard + self.silence_s - time.monotonic()
            if left <= 0:
                raise HostGoneError
            seconds = left if seconds is None else min(left, seconds)
        readable, writable, _ = select.select([*readers, *watched], writers, [], seconds)
        if self._descriptor in readable:
            self._last = os.read(self._descriptor or 0, _CHUNK)
            if not self._last:
                raise HostGoneError
            self._heard = time.monotonic()
        return [ready for ready in [*readable, *writable] if ready in readers or ready in writers]
