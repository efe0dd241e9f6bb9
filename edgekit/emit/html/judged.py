"""The verdict's part of the page: baseline against result, where the figures come from, the checks with their limits.

The report may have been written by anybody, and nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from edgekit.devices.profile import DeviceProfile, limits
from edgekit.documents.report import Check, Report
from edgekit.emit.html.figures import NOTHING, Figure, figure_of, shown
from edgekit.values import Value
from edgekit.verdict.phrases import grouped
from edgekit.verdict.wording import KERAS, beside, change, ordered

WORDS = {
    "accuracy_drop": "points lost against the baseline, on the same samples",
    "agreement": "decisions that are those of the original model",
    "flash": "size of the file that the device gets",
    "flash_plain": "size of the file before the NPU's compiler",
    "download": "size of the file, deflated",
    "ram": "memory that the model takes",
    "ram_margin": "memory to add for a board's own kernels",
    "firmware": "the file and the code that runs it",
    "sram": "memory on the chip that the NPU takes",
    "latency": "median of one inference at batch 1",
    "macs": "multiply-accumulates of one inference",
    "parameters": "elements of all constant weights",
    "sparsity": "zeros among the kernels' weights",
    "nonzero_parameters": "elements of all constant weights that are not zero",
    "coded": "size of the file with weights at their entropy",
    "not_weights": "bytes of the file that are no constant data",
    "peak_memory": "the most that activations take at once",
}


class Comparison(Value):
    """One metric of the baseline and of the result."""

    name: str
    words: str
    before: Figure
    after: Figure
    change: str


class Source(Value):
    """Where figures come from, with the names of those that share it."""

    names: tuple[str, ...]
    basis: str
    text: str


class CheckRow(Value):
    """One check that was asked for."""

    name: str
    limit: Figure
    found: Figure
    outcome: str
    reason: str


class Reason(Value):
    """A reason with the names of those that share it."""

    names: tuple[str, ...]
    text: str


def comparison(report: Report) -> tuple[Comparison, ...]:
    """Every metric of the baseline and the result; Keras's own score is below the score it belongs to."""
    before = report.baseline.metrics if report.baseline else {}
    after = report.chosen.metrics if report.chosen else {}
    return tuple(
        Comparison(
            name=name,
            words=words_of(name),
            before=shown(name, before.get(name)),
            after=shown(name, after.get(name)),
            change=change(name, before.get(name), after.get(name)),
        )
        for name in _with_keras(ordered(before, after))
    )


def _with_keras(names: list[str]) -> list[str]:
    own = [name for name in names if name.startswith(KERAS)]
    placed = [found for name in names if name not in own for found in (name, KERAS + name) if found in names]
    return placed + [name for name in own if name not in placed]


def words_of(name: str) -> str:
    """A metric's meaning, in a few words."""
    if name.startswith(KERAS):
        return "of the Keras model itself, before any conversion"
    return WORDS.get(name, "the score of the model")


def sources(report: Report) -> tuple[Source, ...]:
    """Each source once, with the figures of the result (else of the baseline) that come from it."""
    metrics = (report.baseline.metrics if report.baseline else {}) | (report.chosen.metrics if report.chosen else {})
    found: dict[tuple[str, str], list[str]] = {}
    for name in _with_keras(ordered(metrics)):
        metric = metrics[name]
        parts = [metric.source or metric.reason or ""]
        parts += [f"{metric.split} split"] if metric.split else []
        parts += (
            [f"{metric.threads} thread{'s' * (metric.threads != 1)} of {metric.runtime}"]
            if _ran(metric.threads, metric.runtime)
            else []
        )
        if text := "; ".join(part for part in parts if part):
            found.setdefault((metric.basis or "unknown", text), []).append(name)
    return tuple(Source(names=tuple(names), basis=basis, text=text) for (basis, text), names in found.items())


def _ran(threads: int | None, runtime: str | None) -> bool:
    return threads is not None and runtime is not None


def checks(report: Report, profile: DeviceProfile | None) -> tuple[CheckRow, ...]:
    """The checks that were asked for, those that prevent a pass first.

    The profile's limits have the basis that the profile gives; any other limit was chosen by somebody.
    """
    known = limits(profile) if profile else {}
    bases = {(name, quantity.value): quantity.basis for name, quantity in known.items()}
    asked = [check for check in report.checks if check.outcome != "not asked"]
    return tuple(
        CheckRow(
            name=check.name,
            limit=_limit(check, bases.get((check.name, _number(check.limit)), "declared")),
            found=_found(check),
            outcome=check.outcome,
            reason=check.reason,
        )
        for check in sorted(asked, key=lambda check: check.outcome == "pass")
    )


def _number(limit: float | str | None) -> float | None:
    return None if isinstance(limit, str) else limit


def _limit(check: Check, basis: str) -> Figure:
    if check.limit is None:
        return NOTHING
    _, text = beside(check.name, check.value, check.limit, check.unit)
    return Figure(text=text, basis="" if isinstance(check.limit, str) else basis)


def _found(check: Check) -> Figure:
    """The figure that was compared with the limit; a check without a figure is not shown as unknown."""
    if check.value is None:
        return Figure(text="not known", basis="unknown") if check.outcome == "unknown" else NOTHING
    text, _ = beside(check.name, check.value, check.limit, check.unit)
    found = figure_of(check.name, check.value, check.unit, check.basis, check.low, check.high)
    return msgspec.structs.replace(found, text=text)


def not_asked(report: Report) -> tuple[Reason, ...]:
    """The checks that decide nothing, and why."""
    return _reasons((check.name, check.reason) for check in report.checks if check.outcome == "not asked")


def declined(report: Report) -> tuple[Reason, ...]:
    """What was not tried, and why."""
    return _reasons((each.technique, each.reason) for each in report.declined)


def _reasons(pairs: Iterable[tuple[str, str]]) -> tuple[Reason, ...]:
    return tuple(Reason(names=names, text=reason) for names, reason in grouped(pairs))
