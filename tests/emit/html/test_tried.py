"""The candidates on the page: which of them is the baseline is told by the report, and by no technique's name."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.documents.candidate import Step
from edgekit.documents.report import Baseline, CandidateReport, Check, Metric, Report
from edgekit.emit.html.accuracy_size import pictures
from edgekit.emit.html.tried import tried


def figures(flash: int, accuracy: float) -> dict[str, Metric]:
    return {
        "accuracy": Metric(value=accuracy, unit="fraction", basis="simulated", source="a test"),
        "flash": Metric(value=flash, unit="B", basis="measured", source="a test"),
    }


def candidate(name: str, flash: int, accuracy: float, outcome: str = "pass") -> CandidateReport:
    return CandidateReport(
        candidate=name, steps=(Step(technique=name),), outcome=outcome, reason="", seconds=1.0,
        metrics=figures(flash, accuracy),
    )  # fmt: skip


@pytest.fixture
def report(sample_report: Report) -> Report:
    """A build whose baseline is called as nothing that edgekit has."""
    return msgspec.structs.replace(
        sample_report,
        outcome="pass",
        baseline=Baseline(metrics=figures(9000, 0.94)),
        chosen=msgspec.structs.replace(sample_report.chosen, candidate="halved"),
        candidates=(
            candidate("as_it_is", 9000, 0.95),
            candidate("halved", 4500, 0.949),
            candidate("float32", 9000, 0.9),
        ),
        checks=(Check(name="accuracy_drop", outcome="pass", limit=1.0, value=0.1, unit="points"),),
    )


def test_the_first_candidate_with_the_size_of_the_baseline_is_the_baseline(report):
    found = tried(report)
    assert [point.kind for point in found.points] == ["baseline", "chosen", "pass"]
    assert found.baseline is not None and found.baseline.name == "as_it_is"


def test_the_least_score_is_counted_from_the_baselines_on_the_split_that_chooses(report):
    (drawn,) = pictures(report, tried(report), (720.0,))
    below = msgspec.structs.replace(report, candidates=(report.candidates[0], candidate("halved", 4500, 0.939)))
    (lower,) = pictures(below, tried(below), (720.0,))
    mark = next(mark for mark in lower.marks if mark.point.name == "halved")
    assert drawn.accuracy_limit is not None and drawn.accuracy_limit.text == "limit 94.00%"
    assert lower.accuracy_limit is not None and mark.y > lower.accuracy_limit.at, "0.95 less a point is above 0.939"


def test_a_baseline_that_is_chosen_is_still_what_the_drop_is_counted_from(report):
    chosen = msgspec.structs.replace(report.chosen, candidate="as_it_is")
    found = tried(msgspec.structs.replace(report, chosen=chosen))
    assert found.points[0].kind == "chosen" and found.baseline == found.points[0]


@pytest.mark.parametrize("baseline", [None, Baseline(metrics={}), Baseline(metrics=figures(8999, 0.94))])
def test_without_a_baseline_of_that_size_none_is_marked(report, baseline):
    found = tried(msgspec.structs.replace(report, baseline=baseline))
    assert found.baseline is None and "baseline" not in {point.kind for point in found.points}
