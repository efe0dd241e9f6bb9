"""This machine as a device: memory, cores, clock, instruction set and runtime, read live.

Values have the dotted keys of a device profile, one for each place where a profile says 'live'. No model is measured:
rates are peaks of the instruction set times the share that whole models reach, and their intervals are wide.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

Figure = tuple[float | None, float | None, float | None]

# Multiply-accumulates a cycle and core at peak: lanes of a vector register, times two where the core has two such
# units (https://uops.info and the vendors' optimization guides; the interval below is far wider than their error).
FLOAT32_PEAK = {"avx512f": 32, "fma": 16, "avx2": 16, "asimd": 8, "neon": 4}
INT8_PEAK = {"avx512_vnni": 128, "avx_vnni": 64, "asimddp": 32, "avx2": 32, "asimd": 16, "neon": 8}
SCALAR_PEAK = 1
# Share of the peak that whole models reach (low, usual, high); above 1 because the quoted clock is without turbo.
SHARE = (0.02, 0.25, 2.0)
# int16 activations run in plain reference loops, not in XNNPACK: multiply-accumulates a cycle.
INT16X8_PER_CYCLE = (0.05, 0.4, 4.0)
UNKNOWN_CLOCK_HZ = (0.5e9, 1.5e9, 4e9)
DOT_PRODUCT_FLAGS = ("avx512_vnni", "avx_vnni", "asimddp")
SHOWN_FLAGS = (
    "neon", "asimd", "asimdhp", "asimddp", "i8mm", "sve",
    "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8",
)  # fmt: skip
CPUINFO = Path("/proc/cpuinfo")
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def live_values() -> dict[str, Any]:
    """This machine's figures, by the keys of a device profile.

    Quantities are (value, low, high) in base units (bytes, Hz, MAC/s, cores), with None for what cannot be read; the rest
    are texts, whole numbers and booleans.
    """
    cpu = cpu_facts(CPUINFO.read_text() if CPUINFO.exists() else "")
    cores, clock_hz, ram_bytes = usable_cores(), _clock_hz(), usable_ram_bytes()
    return {
        "memory.ram": _exact(ram_bytes),
        # Half: the rest is for the operating system and for whatever else runs here.
        "memory.ram_for_model": _exact(ram_bytes // 2),
        "compute.cores": _exact(cores),
        "compute.clock": _exact(clock_hz),
        "compute.core": cpu["name"],
        "compute.instruction_set": instruction_set(cpu["flags"]),
        "compute.dot_product": any(flag in cpu["flags"] for flag in DOT_PRODUCT_FLAGS),
        "runtime.version": _runtime_version(),
        "runtime.threads": cores,
        "cost.rates.float32": _rate(clock_hz, cores, _peak(FLOAT32_PEAK, cpu["flags"])),
        "cost.rates.int8": _rate(clock_hz, cores, _peak(INT8_PEAK, cpu["flags"])),
        "cost.rates.int16x8": _rate(clock_hz, cores, 1, INT16X8_PER_CYCLE),
    }


def cpu_facts(cpuinfo: str) -> dict[str, Any]:
    """Name and instruction-set flags of the first processor that `/proc/cpuinfo` lists, on x86 and on ARM.

    >>> cpu_facts("model name : X\\nflags : avx2 fma")["name"]
    'X'
    """
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip().lower(), value.strip())
    flags = fields.get("flags") or fields.get("features") or ""
    name = fields.get("model name") or fields.get("model") or platform.processor() or platform.machine() or "unknown"
    return {"name": name, "flags": tuple(flags.split())}


def instruction_set(flags: tuple[str, ...], machine: str | None = None) -> str:
    """The architecture, with those extensions that matter to kernels.

    >>> instruction_set(("fpu", "avx2", "fma"), "x86_64")
    'x86_64 (avx2, fma)'
    """
    found = [flag for flag in SHOWN_FLAGS if flag in flags]
    name = machine or platform.machine()
    return f"{name} ({', '.join(found)})" if found else name


def usable_cores() -> int:
    """Cores that this process may run on; in a container these may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def usable_ram_bytes() -> int:
    """Physical memory, or the container's limit if that is less."""
    import psutil

    total: int = psutil.virtual_memory().total
    for path in CGROUP_LIMITS:
        text = path.read_text().strip() if path.is_file() else ""
        if text.isdigit():
            total = min(total, int(text))
    return total


def _clock_hz() -> float | None:
    """The highest clock that the system reports; None if it reports none, as in many containers."""
    import psutil

    try:
        clock = psutil.cpu_freq()
    except (OSError, NotImplementedError):
        return None
    return (clock.max or clock.current) * 1e6 or None if clock else None


def _runtime_version() -> str:
    try:
        return importlib.metadata.version("ai-edge-litert")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _peak(peaks: dict[str, int], flags: tuple[str, ...]) -> int:
    return max((peak for flag, peak in peaks.items() if flag in flags), default=SCALAR_PEAK)


def _rate(clock_hz: float | None, cores: int, peak: int, share: tuple[float, float, float] = SHARE) -> Figure:
    """MAC/s as (value, low, high): the low end is one core alone, since threads do not help a small model."""
    low_hz, usual_hz, high_hz = UNKNOWN_CLOCK_HZ if clock_hz is None else (clock_hz,) * 3
    low, usual, high = share
    return usual_hz * peak * usual * cores**0.5, low_hz * peak * low, high_hz * peak * high * cores


def _exact(value: float | None) -> Figure:
    return value, None, None
