"""Cells that edgekit makes, by `edgekit.build`: a technique alone, the best chain of its own search, and that chain with other seeds."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from typing import Any
from unittest import mock

import edgekit
from edgekit.documents.candidate import Plan, Step
from edgekit.documents.events import Event, TrialFinished
from edgekit.documents.report import CandidateReport, Check, Metrics, Report
from edgekit.planner.planner import Planner
from edgekit.planner.rules import is_own
from edgekit.techniques import techniques
from edgekit.values import to_builtins
from smaller.settings import (
    DROP,
    NARROWED,
    STUDENT,
    STUDENT_WIDTHS,
    Chain,
    aim,
    chains,
    declined,
    project_text,
    without_facts,
)
from smaller.tasks import Prepared

Figures = dict[str, Any]
SIZES = ("flash", "download", "macs", "ram", "parameters", "nonzero_parameters", "latency")
ANY = 100.0
"""A loss in points that no candidate is refused for: it makes a file that was chosen before."""


class OwnChains(Planner):
    """Tries the baseline and the project's own chains, and nothing else: one technique alone, judged as every build judges."""

    def __init__(self, task: Any) -> None:
        super().__init__(task)
        self.waiting = [one for one in self.waiting if one.role == "baseline" or is_own(one)]

    def _add_chains(self) -> bool:
        return False

    def _control(self) -> None:
        return None


def plans(made: Prepared, device: str) -> list[Plan]:
    """What edgekit would try for the smallest file, and for the smallest download."""
    _write(made, ())
    return [edgekit.plan(device=device, project=made.folder, goal=goal) for goal in ("smallest", "download")]


def alone(made: Prepared, name: str, device: str, known: Sequence[Plan]) -> dict[str, Figures]:
    """The cell of a technique alone, and beside that of int8 the one of the baseline."""
    if name == NARROWED:
        return {name: _alone(made, name, device, known, STUDENT_WIDTHS[0])[0]}
    if name not in techniques():
        return {name: {"skipped": "this edgekit does not have it"}}
    if name == STUDENT:  # a project has one student, so that each is a build
        found = [_alone(made, name, device, known, width)[0] for width in STUDENT_WIDTHS[: 1 if made.quick else None]]
        return {name: fewest_bytes(found)}
    found, baseline = _alone(made, name, device, known)
    return {name: found | {"declined": declined(name, known)}} | ({"float32": baseline} if name == "int8" else {})


def fewest_bytes(found: Sequence[Figures]) -> Figures:
    """The smallest of the files that lost no more than may be lost; the one that lost least where all lost more, or any where none has figures."""
    there = [one for one in found if one.get("drop") is not None]
    held = [one for one in there if one["drop"] <= DROP]
    if held:
        return min(held, key=lambda one: float(one["flash"]))
    return min(there, key=lambda one: float(one["drop"]), default=found[0])


def _alone(
    made: Prepared, name: str, device: str, known: Sequence[Plan], student: float | None = None
) -> tuple[Figures, Figures]:
    """The figures of a technique's chosen setting, and those of the baseline."""
    tried = chains(name, device, known, quick=made.quick)
    report = _built(made, device, tried, aim(name, device), out=name, student=student)
    if report.chosen is None or not report.chosen.candidate.startswith("own_"):
        report = _forced(made, device, tried, report, name, student)
    baseline = {} if report.baseline is None else taken(made, report.baseline.metrics)
    return figures(made, report), baseline


def _forced(
    made: Prepared, device: str, tried: Sequence[Chain], report: Report, name: str, student: float | None
) -> Report:
    """The report of the chain that lost least, where none was kept within what may be lost: its figures on the test split."""
    least = min(_own(report), key=_drop, default=None)
    if least is None:
        return report
    number = int(least.candidate.partition(":")[0].removeprefix("own_"))
    return _built(made, device, tried[number - 1 : number], "smallest", out=name, max_drop=ANY, student=student)


def best(made: Prepared, device: str, time_budget: str) -> Figures:
    """The cell of what edgekit's own search chooses for the smallest file."""
    return figures(made, _built(made, device, (), "smallest", out="best", time_budget=time_budget, planner=Planner))


def again(made: Prepared, device: str, steps: Chain, seed: int) -> Figures:
    """The cell of a chain with another seed."""
    asked = tuple(Step(technique=one.technique, settings=without_facts(one.technique, one.settings)) for one in steps)
    return figures(made, _built(made, device, (asked,), "smallest", out=f"seed-{seed}", seed=seed, max_drop=ANY))


def figures(made: Prepared, report: Report) -> Figures:
    """The figures of a report's chosen file on the test split.

    Where no chain was chosen, since each missed a check besides that of its loss, those on the validation split of the one that lost least; else why there are none.
    """
    tried = {one.candidate: one for one in report.candidates}
    failures = "; ".join(f"{one.candidate}: {one.reason}" for one in report.candidates if one.outcome == "failed")
    chosen = None if report.chosen is None else tried.get(report.chosen.candidate)
    if chosen is not None and report.chosen is not None and chosen is not report.candidates[0]:
        found = taken(made, report.chosen.metrics) | {"missed": missed(report.checks)}
    else:
        chosen = min(_own(report), key=_drop, default=None)
        if chosen is None:
            return {"failed": failures or report.summary}
        found = taken(made, chosen.metrics) | {"missed": [chosen.reason], "split": "validation"}
    return found | {
        "candidate": chosen.candidate.partition(":")[2] or chosen.candidate, "steps": to_builtins(chosen.steps),
        "training": list(chosen.training), "seconds": round(sum(one.seconds for one in report.candidates), 1), "failures": failures,
    }  # fmt: skip


def _own(report: Report) -> list[CandidateReport]:
    """The project's own chains that have figures."""
    return [one for one in report.candidates if one.candidate.startswith("own_") and _drop(one) < math.inf]


def _drop(found: CandidateReport) -> float:
    """The points that a candidate lost on the validation split; infinite where that is not known."""
    drop = found.metrics.get("accuracy_drop")
    return math.inf if drop is None or drop.value is None else float(drop.value)


def missed(checks: Sequence[Check]) -> list[str]:
    """The checks that a file does not pass, without those of its loss, which the table shows itself."""
    return [
        one.name
        for one in checks
        if one.outcome in ("fail", "unknown") and one.name not in ("accuracy_drop", "selection")
    ]


def taken(made: Prepared, metrics: Metrics) -> Figures:
    """The figures that the table shows, by its own names."""
    names = {**{name: name for name in SIZES}, made.task.score: "score", "accuracy_drop": "drop"}
    return {ours: metrics[name].value for name, ours in names.items() if name in metrics}


def _built(
    made: Prepared, device: str, tried: Sequence[Chain], goal: str, *, out: str, seed: int = 0, max_drop: float | None = None,
    time_budget: str = "12h", planner: type[Planner] = OwnChains, student: float | None = None,
) -> Report:  # fmt: skip
    _write(made, tried, student)
    folder = made.folder / "builds" / device / out
    shutil.rmtree(folder, ignore_errors=True)
    with mock.patch("edgekit.search.one_device.Planner", planner):
        return edgekit.build(
            device=device, project=made.folder, goal=goal, out=folder, seed=seed, max_drop=max_drop, time_budget=time_budget, on_event=_told
        ).report  # fmt: skip


def _write(made: Prepared, tried: Sequence[Chain], student: float | None = None) -> None:
    (made.folder / "edgekit.toml").write_text(project_text(made, tried, student), encoding="utf-8")


def _told(event: Event) -> None:
    if isinstance(event, TrialFinished):
        flash = event.metrics["flash"].value if "flash" in event.metrics else None
        print(f"  {event.candidate}: {event.outcome}, {flash} B, {event.took_s:.0f} s {event.reason}", file=sys.stderr)
