"""A diet as people read it: the sizes, what each saving gave, and the proof that the outputs are the same."""

from __future__ import annotations

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from edgekit.cli.render.console import figures_table, make_console, name_and_text, outcome_text, section
from edgekit.documents.diet import DietResult, RuntimeProof
from edgekit.units import format_size

STYLES = {"same": "green", "different": "bold red", "not run": "dim"}


def print_diet(found: DietResult, *, brief: bool = False, console: Console | None = None) -> None:
    """Print a diet; `brief` leaves one line."""
    console = console or make_console()
    line = Text.assemble(outcome_text(found.outcome), f"  {_plain(found.path)}")
    if brief:
        console.print(line.append(f"  {_sizes(found.flash_before, found.flash_after)}"), soft_wrap=True)
        return
    console.print(Rule(line, align="left", style="dim"))
    rows = [
        ("flash", Text(_sizes(found.flash_before, found.flash_after))),
        ("download", Text(_sizes(found.download_before, found.download_after))),
    ]
    if found.reason:
        rows.append(("as it was" if found.outcome == "pass" else "reason", Text(_plain(found.reason))))
    console.print(name_and_text(rows))
    if found.savings:
        section(console, "What went", _savings(found))
    if found.proof is not None:
        section(console, "Both on the same random inputs, bit by bit", _proof(found))
    for note in found.notes:
        console.print(Text(f"  {_plain(note)}", style="dim"))
    console.print(Text(f"\n{_written(found)}"))


def _plain(text: str) -> str:
    """A sentence that may have words of a file in it, for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _sizes(before: int, after: int) -> str:
    if before == after:
        return format_size(before)
    return f"{format_size(before)} to {format_size(after)} ({after / before - 1:+.1%})"


def _savings(found: DietResult) -> Table:
    table = figures_table(("", "left"), ("bytes", "right"), ("of the file", "right"))
    for saving in found.savings:
        table.add_row(Text(saving.kind), f"{saving.saved_bytes:,}", f"{saving.saved_bytes / found.flash_before:.1%}")
    return table


def _proof(found: DietResult) -> Table:
    assert found.proof is not None
    return name_and_text(
        (one.outcome, Text.assemble((one.runtime, STYLES[one.outcome]), _said(one))) for one in found.proof.runtimes
    )


def _said(one: RuntimeProof) -> str:
    if one.outcome != "same":
        return f": {_plain((one.reason or '')[:200])}"
    parts = [f"{one.inputs} inputs" if one.inputs == one.asked else f"{one.inputs} of {one.asked} inputs in the time"]
    if one.delegated:
        parts.append(f"the delegate takes the same {one.delegated} of {one.operators} operators")
    if one.arena_after is not None:
        was = "as before" if one.arena_after == one.arena_before else f"before {one.arena_before or 0:,} B"
        parts.append(f"arena {one.arena_after:,} B, {was}")
    return f": {', '.join(parts)}"


def _written(found: DietResult) -> str:
    if found.out is not None:
        return (
            f"Written to {found.out}"
            if found.flash_after != found.flash_before
            else f"{found.out} is the file as it was"
        )
    if found.outcome == "fail":
        return "Nothing was written."
    return "Nothing was written: give --out FILE or --in-place."
