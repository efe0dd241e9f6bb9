"""Device profiles for people: the list, and one device with the source of every number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from edgekit.cli.render.console import figures_table, make_console, name_and_text, section
from edgekit.devices.profile import DeviceProfile
from edgekit.devices.profile_tables import Quantity
from edgekit.units import format_ms, format_size
from edgekit.verdict.wording import ABSENT, count, interval, span

SECTIONS = ("memory", "compute", "numerics", "runtime", "budget", "cost")
MARKS = {
    "*": "needs a compiler that edgekit does not run",
    "+": "is compiled for by Vela, which edgekit runs where the extra npu is installed",
}
TITLES = {"budget": "Budget (defaults: what exceeds one is warned of; --max-latency and the like set limits)"}
CLASSES = ("linux", "android", "microcontroller", "npu")


def print_devices(profiles: Sequence[DeviceProfile], *, console: Console | None = None) -> None:
    """Print one line a device, class by class, and below that a summary of each."""
    console = console or make_console()
    ordered = sorted(profiles, key=lambda profile: CLASSES.index(profile.kind))
    console.print(_list(ordered))
    console.print()
    console.print(name_and_text((profile.id, _summary(profile)) for profile in ordered))
    console.print()
    marks = [f"{mark} {text}" for mark, text in MARKS.items() if any(_mark(profile) == mark for profile in ordered)]
    said = "; ".join(["RAM and flash are what one model may use", *marks])
    console.print(Text(f"{said}. `edgekit devices ID` shows where each number comes from."))


def _list(profiles: Sequence[DeviceProfile]) -> Table:
    """The table, with an empty line between the classes."""
    table = figures_table(("id", "left"), ("class", "left"), ("RAM", "right"), ("flash", "right"), ("runtime", "left"))
    for profile, following in zip(profiles, [*profiles[1:], None], strict=True):
        flash = profile.memory.flash_for_model
        table.add_row(
            Text(profile.id, style="bold"),
            profile.kind,
            quantity_text(profile.memory.ram_for_model),
            quantity_text(flash) if flash else ABSENT,
            _runtime(profile),
        )
        if following is not None and following.kind != profile.kind:
            table.add_row()
    return table


def _runtime(profile: DeviceProfile) -> Text:
    runtime = profile.runtime
    if runtime.kind == "none":
        return Text("none to be had", style="red")
    return Text(f"{runtime.kind} {runtime.version}{_mark(profile)}")


def _mark(profile: DeviceProfile) -> str:
    """The mark of the footnote on a device's compiler; empty if there is no footnote."""
    if profile.runtime.compiler is None:
        return ""
    return "+" if profile.is_compiled_here else "*"


def _summary(profile: DeviceProfile) -> Text:
    return Text(f"{profile.name}. {profile.summary}")


def print_device(profile: DeviceProfile, *, console: Console | None = None) -> None:
    """Print everything in a device's profile, each figure with its basis and the key of its source."""
    console = console or make_console()
    console.print(
        Rule(Text.assemble((profile.id, "bold"), f"  {profile.name} ({profile.kind})"), align="left", style="dim")
    )
    console.print(Text(profile.summary))
    if profile.aliases:
        console.print(Text(f"also: {', '.join(profile.aliases)}", style="dim"))
    if profile.overlay:
        console.print(Text(f"Figures of {profile.overlay} stand in the place of edgekit's own."))
    if profile.obstacle:
        console.print(Text(f"Nothing is known to run there as it is: {profile.obstacle}", style="red"))
    for title in SECTIONS:
        if rows := _rows(getattr(profile, title)):
            section(console, TITLES.get(title, title.capitalize()), name_and_text(rows))
    section(console, "Sources", name_and_text((key, Text(text)) for key, text in profile.sources.items()))


def _rows(value: msgspec.Struct, prefix: str = "") -> list[tuple[str, Text]]:
    """The figures and facts of a part of a profile; nested parts have names with a dot."""
    rows: list[tuple[str, Text]] = []
    for field in msgspec.structs.fields(value):
        found = getattr(value, field.name)
        name = prefix + field.name.replace("_", " ")
        if isinstance(found, Quantity):
            rows.append((name, _described(found)))
        elif isinstance(found, msgspec.Struct):
            rows += _rows(found, f"{name}: ")
        elif found not in (None, ""):
            rows.append((name, Text(_plain(found))))
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _described(quantity: Quantity) -> Text:
    text = Text(quantity_text(quantity))
    if bounds := _bounds(quantity):
        text.append(f" ({bounds})")
    text.append(f"  {quantity.basis}, {quantity.source}", style="dim")
    return text.append(f"; {quantity.note}", style="dim") if quantity.note else text


def _bounds(quantity: Quantity) -> str:
    if quantity.low is None or quantity.high is None or quantity.low == quantity.high:
        return ""
    if quantity.unit in ("B", "ms"):
        return interval("", quantity.low, quantity.high, quantity.unit)
    return span(_counted(quantity.low, quantity.unit), _counted(quantity.high, quantity.unit))


def quantity_text(quantity: Quantity) -> str:
    """A quantity with its unit, for people."""
    if quantity.value is None:
        return ABSENT
    if quantity.unit == "B":
        return format_size(quantity.value)
    if quantity.unit == "ms":
        return format_ms(quantity.value)
    return _counted(quantity.value, quantity.unit)


def _counted(value: float, unit: str) -> str:
    if (value, unit) == (1, "cores"):
        return "1 core"
    number = count(value)
    return f"{number}{unit}" if number[-1].isalpha() else f"{number} {unit}"
