"""What the system reports about the device: board, processor, memory, and what changes while it works: clock, temperature, load.

Each is None if Linux does not tell. Everything is read from files, except for the Raspberry Pi's `vcgencmd`.
"""

from __future__ import annotations

import glob
import os
import platform
import re
import subprocess
import time
from typing import Any

_CORTEX = {
    "0xb76": "ARM1176", "0xc05": "Cortex-A5", "0xc07": "Cortex-A7", "0xc08": "Cortex-A8", "0xc09": "Cortex-A9",
    "0xc0f": "Cortex-A15", "0xd02": "Cortex-A34", "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd41": "Cortex-A78", "0xd44": "Cortex-X1", "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710", "0xd80": "Cortex-A520",
}  # fmt: skip  # MIDR_EL1, PartNum: Arm's Technical Reference Manuals
_FLAGS = {
    0: "under-voltage now", 1: "clock capped now", 2: "throttled now", 3: "soft temperature limit now",
    16: "under-voltage since boot", 17: "clock capped since boot", 18: "throttled since boot",
    19: "soft temperature limit since boot",
}  # fmt: skip  # vcgencmd get_throttled: Raspberry Pi documentation, os.html#get_throttled
_FIRMWARE = "/sys/devices/platform/soc/soc:firmware/get_throttled"


def fixed() -> dict[str, Any]:
    """What does not change during a run."""
    memory = _memory()
    return {
        "board": _board(),
        "machine": platform.machine(),
        "system": _system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": len(_cores()),
        "governor": _governor(),
        "memory_total_bytes": memory.get("MemTotal"),
        "memory_available_bytes": memory.get("MemAvailable"),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def changing() -> dict[str, Any]:
    """What is read both before and after the timed runs."""
    return {
        "clocks_hz": _clocks(),
        "temperature_c": temperature(),
        "throttled": _throttled(),
        "load_average": _load(),
    }


def temperature() -> float | None:
    """Degrees of the processor's hottest sensor; if no sensor is named after the processor, of the hottest of all."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for zone in glob.glob("/sys/class/thermal/thermal_zone*"):
        text = _text(zone + "/temp") or ""
        if re.match(r"-?\d+$", text) and -50_000 < int(text) < 150_000:
            named = re.search(r"cpu|soc|pkg|core", (_text(zone + "/type") or "").lower())
            found[named is not None].append(int(text) / 1000)
    return max(found[True] or found[False] or [], default=None)


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16).replace("\0", "").strip() or None
    except OSError:
        return None


def _board() -> str | None:
    tree = _text("/proc/device-tree/model")
    if tree:
        return tree[:200]
    dmi = "/sys/devices/virtual/dmi/id/"
    named = [_text(dmi + "sys_vendor"), _text(dmi + "product_name")]
    return " ".join(name for name in named if name)[:200] or None


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', _text("/etc/os-release") or "", re.MULTILINE)
    return found.group(1)[:200] if found else platform.system()


def _processor() -> str | None:
    text = _text("/proc/cpuinfo") or ""
    parts = sorted(set(re.findall(r"^CPU part\s*: (0x\w+)", text, re.MULTILINE)))
    if parts:
        return ", ".join(_CORTEX.get(part.lower(), "part " + part) for part in parts)[:200]
    named = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return named.group(1)[:200] if named else None


def _cores() -> list[int]:
    """The cores that this process may use."""
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return list(range(os.cpu_count() or 1))


def _clocks() -> list[int | None] | None:
    """Hertz of each core that may be used, now."""
    path = "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"
    texts = [_text(path.format(core)) for core in _cores()]
    clocks = [int(text) * 1000 if text and text.isdigit() else None for text in texts]
    return clocks if any(clock is not None for clock in clocks) else None


def _governor() -> str | None:
    path = "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor"
    found = sorted({text for text in (_text(path.format(core)) for core in _cores()) if text})
    return ", ".join(found)[:200] or None


def _throttled() -> list[str] | None:
    """The Raspberry Pi's flags; elsewhere how often the kernel counted thermal throttling of a core."""
    text = _text(_FIRMWARE) or _vcgencmd()
    found = re.search(r"(?:0x)?([0-9a-fA-F]+)$", text or "")
    if found:
        flags = int(found.group(1), 16)
        return [name for bit, name in _FLAGS.items() if flags >> bit & 1]
    counts = [_text(path) for path in glob.glob("/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")]
    numbers = [int(count) for count in counts if count and count.isdigit()]
    if not numbers:
        return None
    return [f"cores throttled {sum(numbers)} times since boot"] if sum(numbers) else []


def _vcgencmd() -> str | None:
    if not (_text("/proc/device-tree/model") or "").startswith("Raspberry Pi"):
        return None
    try:
        done = subprocess.run(["vcgencmd", "get_throttled"], stdout=subprocess.PIPE, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else None


def _load() -> float | None:
    """Processes that ran or waited to run, averaged over the last minute."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _memory() -> dict[str, int]:
    text = _text("/proc/meminfo") or ""
    return {
        name: int(kib) * 1024 for name, kib in re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB", text, re.MULTILINE)
    }
