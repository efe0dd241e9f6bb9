"""The part of the page on decisions: the classes that are confused, what each loses, the errors, the samples that changed.

The report may have been written by anybody: whatever in it is inconsistent is left out.
"""

from __future__ import annotations

import re

from edgekit.documents.decisions import Changed, ClassShare, Decisions
from edgekit.documents.report import Report
from edgekit.emit.html.figures import NOTHING, Figure
from edgekit.emit.html.histogram import Histogram, histogram
from edgekit.emit.html.matrix import Matrix, matrix
from edgekit.values import Basis, Value
from edgekit.verdict.wording import accuracy_name, plain, points

MOST_ROWS = 12
"""With more classes, only those that lose the most are shown."""
MOST_SAMPLES = 24
_PNG = re.compile(r"^iVBORw0KGgo[A-Za-z0-9+/]{20,40000}={0,2}$")
"""How a PNG in base64 begins."""


class ClassRow(Value):
    """One class, with its share of right decisions."""

    label: str
    samples: str
    before: Figure
    after: Figure
    lost: str


class SampleCard(Value):
    """One sample that changed; `kind` is 'lost', 'gained' or 'moved', `source` the address of its picture."""

    name: str
    kind: str
    truth: str
    before: str
    after: str
    source: str
    values: str


class DecidedView(Value):
    """The part of the page; what has no content is empty."""

    said: str
    has_before: bool
    matrix: Matrix | None
    matrix_reason: str
    classes: tuple[ClassRow, ...]
    left_out: str
    histograms: tuple[Histogram, ...]
    error_words: str
    samples: tuple[SampleCard, ...]
    samples_said: str


def decided(report: Report, widths: tuple[float, float]) -> DecidedView | None:
    """The view of a report's decisions; None if it has none."""
    found = report.decisions
    if found is None:
        return None
    basis = _basis(report)
    shown = matrix(found.confusion, found.labels)
    rows = _worst(found.classes)
    return DecidedView(
        said=_said(found),
        has_before=any(one.before is not None for one in found.classes),
        matrix=shown,
        matrix_reason=""
        if shown or found.kind != "classes"
        else "there are too many classes for a table of what is taken for what",
        classes=tuple(_class(one, basis) for one in rows),
        left_out=f"{len(found.classes) - len(rows)} more classes lose less" if len(rows) < len(found.classes) else "",
        histograms=tuple(one for width in widths if (one := histogram(found.errors, width)) is not None),
        error_words=found.errors.what if found.errors else "",
        samples=tuple(_card(one, found.kind) for one in found.changed[:MOST_SAMPLES]),
        samples_said=_samples_said(found),
    )


def _basis(report: Report) -> Basis | None:
    metric = report.chosen.metrics.get(accuracy_name(report) or "") if report.chosen else None
    return metric.basis if metric else None


def _said(found: Decisions) -> str:
    if found.kind == "numbers":
        return f"The errors of {found.samples} samples of the {found.split} split."
    if not any(one.before is not None for one in found.classes):
        return f"The decisions on {found.samples} samples of the {found.split} split."
    return (
        f"On {found.samples} samples of the {found.split} split {found.changed_samples} are decided differently than by the baseline: "
        f"{found.lost} that were right are wrong now, {found.gained} that were wrong are right now"
        + (f", {found.still_wrong} are wrong in another way." if found.still_wrong else ".")
    )


def _worst(classes: tuple[ClassShare, ...]) -> list[ClassShare]:
    """All classes in their order; if there are many, those that lose the most, then those with the fewest right."""
    if len(classes) <= MOST_ROWS:
        return list(classes)
    return sorted(classes, key=lambda one: (-(one.points_lost or 0.0), one.after))[:MOST_ROWS]


def _class(one: ClassShare, basis: Basis | None) -> ClassRow:
    def share(value: float | None) -> Figure:
        known = value is not None and 0 <= value <= 1
        return Figure(text=f"{value:.2%}", basis=basis or "unknown") if known else NOTHING

    return ClassRow(
        label=one.label,
        samples=f"{one.samples:,}",
        before=share(one.before),
        after=share(one.after),
        lost=_lost(one.points_lost),
    )


def _lost(lost: float | None) -> str:
    """What a class lost, in words; empty if not known, or not a share."""
    if lost is None or not abs(lost) <= 100:
        return ""
    return "none" if abs(lost) < 0.005 else f"{points(abs(lost))} {'lost' if lost > 0 else 'gained'}"


def _card(one: Changed, kind: str) -> SampleCard:
    is_number = kind == "numbers"
    return SampleCard(
        name=f"sample {one.sample}",
        kind="moved" if is_number or one.truth is None else _kind(one),
        truth=_text(one.truth) if one.truth is not None else "",
        before=_text(one.before),
        after=_text(one.after),
        source=f"data:image/png;base64,{one.picture}" if _PNG.match(one.picture) else "",
        values=", ".join(f"{value:g}" for value in one.values[:8]),
    )


def _kind(one: Changed) -> str:
    if one.before == one.truth:
        return "lost"
    return "gained" if one.after == one.truth else "moved"


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else plain(value)


def _samples_said(found: Decisions) -> str:
    number = min(len(found.changed), MOST_SAMPLES)
    if not number:
        return ""
    which = f"{number} of {found.changed_samples}" if number < found.changed_samples else f"all {number}"
    how = "whose output moved the furthest" if found.kind == "numbers" else "that are decided differently"
    return f"The samples {how} ({which}), with their row in the test data, counted from 0. They are for reading: nothing was chosen by them."
