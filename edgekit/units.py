"""Quantities with units: text from a user or a profile to bytes, milliseconds, hertz, and back.

It knows the notation, and not what a quantity is for.
"""

from __future__ import annotations

import math
import re

from edgekit.errors import InputError

_NUMBER = re.compile(r"^\s*(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?P<unit>[A-Za-zµμ/]*)\s*$")

SIZE_UNITS = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
DURATION_UNITS_MS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6}
CLOCK_UNITS = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
RATE_UNITS = {"MAC/s": 1.0, "kMAC/s": 1e3, "MMAC/s": 1e6, "GMAC/s": 1e9}
BANDWIDTH_UNITS = {"B/s": 1.0, "kB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9}


def _parse(text: object, units: dict[str, float], what: str, example: str) -> float:
    match = _NUMBER.match(text) if isinstance(text, str) else None
    number = float(match["number"]) if match else math.inf
    if match is None or match["unit"] not in units or not math.isfinite(number * units[match["unit"]]):
        raise InputError(
            f"not {what} with its unit",
            received=repr(text),
            allowed=f"a number and one of {', '.join(units)}, as in {example!r}",
        )
    return number * units[match["unit"]]


def parse_size(text: object) -> int:
    """Bytes of a size such as '512KiB' (2^10) or '1.5MB' (10^6).

    >>> parse_size("512KiB"), parse_size("1.5 MB")
    (524288, 1500000)
    """
    return round(_parse(text, {k: float(v) for k, v in SIZE_UNITS.items()}, "a size", "512KiB"))


def parse_duration_ms(text: object) -> float:
    """Milliseconds of a duration such as '20ms', '90s' or '20min'.

    >>> parse_duration_ms("20ms"), parse_duration_ms("2h")
    (20.0, 7200000.0)
    """
    return _parse(text, DURATION_UNITS_MS, "a duration", "20ms")


def parse_clock_hz(text: object) -> float:
    """Hertz of a clock such as '1.5GHz'."""
    return _parse(text, CLOCK_UNITS, "a clock", "1.5GHz")


def parse_rate(text: object) -> float:
    """Multiply-accumulates a second of a rate such as '8GMAC/s'."""
    return _parse(text, RATE_UNITS, "a rate of multiply-accumulates", "8GMAC/s")


def parse_bandwidth(text: object) -> float:
    """Bytes a second of a bandwidth such as '4GB/s'."""
    return _parse(text, BANDWIDTH_UNITS, "a bandwidth", "4GB/s")


def format_size(size_bytes: float) -> str:
    """A size as people read it, in binary units.

    >>> format_size(24_508)
    '23.9 KiB'
    """
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if abs(size) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def format_ms(milliseconds: float) -> str:
    """A duration as people read it.

    >>> format_ms(0.0314), format_ms(12.3), format_ms(90_000)
    ('31.4 µs', '12.3 ms', '90.0 s')
    """
    if milliseconds < 1:
        return f"{milliseconds * 1e3:.3g} µs"
    return f"{milliseconds:.3g} ms" if milliseconds < 1e3 else f"{milliseconds / 1e3:.1f} s"
