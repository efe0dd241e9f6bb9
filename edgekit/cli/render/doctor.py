"""The health of an installation for people: what works, what is missing, and the lines that install it."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.text import Text

from edgekit.cli.render.console import figures_table, make_console, name_and_text, section
from edgekit.documents.health import Ability, ExtraHealth, Health, PackageHealth
from edgekit.units import format_size
from edgekit.verdict.wording import ABSENT

FOR_WORK_ON_EDGEKIT = "dev"
STYLES = {"works": "bold green", "ok": "green", "installed": "", "missing": "yellow", "broken": "bold red"}


def print_health(found: Health, *, brief: bool = False, console: Console | None = None) -> None:
    """Print the health; `brief` prints one line, and one for each problem."""
    console = console or make_console()
    outcome = Text(found.outcome.upper(), style=STYLES[found.outcome])
    if brief:
        console.print(Text.assemble(outcome, f"  edgekit {found.edgekit_version}"), soft_wrap=True)
        for problem in found.problems:
            console.print(Text(f"  {problem}"), soft_wrap=True)
        return
    console.print(Rule(Text.assemble(f"edgekit {found.edgekit_version}  ", outcome), align="left", style="dim"))
    console.print(name_and_text(_places(found)))
    if found.problems:
        section(console, "Problems", name_and_text(("", Text(problem, style="red")) for problem in found.problems))
    section(console, "What works here", name_and_text((ability.name, _ability(ability)) for ability in found.abilities))
    section(console, "Packages", _packages(found.packages))
    section(
        console,
        "Extras",
        name_and_text((extra.name, _extra(extra)) for extra in found.extras if extra.name != FOR_WORK_ON_EDGEKIT),
    )
    limited = [device for device in found.devices if device.limited]
    if limited:
        section(console, "Limited here", name_and_text((device.device, Text(device.limited)) for device in limited))
    lacking = {ability.install: ability.name for ability in found.abilities if ability.install}
    if lacking:
        console.print(Text("\nTo install what is missing", style="bold cyan"))
    for line, name in lacking.items():
        console.print(Text(f"  {name}", style="bold"))
        console.print(Text(f"    {line}"), soft_wrap=True)  # not wrapped, so that it can be copied


def _places(found: Health) -> list[tuple[str, RenderableType]]:
    machine, cache = found.machine, found.cache
    memory = f"{format_size(machine.free_memory_bytes)} free of {format_size(machine.memory_bytes)}"
    cores = f"{machine.cores} {'core' if machine.cores == 1 else 'cores'}"
    if machine.address_space_bytes is not None:
        memory += f", address space limited to {format_size(machine.address_space_bytes)}"
    free = ABSENT if cache.free_bytes is None else format_size(cache.free_bytes)
    return [
        ("system", Text(machine.system)),
        ("processor", Text(f"{machine.processor}, {cores}, {memory}")),
        ("python", Text(f"{machine.python}, {machine.executable}")),
        ("cache", Text(f"{cache.path}, {format_size(cache.used_bytes)} used, {free} free")),
    ]


def _ability(ability: Ability) -> Text:
    text = Text(ability.outcome, style=STYLES[ability.outcome]).append(f"  {ability.title}", style="not bold default")
    if ability.reason:
        text.append(f"\n{ability.reason}", style="not bold default")
    return text.append(f"\n{ability.purpose}", style="not bold dim")


def _packages(packages: tuple[PackageHealth, ...]) -> RenderableType:
    """All packages except those that only edgekit's developers need."""
    table = figures_table(("", "left"), ("version", "left"), ("needed by", "left"))
    for package in packages:
        if package.needed_by == (FOR_WORK_ON_EDGEKIT,):
            continue
        version = Text(package.version or ABSENT)
        if remark := _remark(package):
            version.append(f"  {remark}", style="yellow")
        needed_by = ", ".join(name for name in package.needed_by if name != FOR_WORK_ON_EDGEKIT)
        table.add_row(Text(package.name, style="bold"), version, Text(needed_by, style="dim"))
    return table


def _remark(package: PackageHealth) -> str:
    if package.outcome == "untested":
        return f"tested with {package.tested}"
    if package.outcome == "outside":
        return f"not allowed: {package.allowed}"
    return "missing" if package.outcome == "missing" else ""


def _extra(extra: ExtraHealth) -> Text:
    if extra.complete:
        return Text("complete", style=STYLES["ok"])
    lacking = [f"{name} is not installed" for name in extra.missing]
    lacking += [f"{name} is not an allowed version" for name in extra.outside]
    return Text("; ".join(lacking) or "not to be had on this Python", style="yellow")
