"""The build of one device: its search, or the locked candidate made again, the conclusion, and the files."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.build_result import BuildResult
from edgekit.ingest.materials import Materials
from edgekit.planner.planner import Planner
from edgekit.planner.task import task_for
from edgekit.progress import Progress
from edgekit.search.conclude import conclude, refuse
from edgekit.search.fleet import SearchContext
from edgekit.search.lock.build_lock import BuildLock
from edgekit.search.loop import Search, search
from edgekit.search.outlined import outlined
from edgekit.search.trials import TrialRunner
from edgekit.search.writing import write
from edgekit.watching.building import finished
from edgekit.watching.watch import DeviceWatch, Watch


def build_one(
    materials: Materials,
    profile: DeviceProfile,
    folder: Path,
    context: SearchContext,
    build_lock: BuildLock,
    progress: Progress,
    watch: Watch,
) -> BuildResult:
    """Search (or make the locked candidate again), conclude and write for one device; with `strict`, findings end it before a search."""
    other = materials.replacement
    task = task_for(profile, materials.model.facts, materials.project, other.as_replacement if other else None)
    runner, planner = TrialRunner(materials, profile, task.limits), Planner(task)
    device = DeviceWatch(watch, profile.id)
    if materials.project.strict and materials.findings:
        found, report, tflite, compiled = Search(finished=(), not_tried=()), refuse(runner), None, None
    else:
        left = context.deadline - time.monotonic()
        device.searching(profile.name, planner, task.limits.values, seconds_left=left)
        made = build_lock.realise(runner, progress)
        choice, found = made or (planner, search(planner, runner, context, progress, device))
        device.judging()
        report, tflite, compiled = conclude(choice, found, runner, task, progress=progress)
    report = msgspec.structs.replace(
        report, notes=(*report.notes, *materials.model.facts.notes, *materials.cache.notes)
    )
    context.require_running()
    path = write(
        folder, materials, profile, report=report, plan=outlined(task), found=found, tflite=tflite, compiled=compiled,
        progress=progress,
    )  # fmt: skip
    build_lock.keep(profile, report, found.finished)
    watch.tell(finished(report, folder, path))
    return BuildResult(report=report, folder=folder, path=path, lock=build_lock.path)
