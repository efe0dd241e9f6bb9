"""The events of a build as a whole: its beginning, what was opened, what was written for a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.events import Finished, Opened, Started
from edgekit.documents.report import Report
from edgekit.emit import MANIFEST_FILE, PAGE_FILE, PLAN_FILE, REPORT_FILE
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.model import OpenedModel
from edgekit.project.project import Project
from edgekit.version import __version__


def started(profiles: Sequence[DeviceProfile], settings: Project, workers: int) -> Started:
    """The first event."""
    return Started(
        edgekit_version=__version__,
        devices=tuple(profile.id for profile in profiles),
        time_budget_s=settings.time_budget_s,
        workers=workers,
    )


def opened_event(opened: OpenedModel, dataset: Dataset, settings: Project) -> Opened:
    """Model and data have been opened."""
    return Opened(
        model_sha256=opened.facts.sha256,
        data_sha256=dataset.content_sha256,
        parameters=opened.facts.parameters,
        macs=opened.facts.macs,
        samples={split: files.samples for split, files in dataset.splits.items()},
        metric=settings.goal.judged_by.name,
    )


def finished(report: Report, folder: Path, model: Path | None) -> Finished:
    """A device's last event, with the files to look at."""
    files = {"report": REPORT_FILE, "page": PAGE_FILE, "plan": PLAN_FILE, "manifest": MANIFEST_FILE}
    paths = {"folder": str(folder), **{name: str(folder / file) for name, file in files.items()}}
    return Finished(
        device=report.device,
        outcome=report.outcome,
        summary=report.summary,
        candidate=report.chosen.candidate if report.chosen else None,
        metrics=report.chosen.metrics if report.chosen else {},
        paths=paths if model is None else {**paths, "model": str(model)},
    )
