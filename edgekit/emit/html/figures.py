"""A figure as the page shows it: its text, its interval, the mark of its basis; or why there is no figure."""

from __future__ import annotations

from edgekit.documents.report import Metric
from edgekit.values import Basis, Value
from edgekit.verdict.wording import ABSENT, figure, interval

BASES: dict[str, str] = {
    "measured": "counted in the file, or taken on that very device",
    "simulated": "taken on this machine: on the device's kind of runtime, or by its NPU's compiler",
    "predicted": "computed by a cost model, with the interval that it is meant to lie in",
    "published": "said by a data sheet or a paper; it passes no check",
    "declared": "someone's choice; it passes no check",
    "unknown": "cannot be had, for the reason given; it passes no check",
}
"""What each mark stands for, in the order of the legend."""


class Figure(Value):
    """A figure; `basis` is a key of `BASES`, empty if the text is not a figure.

    `detail` is an interval or the exact number of bytes, `reason` why there is no figure.
    """

    text: str
    basis: str = ""
    detail: str = ""
    reason: str = ""


NOTHING = Figure(text=ABSENT)


def brief(name: str, metric: Metric | None, basis: str) -> Figure:
    """A metric for a column whose head shows the `basis`: without the mark, and shortened to fit the column."""
    found = shown(name, metric)
    return Figure(
        text=found.text,
        basis="" if found.basis == basis else found.basis,
        detail="" if metric is None or metric.low is None else found.detail,
    )


def shown(name: str, metric: Metric | None) -> Figure:
    """A metric as a figure: a dash if it does not exist, unknown with its reason if it has no value."""
    if metric is None:
        return NOTHING
    return figure_of(name, metric.value, metric.unit, metric.basis, metric.low, metric.high, metric.reason or "")


def figure_of(
    name: str,
    value: float | str | None,
    unit: str,
    basis: Basis | None,
    low: float | None,
    high: float | None,
    reason: str = "",
) -> Figure:
    """A value with its unit as a figure, with its interval or, for a size, its exact bytes."""
    if value is None:
        return Figure(text="not known", basis="unknown", reason=reason or "no reason was given")
    detail = interval(name, low, high, unit)
    if not detail and unit == "B" and not isinstance(value, str) and value >= 1024:
        detail = f"{value:,.0f} B"
    return Figure(text=figure(name, value, unit), basis=basis or "unknown", detail=detail, reason=reason)
