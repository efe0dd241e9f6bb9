"""A local program with a pipe to a board: lines in, bytes out, all bounded in size and time.

The board is not trusted. It may say nothing, too much, or go away; each case is an exception of its own, and none leaves
a process behind. What is sent over the pipe is not known here.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

BLOCK_BYTES = 65536
LOG_TAIL_BYTES = 8000
FAREWELL_S = 10.0
FAREWELL_BYTES = 8 * 2**20  # pipes hold far less: a program that still writes so much does not intend to end
HEARTBEAT_S = 5.0


class Ended(Exception):
    """The program ended before it sent the expected output; `code` is its exit code, or minus a signal's number."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"ended with {code}")


class TooLate(Exception):
    """The time limit has passed."""


class TooMuch(Exception):
    """The output exceeds the limit of bytes."""


class Channel:
    """A program whose input is written, and whose output is read up to a limit of bytes and until a deadline.

    `hear` gets each line of the program's standard error; `log` holds the end of it. `farewell_s` is how long the program
    may take to end by itself once its input is closed.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        most_bytes: int,
        hear: Callable[[bytes], None] | None = None,
        farewell_s: float = FAREWELL_S,
    ) -> None:
        self._deadline, self._left, self._farewell_s = deadline, most_bytes, farewell_s
        self._blocks: queue.Queue[bytes] = queue.Queue(maxsize=64)
        self._held = b""
        self._log = b""
        self._hear = hear
        self._ending, self._closed = threading.Event(), threading.Event()
        self._writing = threading.Lock()
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._threads = [
            threading.Thread(target=self._pump, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._alarm = threading.Timer(self._seconds_left(), self._expire)
        self._alarm.daemon = True
        self._alarm.start()

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()

    @property
    def log(self) -> str:
        """The end of the program's standard error."""
        self._threads[1].join(timeout=0.5 if self._process.poll() is not None else 0)
        return self._log.decode(errors="replace")

    def send(self, data: bytes) -> None:
        """Write to the program's input; dropped if the program no longer reads."""
        assert self._process.stdin is not None
        left = memoryview(data)
        with self._writing, contextlib.suppress(OSError, ValueError):
            while left:
                left = left[os.write(self._process.stdin.fileno(), left[:BLOCK_BYTES]) :]

    def keep_alive(self) -> None:
        """From now on send an empty line every few seconds, so that the other side knows that this side still runs."""

        def beat() -> None:
            while not self._ending.wait(HEARTBEAT_S):
                self.send(b"\n")

        self._threads.append(threading.Thread(target=beat, daemon=True))
        self._threads[-1].start()

    def end_input(self) -> None:
        """Close the program's input."""
        assert self._process.stdin is not None
        self._ending.set()
        if self._writing.acquire(timeout=1.0):  # else another thread is still writing to a board that does not read
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.close()
            self._writing.release()

    def line(self) -> bytes:
        """The next line of its output without the line end; raises `Ended`, `TooLate` or `TooMuch`."""
        while b"\n" not in self._held:
            self._held += self._block()
        line, _, self._held = self._held.partition(b"\n")
        return line

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes of its output; raises as `line` does."""
        blocks, held = [self._held], len(self._held)
        while held < count:
            blocks.append(self._block())
            held += len(blocks[-1])
        data = b"".join(blocks)
        self._held = data[count:]
        return data[:count]

    def rest(self) -> tuple[bytes, int]:
        """All output up to its end, and the program's exit code; raises `TooLate` or `TooMuch`."""
        blocks = [self._held]
        self._held = b""
        try:
            while True:
                blocks.append(self._block())
        except Ended as ended:
            return b"".join(blocks), ended.code

    def wait(self) -> int:
        """The exit code, once the program has ended; raises `TooLate`."""
        try:
            return self._process.wait(timeout=self._seconds_left())
        except subprocess.TimeoutExpired:
            raise TooLate from None

    def close(self) -> None:
        """End the program: by closing its input, so that the other side can clean up; by a kill if that takes too long."""
        try:
            self.end_input()
            self._drain_until(time.monotonic() + self._farewell_s)
        finally:
            self._alarm.cancel()
            self._process.kill()  # not its group: the process that cleans up after it must go on
            self._process.wait()
            self._closed.set()
            self._drain_until(time.monotonic() + 1.0)
            with contextlib.suppress(OSError, ValueError):
                if self._process.stdin is not None:
                    self._process.stdin.close()

    def _expire(self) -> None:
        """Ends the program at the deadline to free a thread that writes to it: writing has no time limit, reading and waiting do."""
        if self._writing.locked():
            self._process.kill()

    def _drain_until(self, moment: float) -> None:
        """Read its remaining output, so that a full pipe blocks neither the program nor the thread that reads it."""
        left = FAREWELL_BYTES
        while self._threads[0].is_alive() and time.monotonic() < moment and left > 0:
            with contextlib.suppress(queue.Empty):
                left -= len(self._blocks.get(timeout=0.05))

    def _seconds_left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _block(self) -> bytes:
        try:
            block = self._blocks.get(timeout=self._seconds_left())
        except queue.Empty:
            raise TooLate from None
        if not block:
            self._blocks.put(b"")
            raise Ended(self.wait())
        self._left -= len(block)
        if self._left < 0:
            raise TooMuch
        return block

    def _pump(self, pipe: IO[bytes]) -> None:
        """Pass its output on; once the channel is closed, drop what still comes, and after some of that close the pipe.

        A process that outlives the program and writes without end is ended by the closed pipe. The thread that reads a pipe
        closes it: closed by another, its number could be that of the next channel's pipe, from which this thread would then read.
        """
        left = FAREWELL_BYTES
        with pipe, contextlib.suppress(OSError, ValueError):
            while left > 0 and (block := os.read(pipe.fileno(), BLOCK_BYTES)):
                if self._closed.is_set():
                    left -= len(block)
                else:
                    self._blocks.put(block)
        self._blocks.put(b"")

    def _listen(self, pipe: IO[bytes]) -> None:
        """Keep the end of its standard error, and pass on its lines; very long lines are passed on in pieces."""
        held = b""
        with pipe, contextlib.suppress(OSError, ValueError):
            while block := os.read(pipe.fileno(), BLOCK_BYTES):
                self._log = (self._log + block)[-LOG_TAIL_BYTES:]
                *lines, held = (held + block).split(b"\n")
                held = held[-LOG_TAIL_BYTES:]
                if self._hear is not None:
                    for line in lines:
                        self._hear(line)
