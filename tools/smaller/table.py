"""The tables of docs/benchmarks.md, made of cells: sizes, shares of the int8 file, scores, and whether the drop stayed within half a point."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from smaller.by_hand import RECIPES
from smaller.settings import CONVERTED, DROP, NARROWED, TRAINED
from smaller.tasks import DEVICES, LINUX, Task

Figures = Mapping[str, Any]
HAND = "by hand: "
HEADS = (
    "",
    "file",
    "raw, B",
    "of int8",
    "deflated, B",
    "MACs",
    "RAM, B",
    "{score}",
    "points lost",
    f"at most {DROP} lost",
)
ORDER = ("float32", *CONVERTED, *TRAINED, NARROWED, "best", *(f"{HAND}{recipe}" for recipe in RECIPES))
TITLES = {"best": "**edgekit's own search**"}
WORDS = {"best": "its own search"}
PLACES = {LINUX: "any runtime, `rpi4`"}
SEED = "seed "


def tables(task: Task, cells: Mapping[str, Mapping[str, Figures]]) -> str:
    """A task's part of the page; `cells` are its rows by device."""
    parts = [f"### {task.title}"]
    for device in DEVICES:
        rows = cells.get(device, {})
        if rows:
            parts += ["", f"On {PLACES.get(device, f'tflite-micro, `{device}`')}:", "", _table(task, rows)]
            parts += ["", *(f"- {line}" for line in remarks(task, device, rows))]
    return "\n".join(parts)


def _table(task: Task, rows: Mapping[str, Figures]) -> str:
    score = "AUC" if task.metric else "accuracy"
    lines = [f"| {' | '.join(HEADS).format(score=score)} |", "|---|---|" + "---:|" * (len(HEADS) - 3) + "---|"]
    plain = rows.get("int8", {}).get("flash")
    return "\n".join([*lines, *(_row(name, rows[name], plain) for name in ORDER if name in rows)])


def _row(name: str, found: Figures, plain: float | None) -> str:
    title = TITLES.get(name, name)
    if found.get("failed") or found.get("skipped"):
        reason = found.get("declined") or found.get("failed") or found["skipped"]
        return f"| {title} | no file: {_one_line(reason)} |" + " |" * (len(HEADS) - 2)
    share = f"{found['flash'] / plain:.0%}" if plain else ""
    cells = [
        title, str(found.get("candidate", "")), _count(found.get("flash")), share, _count(found.get("download")), _count(found.get("macs")),
        _count(found.get("ram")), _score(found.get("score")), _points(found.get("drop")), _within(found),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def remarks(task: Task, device: str, rows: Mapping[str, Figures]) -> list[str]:
    """What is wanted and what came of it, the best recipe by hand, the seeds of the chosen chain."""
    found = [*_wanted(task, device, rows), *_beside_hand(rows)]
    reasons = {name: one["declined"] for name, one in rows.items() if one.get("declined")}
    found += [f"Not tried by the search itself: {name}: {_one_line(reason)}" for name, reason in reasons.items()]
    seeds = {name.removeprefix(SEED): one for name, one in rows.items() if name.startswith(SEED) and "drop" in one}
    if seeds:
        told = ", ".join(
            f"{_score(one['score'])} ({_points(one['drop'])} points lost, {_count(one['flash'])} B)"
            for one in seeds.values()
        )
        drops = [one["drop"] for one in seeds.values()]
        spread = f", standard deviation {statistics.stdev(drops):.2f}" if len(drops) > 1 else ""
        found.append(
            f"The chosen chain with seeds {', '.join(seeds)}: {told}; mean loss {statistics.fmean(drops):.2f}{spread}."
        )
    return found


def _wanted(task: Task, device: str, rows: Mapping[str, Figures]) -> list[str]:
    """Whether the smallest file within the loss allowed is as small as is wanted."""
    ours, plain = smallest(rows, by_hand=False), rows.get("int8", {}).get("flash")
    if device not in task.wanted or ours is None or not plain:
        return []
    limit = task.wanted[device] if task.wanted[device] > 1 else task.wanted[device] * plain
    name, flash = ours
    came = "reached" if flash <= limit else f"missed by {flash - limit:,.0f} B"
    return [f"Wanted: {limit:,.0f} B or less; {came}: {flash:,.0f} B by {WORDS.get(name, name)}."]


def _beside_hand(rows: Mapping[str, Figures]) -> list[str]:
    ours, theirs = smallest(rows, by_hand=False), smallest(rows, by_hand=True)
    if ours is None or theirs is None:
        return []
    return [
        f"The smallest file by hand within {DROP} points is {theirs[1]:,.0f} B ({theirs[0]}); edgekit's is {ours[1] / theirs[1]:.0%} of it."
    ]


def smallest(rows: Mapping[str, Figures], *, by_hand: bool) -> tuple[str, float] | None:
    """The row with the fewest raw bytes of those that lost no more than is allowed, and its bytes; None where there is none."""
    held = {name: one["flash"] for name, one in rows.items() if name in ORDER and is_within(one)}
    held = {name: flash for name, flash in held.items() if name.startswith(HAND) == by_hand and name != "float32"}
    return min(held.items(), key=lambda item: item[1], default=None)


def is_within(found: Figures) -> bool:
    """Whether a file lost no more points on the test split than is allowed, and misses no other check of the device."""
    drop = found.get("drop")
    return drop is not None and drop <= DROP + 1e-9 and not found.get("missed")


def _within(found: Figures) -> str:
    if found.get("drop") is None:
        return ""
    told = ["on the validation split"] * ("split" in found) + [_one_line(one) for one in found.get("missed", ())]
    return "yes" if is_within(found) else "; ".join(["**no**", *told])


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _one_line(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")[:300]
