"""Write the tables of `docs/devices.md`, and the ids in the README, from the bundled profiles.

`--check` only says whether a page is stale. What is made stands between two comments, and the rest of a page is left
as it is. The published latencies of `tools/published_latency.toml` are held against the profiles here, so that the
page says how many lie in their interval, and how wide that is.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgekit.cost.latency import Workload, predict_workload  # noqa: E402
from edgekit.devices.profile import DeviceProfile, list_profiles  # noqa: E402
from edgekit.devices.profile_tables import Quantity  # noqa: E402
from edgekit.documents.candidate import Estimate  # noqa: E402 - this checkout's, installed or not
from edgekit.units import format_ms, format_size  # noqa: E402

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PUBLISHED = Path(__file__).with_name("published_latency.toml")
CLASSES = {"linux": "Linux", "android": "Android", "microcontroller": "microcontrollers", "npu": "NPUs"}
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


def runtimes_table(profiles: tuple[DeviceProfile, ...]) -> str:
    """What is really to be had on each device: runtime, package, Python, wheel, architecture, and what to know."""
    head = ["id", "runtime", "package", "CPython", "wheel", "architecture", "what to know"]
    return _table(head, [_runtime_row(profile) for profile in profiles])


def published_table(profiles: tuple[DeviceProfile, ...]) -> str:
    """For each device how many published latencies lie in their interval, and how wide that is."""
    rows = []
    for profile in profiles:
        for dtype in ("float32", "int8"):
            found = [row for row in published(profiles) if (row[0].id, row[1]) == (profile.id, dtype)]
            if found:
                inside = sum(estimate.low <= ms <= estimate.high for _, _, _, ms, estimate in found)
                width = statistics.median(estimate.high / estimate.low for *_, estimate in found)
                off = statistics.median(max(ms / e.value, e.value / ms) for _, _, _, ms, e in found)
                rows.append([f"`{profile.id}`", dtype, f"{inside} of {len(found)}", f"{off:.1f}x", f"{width:.0f}x"])
    return _table(["id", "arithmetic", "in the interval", "median error", "median high / low"], rows)


def published(profiles: tuple[DeviceProfile, ...]) -> Iterator[tuple[DeviceProfile, str, str, float, Estimate]]:
    """Every published latency: the device, the arithmetic, the network, its milliseconds, and what is predicted."""
    known = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    by_id = {profile.id: profile for profile in profiles}
    for group in known["published"]:
        profile, dtype = by_id[group["device"]], group["dtype"]
        for network, times in group["ms"].items():
            estimate = predict_workload(profile, _workload(known["networks"][network], dtype))
            yield from ((profile, dtype, network, float(ms), estimate) for ms in times)


def _workload(network: dict[str, int], dtype: str) -> Workload:
    width = {"float32": 4, "int8": 1}[dtype]
    return Workload(
        macs=network["macs"],
        weight_bytes=network["weights"] * width,
        activation_bytes=network["activations"] * width,
        operators=network["operators"],
        dtype=dtype,
    )


def ids_list(profiles: tuple[DeviceProfile, ...]) -> str:
    """The ids, class by class, as the README lists them."""
    groups = {kind: [f"`{one.id}`" for one in profiles if one.kind == kind] for kind in CLASSES}
    text = "; ".join(f"{CLASSES[kind]}: {', '.join(found)}" for kind, found in groups.items() if found)
    return textwrap.fill(text, 120, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def sources_list(profiles: tuple[DeviceProfile, ...]) -> str:
    """Every source of every profile."""
    return "\n".join(
        f"- `{profile.id}`, *{key}*: {text}" for profile in profiles for key, text in sorted(profile.sources.items())
    )


PAGES = {
    "docs/devices.md": {
        "devices": devices_table,
        "runtimes": runtimes_table,
        "rates": rates_table,
        "published": published_table,
        "sources": sources_list,
    },
    "README.md": {"device ids": ids_list},
}


def page_text(page: str, text: str) -> str:
    """A page with its made parts made anew."""
    profiles = list_profiles()
    for name, make in PAGES[page].items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        pattern = re.compile(f"( *){re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        made = make(profiles)
        text, found = pattern.subn(lambda m, b=begin, e=end, made=made: f"{m[1]}{b}\n{made}\n{m[1]}{e}", text)
        if found != 1:
            raise SystemExit(f"{page}: the markers of {name!r} are missing")
    return text


def _runtime_row(profile: DeviceProfile) -> list[str]:
    runtime = profile.runtime
    know = [runtime.availability]
    if runtime.compiler:
        know.append(f"**not without its compiler**: {runtime.compiler}")
    return [
        f"`{profile.id}`",
        "**none**" if runtime.kind == "none" else f"{runtime.kind}, {LIVE if _is_host(profile) else runtime.version}",
        runtime.package or "none",
        runtime.python or "none",
        runtime.wheel or "none",
        LIVE if _is_host(profile) else runtime.architecture or "",
        "; ".join(know),
    ]


def _device_row(profile: DeviceProfile) -> list[str]:
    memory, runtime = profile.memory, profile.runtime
    live = _is_host(profile)
    return [
        f"`{profile.id}`",
        profile.kind,
        LIVE if live else f"{profile.compute.cores.value:.0f} x {profile.compute.core}",
        f"{LIVE} / half of it" if live else f"{_size(memory.ram)} / {_size(memory.ram_for_model)}",
        f"{_size(memory.flash)} / {_size(memory.flash_for_model)}",
        "none" if runtime.kind == "none" else f"{runtime.kind}, {LIVE if live else runtime.version}",
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
    check = parser.parse_args().check
    stale = []
    for page in PAGES:
        written = (ROOT / page).read_text(encoding="utf-8")
        made = page_text(page, written)
        if made != written:
            stale.append(page)
        if not check:
            (ROOT / page).write_text(made, encoding="utf-8")
    print(f"{'stale' if check else 'wrote'}: {', '.join(stale)}" if stale else "current")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
