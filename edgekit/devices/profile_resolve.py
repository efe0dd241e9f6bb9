"""From the text of a device profile to figures: units read, sources found, live values filled in.

It takes the raw tables of `edgekit.devices.profile_file` and gives builtins in base units (bytes, ms, Hz, MAC/s, B/s), from
which `edgekit.devices.profile` makes its value; the only key it knows by name is `source`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from edgekit.devices.profile_file import (
    CORE_UNITS,
    LIVE,
    Bandwidth,
    Clock,
    Cores,
    Duration,
    ProfileFile,
    QuantityText,
    Rate,
    Size,
)  # fmt: skip
from edgekit.errors import InputError, ProfileError, did_you_mean
from edgekit.units import parse_bandwidth, parse_clock_hz, parse_duration_ms, parse_rate, parse_size


def _parse_cores(text: object) -> float:
    number, _, unit = str(text).strip().partition(" ")
    if not number.isdigit() or unit.strip() not in CORE_UNITS:
        raise InputError("not a number of cores", received=repr(text), allowed="a number and 'cores', as in '4 cores'")
    return float(number)


PARSERS: dict[type[QuantityText], tuple[Callable[[object], float], str]] = {
    Size: (parse_size, "B"),
    Clock: (parse_clock_hz, "Hz"),
    Rate: (parse_rate, "MAC/s"),
    Bandwidth: (parse_bandwidth, "B/s"),
    Duration: (parse_duration_ms, "ms"),
    Cores: (_parse_cores, "cores"),
}


def resolve(raw: ProfileFile, file: str) -> dict[str, Any]:
    """The tables of one file as builtins of `edgekit.devices.profile.DeviceProfile`.

    Raises `ProfileError` for a wrong unit, a source that is not in `[sources]`, a value outside its own interval, or
    'live' for a figure that cannot be read.
    """
    resolver = _Resolver(file, raw.sources)
    tables: dict[str, Any] = resolver.resolve(raw, "")
    return {**tables, "live": tuple(dict.fromkeys(resolver.read_live))}


class _Resolver:
    """Turns the raw tables of one file into builtins of the validated value."""

    def __init__(self, file: str, sources: Mapping[str, str]) -> None:
        self.file, self.sources = file, sources
        self.live: Mapping[str, Any] | None = None
        self.read_live: list[str] = []

    def resolve(self, raw: Any, path: str) -> Any:
        if isinstance(raw, QuantityText):
            return self._quantity(raw, path)
        if isinstance(raw, msgspec.Struct):
            return {
                name.encode_name: self.resolve(getattr(raw, name.name), f"{path}.{name.encode_name}".lstrip("."))
                for name in msgspec.structs.fields(raw)
            }
        if path.endswith(".source"):
            self._check_source(raw, path)
        return self._live(path) if raw == LIVE else raw

    def _quantity(self, raw: QuantityText, path: str) -> dict[str, Any]:
        self._check_source(raw.source, f"{path}.source")
        parse, unit = PARSERS[type(raw)]
        found: dict[str, Any] = {"unit": unit, "basis": raw.basis, "source": raw.source, "note": raw.note}
        for key in ("value", "low", "high"):
            text = getattr(raw, key)
            if text == LIVE:
                found[key] = self._live_figure(path)[key]
            else:
                found[key] = None if text is None else self._number(parse, text, f"{path}.{key}")
        self._check_order(found, path)
        return found

    def _number(self, parse: Callable[[object], float], text: str, path: str) -> float:
        try:
            return float(parse(text))
        except InputError as problem:
            raise ProfileError(
                problem.what, where=f"{self.file}: {path}", received=problem.received, allowed=problem.allowed
            ) from None

    def _check_order(self, found: dict[str, Any], path: str) -> None:
        known = [found[key] for key in ("low", "value", "high") if found[key] is not None]
        if known != sorted(known):
            raise ProfileError(
                "a figure outside its own interval",
                where=f"{self.file}: {path}",
                received=f"low {found['low']}, value {found['value']}, high {found['high']} {found['unit']}",
                allowed="low <= value <= high",
            )

    def _check_source(self, key: str, path: str) -> None:
        if key not in self.sources:
            near = did_you_mean(key, self.sources)
            raise ProfileError(
                f"no source {key!r} in [sources]",
                where=f"{self.file}: {path}",
                received=repr(key),
                allowed=", ".join(sorted(self.sources)) or "a key of [sources], which is empty",
                next_step=f"did you mean {near!r}?" if near else f"add {key!r} to [sources]: title, section, address",
            )

    def _live(self, path: str) -> Any:
        if self.live is None:
            from edgekit.machine import host  # loads psutil, so only for a file that says 'live'

            self.live = host.live_values()
        if path not in self.live:
            raise ProfileError(
                "this cannot be read live",
                where=f"{self.file}: {path}",
                received=repr(LIVE),
                allowed=f"'live' for {', '.join(self.live)}; a value with its unit for the rest",
            )
        self.read_live.append(path)
        return self.live[path]

    def _live_figure(self, path: str) -> dict[str, float | None]:
        value, low, high = self._live(path)
        return {"value": value, "low": low, "high": high}
