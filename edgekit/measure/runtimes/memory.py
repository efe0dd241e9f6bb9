"""How much memory a model adds to a process: weights, tensors, and the copies that XNNPACK packs for itself.

It is the growth of the process's peak resident memory (VmHWM, reset through /proc/self/clear_refs) while the model
is opened and run. The model runs twice: the first time the pages of the runtime's own code come into memory, which
is the same for every model (about 3.5 MB of LiteRT); the second time, after everything of the first was freed, counts.
That would miss memory which the allocator kept from the first run and used again in the second, so the result is
never below the growth of anonymous memory in the first run. It must run in a fresh process.
"""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path

import numpy as np

from edgekit.measure.runtimes.interface import Refused, Runtime
from edgekit.values import Value

_FIELD = re.compile(r"^(VmHWM|VmRSS|RssAnon):\s+(\d+) kB", re.MULTILINE)


class Memory(Value):
    """Bytes that the model added to the peak, and how that was measured."""

    added_bytes: int
    how: str


def added(runtime: Runtime, model: Path, *, threads: int) -> Memory | Refused:
    """What opening and running the model adds to this process's peak; inputs are zeros."""
    runtime.describe()  # imports the runtime before measuring, so that its memory does not count for the model
    first = _growth(runtime, model, threads)
    if isinstance(first, Refused):
        return first
    gc.collect()
    _give_back()
    second = _growth(runtime, model, threads)
    if isinstance(second, Refused):
        return second
    peak, anonymous = second[0], first[1]
    if peak is None:
        return Memory(added_bytes=max(second[1], anonymous), how="growth of resident memory (RSS)")
    return Memory(added_bytes=max(peak, anonymous), how="growth of peak resident memory (VmHWM)")


def _growth(runtime: Runtime, model: Path, threads: int) -> tuple[int | None, int] | Refused:
    """Growth of the peak (None if it cannot be reset) and of anonymous memory, in bytes."""
    can_reset = _reset_peak()
    before = _status()
    session = runtime.open(model, threads=threads)
    if isinstance(session, Refused):
        return session
    session.run([np.zeros(port.shape, port.dtype) for port in session.inputs])
    after = _status()
    anonymous = after.get("RssAnon", 0) - before.get("RssAnon", 0)
    return (after["VmHWM"] - before["VmRSS"] if can_reset else None), anonymous


def _reset_peak() -> bool:
    """Reset the peak to what is resident now; False if the system does not allow it. See proc(5), clear_refs."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return "VmHWM" in _status()


def _status() -> dict[str, int]:
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return {}
    return {name: int(kib) * 1024 for name, kib in _FIELD.findall(text)}


def _give_back() -> None:
    """Return freed memory to the system, if the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
