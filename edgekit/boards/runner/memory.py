"""How much memory the process has at most, and how much of that the model adds: weights, tensors, packed copies.

The method of `edgekit/measure/runtimes/memory.py`: the growth of the peak of resident memory (VmHWM, reset through
/proc/self/clear_refs) while the model is opened and run. It runs twice: the first time the pages of the runtime's own
code come into memory; the second time, after everything of the first was freed, counts. The result is never below the
growth of anonymous memory in the first run. It must run in a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import re
from typing import Any, Callable

_FIELD = re.compile(r"^(VmHWM|VmRSS|RssAnon):\s+(\d+) kB", re.MULTILINE)


def measured(open_and_run: Callable[[], object]) -> dict[str, Any] | None:
    """Peak and growth in bytes; None if the system has no /proc/self/status."""
    if "VmRSS" not in _status():
        return None
    _first_peak, anonymous, highest = _growth(open_and_run)
    gc.collect()
    _give_back()
    second_peak, second_anonymous, again = _growth(open_and_run)
    if second_peak is None:
        added, how = max(second_anonymous, anonymous), "growth of resident memory (RSS)"
    else:
        added, how = max(second_peak, anonymous), "growth of peak resident memory (VmHWM)"
    return {"peak_bytes": max(highest, again), "added_bytes": max(0, added), "how": how}


def _growth(open_and_run: Callable[[], object]) -> tuple[int | None, int, int]:
    """Growth of the peak (None where it cannot be reset) and of anonymous memory, and the peak."""
    earlier = _status().get("VmHWM", 0)
    can_reset = _reset_peak()
    before = _status()
    held = open_and_run()  # keeps the model alive until memory has been read
    after = _status()
    anonymous = after.get("RssAnon", 0) - before.get("RssAnon", 0)
    grown = after["VmHWM"] - before["VmRSS"] if can_reset else None
    del held
    return grown, anonymous, max(earlier, after.get("VmHWM", after["VmRSS"]))


def _reset_peak() -> bool:
    """Reset the peak to what is resident now; False if the system does not allow it. See proc(5), clear_refs."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return False
    return "VmHWM" in _status()


def _status() -> dict[str, int]:
    try:
        with open("/proc/self/status") as file:
            text = file.read()
    except OSError:
        return {}
    return {name: int(kib) * 1024 for name, kib in _FIELD.findall(text)}


def _give_back() -> None:
    """Return freed memory to the system, if the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
