"""The text below the picture of the candidates, which explains its marks, its line and its axes."""

from __future__ import annotations

from edgekit.documents.report import Report
from edgekit.emit.html.tried import Tried
from edgekit.verdict.wording import of_one_sample

KEY = {
    "chosen": "chosen",
    "chosen-fail": "closest to what was asked, and fails a check",
    "baseline": "float32, not optimised",
    "baseline-fail": "float32, not optimised, fails a check",
    "pass": "passes every check",
    "fail": "fails a check",
    "control": "control: trained as long, without the technique",
}


def key(tried: Tried) -> dict[str, str]:
    """The kinds of marks in the picture, and what each means."""
    there = {point.kind for point in tried.points}
    return {kind: words for kind, words in KEY.items() if kind in there}


def caption(report: Report, tried: Tried) -> str:
    """What the picture shows, how fine its figures are, and what its line means."""
    bases = {column.name: column.basis or "of several bases" for column in tried.columns}
    split = next((column.split for column in tried.columns if column.name == tried.accuracy), "")
    better = "more accurate" if tried.higher_is_better else f"better in {tried.accuracy}"
    where = f" on {split}" if split else ""
    return (
        f"{tried.accuracy.capitalize()} is {bases[tried.accuracy]}{where}, {tried.currency} is {bases[tried.currency]}"
        f"{_fineness(report, tried, split)}. The line is the Pareto front of {tried.front_of}: none of them is both as small "
        f"and {better}. The numbers are those of the table."
    )


def _fineness(report: Report, tried: Tried, split: str) -> str:
    """By how much a single sample changes the score, if that is a share of right answers."""
    samples = report.data.get("samples")
    number = samples.get(split) if isinstance(samples, dict) else None
    if tried.accuracy != "accuracy" or not isinstance(number, int) or number < 1:
        return ""
    return f"; one of the {number} samples is {of_one_sample(number)}"
