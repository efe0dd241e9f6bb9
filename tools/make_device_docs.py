"""Write the tables of `docs/devices.md` from the bundled profiles; `--check` only says whether the page is stale."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgekit.profile import DeviceProfile, Quantity, list_profiles  # noqa: E402 - this checkout's, installed or not
from edgekit.units import format_ms, format_size  # noqa: E402

PAGE = ROOT / "docs" / "devices.md"
BEGIN, END = "<!-- begin {name}: made by tools/make_device_docs.py -->", "<!-- end {name} -->"
LIVE = "read live"


def devices_table(profiles: tuple[DeviceProfile, ...]) -> str:
    """One row a device; what `host` reads live is said and not printed, so that the page is the same everywhere."""
    head = [
        "id",
        "class",
        "processor",
        "RAM / for a model",
        "flash / for a model",
        "runtime",
        "int8 dot product",
        "latency",
    ]
    return _table(head, [_device_row(profile) for profile in profiles])


def rates_table(profiles: tuple[DeviceProfile, ...]) -> str:
    """The rates of the roofline, usual (low to high), in GMAC/s."""
    head = ["id", "threads", "float32", "int8", "int16x8", "bandwidth"]
    rows = [
        [
            f"`{profile.id}`",
            LIVE if _is_host(profile) else str(profile.runtime.threads),
            *(_rate(profile, getattr(profile.cost.rates, name), 1e9) for name in ("float32", "int8", "int16x8")),
            f"{_rate(None, profile.cost.bandwidth, 1e9)} GB/s",
        ]
        for profile in profiles
    ]
    return _table(head, rows)


def sources_list(profiles: tuple[DeviceProfile, ...]) -> str:
    """Every source of every profile."""
    return "\n".join(
        f"- `{profile.id}`, *{key}*: {text}" for profile in profiles for key, text in sorted(profile.sources.items())
    )


def page_text(text: str) -> str:
    """The page with its made parts made anew."""
    profiles = list_profiles()
    parts = {"devices": devices_table(profiles), "rates": rates_table(profiles), "sources": sources_list(profiles)}
    for name, made in parts.items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text, found = pattern.subn(lambda _, whole=f"{begin}\n{made}\n{end}": whole, text)
        if found != 1:
            raise SystemExit(f"docs/devices.md: the markers of {name!r} are missing")
    return text


def _device_row(profile: DeviceProfile) -> list[str]:
    memory, runtime = profile.memory, profile.runtime
    live = _is_host(profile)
    return [
        f"`{profile.id}`",
        profile.kind,
        LIVE if live else f"{profile.compute.cores.value:.0f} x {profile.compute.core}",
        f"{LIVE} / half of it" if live else f"{_size(memory.ram)} / {_size(memory.ram_for_model)}",
        f"{_size(memory.flash)} / {_size(memory.flash_for_model)}",
        f"{runtime.kind}, {LIVE if live else runtime.version}",
        LIVE if live else ("yes" if profile.compute.dot_product else "no"),
        format_ms(profile.budget.latency.value) if profile.budget.latency and profile.budget.latency.value else "none",
    ]


def _rate(profile: DeviceProfile | None, quantity: Quantity | None, unit: float) -> str:
    if profile is not None and _is_host(profile):
        return LIVE
    if quantity is None or quantity.value is None:
        return "absent"
    low, high = (quantity.value if end is None else end for end in (quantity.low, quantity.high))
    return f"{quantity.value / unit:.3g} ({low / unit:.3g} to {high / unit:.3g})"


def _size(quantity: Quantity | None) -> str:
    return "none" if quantity is None or quantity.value is None else format_size(quantity.value)


def _is_host(profile: DeviceProfile) -> bool:
    return profile.is_this_machine


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where the page is stale")
    written = PAGE.read_text(encoding="utf-8")
    made = page_text(written)
    if parser.parse_args().check:
        print("current" if made == written else "stale: docs/devices.md")
        return int(made != written)
    PAGE.write_text(made, encoding="utf-8")
    print("wrote docs/devices.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
