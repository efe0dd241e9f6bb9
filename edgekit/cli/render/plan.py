"""A plan for people: what would be tried, in which order, the predicted cost, and why not the rest."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from edgekit.cli.render.console import WIDE, candidate_text, figures_table, make_console, name_and_text, section
from edgekit.cli.render.report import declined_table
from edgekit.documents.candidate import Candidate, Plan
from edgekit.verdict.checks import UNITS
from edgekit.verdict.phrases import DECLINED, predicted, would_be_tried
from edgekit.verdict.wording import ABSENT, figure


def print_plan(plan: Plan, *, brief: bool = False, console: Console | None = None) -> None:
    """Print a plan; `brief` prints a single line."""
    console = console or make_console()
    style = "bold green" if plan.outcome == "possible" else "bold red"
    if brief:
        console.print(Text.assemble((plan.outcome, style), f"  {plan.device}  {plan.reason}"), soft_wrap=True)
        return
    title = Text.assemble("plan for ", (plan.device, "bold"), "  ", (plan.outcome.upper(), style))
    console.print(Rule(title, align="left", style="dim"))
    if plan.reason:
        console.print(Text(plan.reason))
    if plan.limits or plan.defaults:
        section(console, "Limits", name_and_text(_limits(plan)))
    if plan.candidates:
        section(console, would_be_tried(len(plan.candidates)), _candidates(plan, console.width))
    if plan.declined:
        section(console, DECLINED, declined_table(plan.declined))
    if plan.notes:
        section(console, "Notes", name_and_text(("-", Text(note)) for note in plan.notes))


def _limits(plan: Plan) -> Iterator[tuple[str, Text]]:
    """The limits that decide, and the defaults, marked as not deciding."""
    for name, value in plan.limits.items():
        yield name, Text(figure(name, value, UNITS.get(name, "")))
    for name, value in plan.defaults.items():
        text = Text(figure(name, value, UNITS.get(name, "")))
        yield name, text.append(f"  a default of the profile: it warns; --max-{name} sets a limit", style="dim")


def _candidates(plan: Plan, width: int) -> RenderableType:
    candidates, left_out = (
        plan.candidates,
        None if width >= WIDE else "flash" if "download" in plan.limits else "download",
    )
    names = [name for name in UNITS if name != left_out and any(name in each.estimates for each in candidates)]
    table = figures_table(("", "left"), *((name, "right") for name in names))
    for each in candidates:
        table.add_row(candidate_text(each.name, is_wide=width >= WIDE), *(_estimate(each, name) for name in names))
    more = f" A wider terminal shows {left_out} too." if left_out else ""
    basis = Text(f"All figures are predicted, with their interval.{more}", style="dim")
    return Group(table, basis)


def _estimate(candidate: Candidate, name: str) -> Text:
    estimate = candidate.estimates.get(name)
    if estimate is None:
        return Text(ABSENT, style="dim")
    value, interval = predicted(estimate, UNITS[name])
    return Text(value).append(f"\n{interval}" if interval else "", style="dim")
