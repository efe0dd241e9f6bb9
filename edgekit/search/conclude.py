"""The report of a finished search: the chosen candidate judged on the test split, which no choice has used.

Nothing is chosen again: a chosen candidate that fails on test fails the build, and the report says so. What each part of
the report says is known to the modules beside this one: `baseline`, `candidate_report`, `chosen`, `findings`, `notes`, `summary`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgekit.documents.report import Check, Finding, Report
from edgekit.findings.telling import sanity_check
from edgekit.jobs.worker import Failed
from edgekit.measure.emulator_check import note_of
from edgekit.measure.measure import Measured
from edgekit.planner import nearest
from edgekit.planner.findings import TIME_CUT
from edgekit.planner.trial import Trial
from edgekit.progress import Progress
from edgekit.search.baseline import baseline_on_test, decisions_on_test
from edgekit.search.candidate_report import candidate_report
from edgekit.search.choice import Choice
from edgekit.search.chosen import chosen_file
from edgekit.search.diet import proven
from edgekit.search.findings import findings_of_file, findings_of_search
from edgekit.search.loop import Search
from edgekit.search.notes import notes_of
from edgekit.search.summary import cut_short, summary
from edgekit.search.trials import Finished, TrialRunner
from edgekit.techniques.interface import Task
from edgekit.values import Value
from edgekit.verdict.checks import misses, outcome
from edgekit.version import __version__


def conclude(
    choice: Choice, found: Search, runner: TrialRunner, task: Task, *, progress: Progress
) -> tuple[Report, Path | None, Path | None]:
    """The report, the chosen file, and what an NPU's compiler made of it; None where there is none."""
    best = choice.best()
    picked = best or choice.closest()
    searched = findings_of_search(found, picked, task)
    report = _of_search(choice, found.finished, runner, picked, searched, progress)
    if picked is None:
        failures = "; ".join(f"{one.trial.candidate.name}: {one.trial.failure}" for one in found.finished)
        return msgspec.structs.replace(report, summary=f"no candidate gave a file: {failures}"), None, None
    chosen = {one.trial.candidate.name: one for one in found.finished}[picked.candidate.name]
    slim = proven(chosen, runner, progress=progress)
    path = Path(slim.path)
    tested = _on_test(chosen, path, runner, progress)
    findings = (*findings_of_file(runner, tested.measured), *searched)
    checks = (*tested.checks, *_checks_of_build(None if best else picked, findings, runner))
    too_little = None if best else nearest.too_little(task, [one.trial for one in found.finished], choice.too_large)
    told = summary(picked, tested.measured.metrics, checks, nothing_fits=best is None, too_little=too_little)
    report = msgspec.structs.replace(
        report,
        notes=(*report.notes, *tested.notes, *([slim.note] if slim.note else [])),
        findings=findings,
        outcome=outcome(checks),
        summary=f"{told}{cut_short(found)}",
        chosen=chosen_file(chosen, slim, tested.measured, task.facts),
        checks=checks,
        decisions=decisions_on_test(_baseline(found.finished), tested.scores, runner, progress),
    )
    return report, path, _compiled_file(tested.measured)


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


def _of_search(
    choice: Choice,
    finished: Sequence[Finished],
    runner: TrialRunner,
    picked: Trial | None,
    searched: tuple[Finding, ...],
    progress: Progress,
) -> Report:
    """The report as far as the search tells it: nothing of the chosen file yet."""
    reasons = choice.reasons()
    trained = {one.trial.candidate.name for one in finished if one.trial.candidate.role == "control"}
    return Report(
        edgekit_version=__version__,
        device=runner.profile.id,
        findings=(*runner.findings, *searched),
        baseline=baseline_on_test(_baseline(finished), runner, progress),
        candidates=tuple(candidate_report(one, picked, reasons, trained) for one in finished),
        declined=tuple(choice.declined),
        notes=notes_of(finished, picked, reasons, runner),
        data=_data_facts(runner),
    )


def _baseline(finished: Sequence[Finished]) -> Finished | None:
    return next((one for one in finished if one.trial.candidate.role == "baseline"), None)


class _Tested(Value):
    """The chosen file on the test split; where it did not run there, `measured` is what validation gave, and `scores` are empty."""

    measured: Measured
    checks: tuple[Check, ...]
    scores: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _on_test(chosen: Finished, path: Path, runner: TrialRunner, progress: Progress) -> _Tested:
    """The chosen file measured on the test split, and run on the emulated board where the project asks for that."""
    found = runner.measure(path, "test", progress=progress)
    if isinstance(found, Failed):
        measured = chosen.measured or Measured(metrics={}, checks=(), inputs=(), outputs=())
        tested = _Tested(measured=measured, checks=(Check(name="runtime", outcome="fail", reason=found.reason),))
    else:
        tested = _Tested(measured=found, checks=runner.checks(found), scores=found.scores)
    on_board = runner.emulated(path, progress=progress)
    if on_board is None:
        return tested
    return msgspec.structs.replace(tested, checks=(*tested.checks, on_board), notes=tuple(note_of(on_board)))


def _checks_of_build(closest: Trial | None, findings: Sequence[Finding], runner: TrialRunner) -> tuple[Check, ...]:
    """The checks beside those of the file: that one was chosen (`closest` is what misses by the least where none was), and with `--strict` the findings."""
    selection = () if closest is None else (_selection(closest),)
    strictly = [one for one in findings if one.name != TIME_CUT]
    return (*selection, *((sanity_check(strictly),) if runner.project.strict else ()))


def _selection(picked: Trial) -> Check:
    """The check that fails where no candidate passed on the validation split, whatever the test split says."""
    missed = "; ".join(f"{check.name}: {check.reason}" for check in misses(picked.checks))
    return Check(
        name="selection", outcome="fail", reason=f"no candidate passed on validation; the closest misses {missed}"
    )


def _compiled_file(measured: Measured) -> Path | None:
    compiled = measured.compiled
    return Path(compiled.path) if compiled is not None and compiled.path is not None else None


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
