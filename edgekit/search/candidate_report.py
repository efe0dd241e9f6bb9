"""A candidate's part of the report: what its trial gave, and why it was chosen or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from edgekit.documents.report import CandidateReport
from edgekit.planner.trial import Trial
from edgekit.search.trials import Finished
from edgekit.techniques.steps import published


def candidate_report(
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
