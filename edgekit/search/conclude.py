"""The report of a finished search: the chosen candidate judged on the test split, which no choice has used.

Nothing is chosen again: a chosen candidate that fails on test fails the build, and the report says so.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from edgekit.documents.candidate import Declined
from edgekit.documents.compiled import COMPILED_FILE, Compiled
from edgekit.documents.decisions import Decisions
from edgekit.documents.facts import ModelFacts, TensorFacts, port_names
from edgekit.documents.report import Baseline, CandidateReport, Check, Chosen, Finding, InputFacts, Metrics, Report
from edgekit.findings.telling import sanity_check
from edgekit.jobs.worker import Failed
from edgekit.measure.decisions import decisions_on
from edgekit.measure.emulator_check import NAME as EMULATOR
from edgekit.measure.emulator_check import note_of
from edgekit.measure.measure import Measured
from edgekit.planner import nearest
from edgekit.planner.findings import TIME_CUT, few_samples, time_cut
from edgekit.planner.proposal import Proposal
from edgekit.planner.schedules import schedule_notes, steps_of
from edgekit.planner.trial import Trial, figure
from edgekit.progress import Progress
from edgekit.sanity.size import NAME as SIZE
from edgekit.sanity.size import too_few
from edgekit.search.diet import Slim, proven
from edgekit.search.loop import Search
from edgekit.search.trials import Finished, TrialRunner
from edgekit.techniques.interface import Task
from edgekit.techniques.steps import published
from edgekit.units import format_ms, format_size
from edgekit.verdict.checks import misses, outcome, warnings
from edgekit.version import __version__

FAITHFUL = 0.99
"""A float32 file that agrees less than this with the Keras model gets a warning; rounding alone stays far above."""


NO_FILE = "it gave no file before its time was over"
MOST_DIGITS = 6
LEANER = 2.0
"""A candidate that passes and needs this many times less RAM than the chosen one gets a note."""


class Choice(Protocol):
    """What was chosen on the validation split, and what was not tried: usually a planner that was told of every trial."""

    declined: list[Declined]
    too_large: list[Proposal]

    def best(self) -> Trial | None:
        """The chosen trial, which passes; None where none does."""
        ...

    def closest(self) -> Trial | None:
        """Where none passes, the trial that misses by the least."""
        ...

    def reasons(self) -> dict[str, str]:
        """Why each passing trial that is not chosen was not, by name, the runner-up first."""
        ...


def conclude(
    choice: Choice, found: Search, runner: TrialRunner, task: Task, *, progress: Progress
) -> tuple[Report, Path | None, Path | None]:
    """The report, the chosen file, and what an NPU's compiler made of it; None where there is none."""
    finished, reasons = found.finished, choice.reasons()
    by_name = {found.trial.candidate.name: found for found in finished}
    best = choice.best()
    picked = best or choice.closest()
    base = next((found for found in finished if found.trial.candidate.role == "baseline"), None)
    trained = {found.trial.candidate.name for found in finished if found.trial.candidate.role == "control"}
    searched = _search_findings(found, picked, task)
    report = Report(
        edgekit_version=__version__,
        device=runner.profile.id,
        findings=(*runner.findings, *searched),
        baseline=_baseline(base, runner, progress),
        candidates=tuple(_candidate(found, picked, reasons, trained) for found in finished),
        declined=tuple(choice.declined),
        notes=(
            *_runner_up(picked, reasons),
            *_told_of(picked, by_name),
            *_notes(finished, runner),
            *_trade(finished, picked, task.goal.currency),
            *schedule_notes([one.trial.candidate for one in finished], _steps(runner)),
        ),
        data=_data_facts(runner),
    )
    if picked is None:
        failures = "; ".join(f"{found.trial.candidate.name}: {found.trial.failure}" for found in finished)
        return msgspec.structs.replace(report, summary=f"no candidate gave a file: {failures}"), None, None
    chosen = by_name[picked.candidate.name]
    slim = proven(chosen, runner, progress=progress)
    path = Path(slim.path)
    measured = runner.measure(path, "test", progress=progress)
    scores = () if isinstance(measured, Failed) else measured.scores
    if isinstance(measured, Failed):
        checks: tuple[Check, ...] = (Check(name="runtime", outcome="fail", reason=measured.reason),)
        measured = chosen.measured or Measured(metrics={}, checks=(), inputs=(), outputs=())
    else:
        checks = runner.checks(measured)
    on_board = runner.emulated(path, progress=progress)
    if on_board is not None:
        checks = (*checks, on_board)
        report = msgspec.structs.replace(report, notes=(*report.notes, *note_of(on_board)))
    if best is None:
        checks = (*checks, _selection(picked))
    findings = (*_findings(runner, measured), *searched)
    if runner.project.strict:
        checks = (*checks, sanity_check([one for one in findings if one.name != TIME_CUT]))
    result = outcome(checks)
    trials = [found.trial for found in finished]
    too_little = None if best is not None else nearest.too_little(task, trials, choice.too_large)
    summary = _summary(picked, measured.metrics, checks, nothing_fits=best is None, too_little=too_little)
    report = msgspec.structs.replace(
        report,
        notes=(*report.notes, *([slim.note] if slim.note else [])),
        findings=findings,
        outcome=result,
        summary=f"{summary}{_cut_short(found)}",
        chosen=_chosen(chosen, slim, measured, task.facts),
        checks=checks,
        decisions=_decisions(base, scores, runner, progress),
    )
    return report, path, _compiled_file(measured)


def refuse(runner: TrialRunner) -> Report:
    """The report where `--strict` ends a build before anything is made."""
    findings = runner.findings
    names = ", ".join(dict.fromkeys(finding.name for finding in findings))
    return Report(
        edgekit_version=__version__,
        device=runner.profile.id,
        summary=f"stopped before any work, as --strict asks: {names}",
        checks=(sanity_check(findings),),
        findings=findings,
        notes=(*runner.dataset.notes, *runner.notes),
        data=_data_facts(runner),
    )


def _findings(runner: TrialRunner, measured: Measured) -> tuple[Finding, ...]:
    """What was found beforehand and in the chosen file.

    Once the drop's interval is known, the finding from it replaces the earlier guess from the number of samples.
    """
    drop = measured.metrics.get("accuracy_drop")
    told = None
    if drop is not None and drop.low is not None:
        told = too_few(drop, runner.dataset.splits["test"].samples, runner.limits.values.get("accuracy_drop", 0.0))
    before = [one for one in runner.findings if one.name != SIZE or drop is None or drop.low is None]
    return (*before, *measured.findings, *((told,) if told is not None else ()))


def _compiled_file(measured: Measured) -> Path | None:
    compiled = measured.compiled
    return Path(compiled.path) if compiled is not None and compiled.path is not None else None


def _baseline(base: Finished | None, runner: TrialRunner, progress: Progress) -> Baseline | None:
    """The baseline on the test split, with the Keras model's own score."""
    if base is None or base.tflite is None:
        return None
    measured = runner.measure(Path(base.tflite), "test", progress=progress)
    metrics = {} if isinstance(measured, Failed) else dict(measured.metrics)
    metrics.pop("accuracy_drop", None)
    keras = runner.keras_score("test", progress=progress)
    if keras is not None:
        metrics[f"keras_{runner.project.goal.judged_by.name}"] = keras
    return Baseline(metrics=metrics, sha256=hashlib.sha256(Path(base.tflite).read_bytes()).hexdigest())


def _decisions(
    base: Finished | None, after: Sequence[str], runner: TrialRunner, progress: Progress
) -> Decisions | None:
    """What the chosen file decides on the test split, compared with the baseline."""
    before = (
        None if base is None or base.tflite is None else runner.measure(Path(base.tflite), "test", progress=progress)
    )
    scores = before.scores if isinstance(before, Measured) else ()
    return decisions_on(runner.dataset, "test", runner.project.goal.judged_by, scores, after)


def _selection(picked: Trial) -> Check:
    """The check that fails where no candidate passed on the validation split, whatever the test split says."""
    missed = "; ".join(f"{check.name}: {check.reason}" for check in misses(picked.checks))
    return Check(
        name="selection", outcome="fail", reason=f"no candidate passed on validation; the closest misses {missed}"
    )


def _chosen(found: Finished, slim: Slim, measured: Measured, facts: ModelFacts) -> Chosen:
    return Chosen(
        candidate=found.trial.candidate.name,
        steps=published(found.trial.candidate.steps),
        path="model.tflite",
        sha256=hashlib.sha256(Path(slim.path).read_bytes()).hexdigest(),
        metrics=measured.metrics,
        inputs=_laid(measured.inputs, facts.inputs),
        outputs=_laid(measured.outputs, facts.outputs),
        compiled=_beside_report(measured.compiled),
        layers=found.before.labels if found.before is not None else (),
        diet=slim.diet,
    )


def _laid(ports: Sequence[InputFacts], tensors: Sequence[TensorFacts]) -> tuple[InputFacts, ...]:
    """A file's inputs or outputs, which may be in another order than the model's, with the layout that they have in it."""
    layouts = dict(zip(port_names(tensors), (tensor.layout for tensor in tensors), strict=True))
    return tuple(msgspec.structs.replace(port, layout=layouts.get(port.name, "")) for port in ports)


def _beside_report(compiled: Compiled | None) -> Compiled | None:
    """The compiled file with its path as the report gives it: it lies in the same folder."""
    if compiled is None or compiled.path is None:
        return compiled
    return msgspec.structs.replace(compiled, path=COMPILED_FILE)


def _candidate(
    found: Finished, picked: Trial | None, reasons: Mapping[str, str], trained: Collection[str]
) -> CandidateReport:
    """A candidate's part of the report; `trained` holds the names of the controls that were trained."""
    trial = found.trial
    return CandidateReport(
        candidate=trial.candidate.name,
        steps=published(trial.candidate.steps),
        outcome=trial.outcome,
        reason=_reason(trial, picked, reasons),
        seconds=trial.seconds,
        metrics=trial.metrics,
        evidence=found.evidence,
        training=found.training,
        control=trial.candidate.control if trial.candidate.control in trained else None,
    )


def _reason(trial: Trial, picked: Trial | None, reasons: Mapping[str, str]) -> str:
    if trial.failure is not None:
        return trial.failure
    if trial.candidate.role == "control":
        return "the float model fine-tuned by the same rules as the trained candidates"
    missed = trial.missed
    if picked is not None and trial.candidate.name == picked.candidate.name:
        return "chosen" if not missed else f"closest; {missed}"
    return missed or f"fits, and {reasons.get(trial.candidate.name, 'another was chosen')}"


def _runner_up(picked: Trial | None, reasons: Mapping[str, str]) -> list[str]:
    """Why the chosen candidate was chosen over the runner-up."""
    if picked is None or not picked.passes or not reasons:
        return []
    other, reason = next(iter(reasons.items()))
    return [f"{picked.candidate.name} was chosen over {other}, which {reason}"]


def _told_of(picked: Trial | None, by_name: Mapping[str, Finished]) -> list[str]:
    """What the techniques of the chosen candidate have to say of its file, each with how it was trained."""
    if picked is None:
        return []
    trained = by_name[picked.candidate.name].training
    notes = []
    for step in picked.candidate.steps:
        told, own = step.technique.told(step.settings), f"{step.technique.name}: "
        how = [line.removeprefix(own) for line in trained if line.startswith(own)]
        notes += (
            [f"{picked.candidate.name}: {told}" + "".join(f" (trained with {line})" for line in how)] if told else []
        )
    return notes


def _search_findings(found: Search, picked: Trial | None, task: Task) -> tuple[Finding, ...]:
    """The findings that make the choice hard to believe."""
    shortened: list[tuple[str, Sequence[str]]] = [
        (one.trial.candidate.name, one.cut) for one in found.finished if one.cut
    ]
    drop = picked.metrics.get("accuracy_drop") if picked is not None else None
    shortened += [(name, (NO_FILE,)) for name in found.unfinished]
    told = (time_cut(found.not_tried, shortened), few_samples(drop, task.goal.max_drop_points))
    return tuple(one for one in told if one is not None)


def _cut_short(found: Search) -> str:
    """What the summary adds where the search was cut for lack of time."""
    shortened = sum(bool(one.cut) for one in found.finished)
    counted = {
        "not tried": len(found.not_tried),
        "ended without a file": len(found.unfinished),
        "trained for less time": shortened,
    }
    parts = [f"{count} {what}" for what, count in counted.items() if count]
    return f"; the time budget cut the search: {', '.join(parts)}" if parts else ""


def _notes(finished: Sequence[Finished], runner: TrialRunner) -> tuple[str, ...]:
    notes = [*runner.dataset.notes, *runner.notes]
    for found in finished:
        notes += [note for note in found.notes if note not in notes]
        notes += [note for note in (found.measured.notes if found.measured else ()) if note not in notes]
    return (*_unfaithful_baseline(finished), *notes, *_beside_control(finished))


def _trade(finished: Sequence[Finished], picked: Trial | None, currency: str | None) -> list[str]:
    """A note where a candidate with half of the chosen one's RAM passes too: the goal's metric decided and does not show that."""
    if picked is None or not picked.passes or currency in (None, "ram"):
        return []
    show = format_ms if currency == "latency" else format_size
    others = [found.trial for found in finished if found.trial.passes and found.trial.candidate.role == "candidate"]
    mine = figure(picked, "ram")
    leaner = [trial for trial in others if math.isfinite(mine) and figure(trial, "ram") * LEANER <= mine]
    if not leaner:
        return []
    other = min(leaner, key=lambda trial: (figure(trial, currency), trial.candidate.name))
    ram, cost = format_size(figure(other, "ram")), figure(other, currency)
    return [
        f"{picked.candidate.name} was chosen by its {currency}, {show(figure(picked, currency))}, and takes {format_size(mine)} of ram; "
        f"{other.candidate.name} passes too, with {ram} of ram and {show(cost)} of {currency}"
    ]


def _unfaithful_baseline(finished: Sequence[Finished]) -> list[str]:
    """A warning where the converter alone already changed the model, which no drop from the baseline can show."""
    base = next((found for found in finished if found.trial.candidate.role == "baseline"), None)
    agreed = _value(base.trial.metrics, "agreement") if base is not None else None
    if base is None or agreed is None or agreed >= FAITHFUL:
        return []
    return [
        f"warning: the float32 .tflite agrees with the Keras model to {agreed:.1%} only "
        f"({base.trial.metrics['agreement'].source}): the converter changed the model, and drops are counted from that"
    ]


def _beside_control(finished: Sequence[Finished]) -> list[str]:
    """What each technique gains or costs beyond its control, which was trained as long without it."""
    drops = {found.trial.candidate.name: _value(found.trial.metrics, "accuracy_drop") for found in finished}
    lines = []
    for found in finished:
        name, other = found.trial.candidate.name, found.trial.candidate.control
        mine, theirs = drops.get(name), drops.get(other or "")
        if mine is not None and theirs is not None:
            lines.append(
                f"on validation {name} {_change(mine)}, its control {other} {_change(theirs)}: the technique itself "
                f"{_gave(mine - theirs)}"
            )
    return lines


def _change(points: float) -> str:
    return f"gains {-points:.2f} points" if points < 0 else f"loses {points:.2f} points"


def _gave(points: float) -> str:
    return (
        f"cost {points:.2f} points" if points > 0 else f"gained {-points:.2f} points" if points < 0 else "cost nothing"
    )


def _steps(runner: TrialRunner) -> int:
    """The steps of a whole training."""
    training = runner.project.training
    samples = runner.dataset.splits["train"].samples
    return steps_of(epochs=training.epochs, samples=samples, batch_size=training.batch_size)


def _data_facts(runner: TrialRunner) -> dict[str, object]:
    return {
        "samples": {split: files.samples for split, files in runner.dataset.splits.items()},
        "selection": "validation",
        "verdict": "test",
        "metric": runner.project.goal.judged_by.name,
        "task": ", ".join(task.kind or "unknown" for task in runner.tasks),
        "direction": "higher" if runner.project.goal.judged_by.higher_is_better else "lower",
        "goal": runner.project.goal.aim,
        "currency": runner.project.goal.currency,
        "loss": ", ".join(runner.losses),
        "keras_rebuilt_error": runner.model.facts.rebuilt_error,
    }


def _value(metrics: Metrics, name: str) -> float | None:
    metric = metrics.get(name)
    return None if metric is None or metric.value is None else float(metric.value)


def _summary(
    picked: Trial, metrics: Metrics, checks: tuple[Check, ...], *, nothing_fits: bool, too_little: str | None
) -> str:
    name, figures = picked.candidate.name, []
    for metric, show in (("flash", format_size), ("ram", format_size), ("latency", format_ms)):
        value = _value(metrics, metric)
        if value is not None:
            figures.append(f"{show(value)} {metric}")
    lost = _value(metrics, "accuracy_drop")
    if lost is not None:
        figures.append(_lost(lost, checks))
    missed = misses(checks)
    text = f"{name}: {', '.join(figures)}"
    if nothing_fits:
        first = next(iter(misses(picked.checks)), None)
        why = too_little or f"it misses {first.name if first else 'a check'}: {first.reason if first else ''}"
        return (
            f"nothing fits: {why}; the closest is {text}"
            if too_little
            else f"nothing fits; the closest is {text}; {why}"
        )
    if missed:
        where = "on the emulated board" if missed[0].name == EMULATOR else "on test"
        return f"{text}; it fitted on validation and fails {where}: {missed[0].name}: {missed[0].reason}"
    warned = ", ".join(check.name for check in warnings(checks))
    return f"{text}; a warning: {warned}" if warned else text


def _lost(points: float, checks: tuple[Check, ...]) -> str:
    """The loss in points, with enough digits to show on which side of the limit it is."""
    limit = next((check.limit for check in checks if check.name == "accuracy_drop"), None)
    digits = 2
    while isinstance(limit, int | float) and points > limit and digits < MOST_DIGITS and round(points, digits) <= limit:
        digits += 1
    return f"{abs(points):.{digits}f} points {'gained' if round(points, 2) < 0 else 'lost'}"
