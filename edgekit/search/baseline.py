"""The baseline on the test split: its figures, and what the chosen file decides otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from edgekit.documents.decisions import Decisions
from edgekit.documents.report import Baseline
from edgekit.jobs.worker import Failed
from edgekit.measure.decisions import decisions_on
from edgekit.measure.measure import Measured
from edgekit.progress import Progress
from edgekit.search.trials import Finished, TrialRunner


def baseline_on_test(base: Finished | None, runner: TrialRunner, progress: Progress) -> Baseline | None:
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


def decisions_on_test(
    base: Finished | None, after: Sequence[str], runner: TrialRunner, progress: Progress
) -> Decisions | None:
    """What the chosen file decides on the test split, compared with the baseline."""
    before = (
        None if base is None or base.tflite is None else runner.measure(Path(base.tflite), "test", progress=progress)
    )
    scores = before.scores if isinstance(before, Measured) else ()
    return decisions_on(runner.dataset, "test", runner.project.goal.judged_by, scores, after)
