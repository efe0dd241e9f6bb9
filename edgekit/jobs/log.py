"""What a child prints, kept in bounded memory however much it is: its first and its last part."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import IO

FIRST_BYTES, LAST_BYTES = 2000, 4000
CHUNK_BYTES = 1 << 16
ALL_READ_S = 1.0
"""How long the end of a dead child's pipe is waited for: a process that it left behind may hold it open for ever."""


class Log:
    """Reads a pipe to its end in a thread of its own, so that whoever writes to it is never held up; it then closes it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._first, self._last, self._left_out = b"", b"", 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def text(self, *, whole: bool = False) -> str:
        """What was printed so far; all of it where the child has died (`whole`). Between the two parts it says how much is left out."""
        if whole:
            self._thread.join(ALL_READ_S)
        with self._lock:
            between = f"\n... {self._left_out:,} bytes are left out here ...\n".encode() if self._left_out else b""
            return (self._first + between + self._last).decode(errors="replace")

    def _read(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError), pipe:
            while chunk := os.read(pipe.fileno(), CHUNK_BYTES):
                with self._lock:
                    self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        room = FIRST_BYTES - len(self._first)
        self._first, rest = self._first + chunk[:room], self._last + chunk[room:]
        self._last = rest[-LAST_BYTES:]
        self._left_out += len(rest) - len(self._last)
