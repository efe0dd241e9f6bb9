"""The findings of a build's report: what was found before the search, in it, and in the chosen file."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.report import Finding
from edgekit.measure.measure import Measured
from edgekit.planner.findings import few_samples, time_cut
from edgekit.planner.trial import Trial
from edgekit.sanity.size import NAME as SIZE
from edgekit.sanity.size import too_few
from edgekit.search.loop import Search
from edgekit.search.trials import TrialRunner
from edgekit.techniques.interface import Task

NO_FILE = "it gave no file before its time was over"


def findings_of_search(found: Search, picked: Trial | None, task: Task) -> tuple[Finding, ...]:
    """The findings that make the choice hard to believe."""
    shortened: list[tuple[str, Sequence[str]]] = [
        (one.trial.candidate.name, one.cut) for one in found.finished if one.cut
    ]
    drop = picked.metrics.get("accuracy_drop") if picked is not None else None
    shortened += [(name, (NO_FILE,)) for name in found.unfinished]
    told = (time_cut(found.not_tried, shortened), few_samples(drop, task.goal.max_drop_points))
    return tuple(one for one in told if one is not None)


def findings_of_file(runner: TrialRunner, measured: Measured) -> tuple[Finding, ...]:
    """What was found beforehand and in the chosen file.

    Once the drop's interval is known, the finding from it replaces the earlier guess from the number of samples.
    """
    drop = measured.metrics.get("accuracy_drop")
    told = None
    if drop is not None and drop.low is not None:
        told = too_few(drop, runner.dataset.splits["test"].samples, runner.limits.values.get("accuracy_drop", 0.0))
    before = [one for one in runner.findings if one.name != SIZE or drop is None or drop.low is None]
    return (*before, *measured.findings, *((told,) if told is not None else ()))
