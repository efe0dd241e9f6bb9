"""The join: a model, data and devices in; for each device a `.tflite`, judged, with its report, out.

It asks the planner, has the candidate made and measured, tells the planner, and writes what came of it. What any of
these do is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import msgspec

from edgekit.cache import Cache, file_digest, processor, versions
from edgekit.candidate import Candidate, Plan
from edgekit.child import Progress
from edgekit.conclude import conclude
from edgekit.emit import Provenance, emit, prepare
from edgekit.errors import InterruptedBuild, ProjectError
from edgekit.inputs import OpenedModel, open_data, open_model
from edgekit.jobs import no_progress
from edgekit.match import choose_loss, match
from edgekit.objects import keep_data, keep_model
from edgekit.planner.planner import Planner, outline
from edgekit.pool import Pool
from edgekit.profile import DeviceProfile, limits, load_profile
from edgekit.project import PROJECT_FILE, Project, load_project, override
from edgekit.report import Report
from edgekit.techniques.interface import Task
from edgekit.trials import Bench, Finished
from edgekit.values import Value, to_json

LEAST_TIME_S = 60.0
Device = str | Path


class BuildResult(Value):
    """What a build gave for one device: the report as written, the folder, and the model in it (None: no file)."""

    report: Report
    folder: Path
    path: Path | None


class _Search(Value):
    """A finished search: what was tried, and what time cut."""

    finished: tuple[Finished, ...]
    not_tried: tuple[str, ...]


def build(
    model: Any = None,
    data: Any = None,
    *,
    device: Device | Sequence[Device] | None = None,
    project: str | Path | None = None,
    max_drop: float | None = None,
    max_flash: str | float | None = None,
    max_download: str | float | None = None,
    max_ram: str | float | None = None,
    max_latency: str | float | None = None,
    out: str | Path = "build",
    time_budget: str | float | None = None,
    seed: int | None = None,
    workers: int = 1,
    imports: Sequence[str] = (),
    trust: bool = False,
    cache: bool = True,
    progress: Progress = no_progress,
) -> Any:
    """Make a `.tflite` that provably fits each device, and write it with its report to `out/<device>/`.

    `model` is a path, 'module:function' or a Keras model of either Keras; `data` a path, 'module:function', or what
    such a function returns; both default to those of `edgekit.toml` in `project` (a folder; the current one where
    no model is given). Sizes and durations are text with units, or numbers in bytes, milliseconds (latency) and
    seconds (time budget); `max_drop` is in points.

    Returns a `BuildResult`, or a list of them where `device` is a sequence. Raises an `EdgekitError` for bad input;
    a model that does not fit is no error but a report whose outcome is 'fail'.
    """
    settings = _settings(
        model, data, project, imports=tuple(imports), seed=seed, max_drop=max_drop, max_flash=max_flash,
        max_download=max_download, max_ram=max_ram, max_latency=max_latency, time_budget=time_budget,
    )  # fmt: skip
    profiles = [load_profile(name) for name in _devices(device, settings)]
    folders = [Path(out) / profile.id for profile in profiles]
    for folder in folders:
        prepare(folder)
    if data is None and settings.data is None:
        raise ProjectError("no data", where="--data", next_step=f"name it in {PROJECT_FILE} or with --data")
    started = time.monotonic()
    with Cache(fresh=not cache) as store, Pool(workers) as pool:
        opened = _open_model(model, settings, store, pool, trust=trust, progress=progress)
        dataset = _open_data(data, settings, opened, store, trust=trust, progress=progress)
        match(opened.facts, dataset, settings.goal.metric)
        loss = choose_loss(settings.training.loss, opened.facts, dataset)
        results = []
        for profile, folder in zip(profiles, folders, strict=True):
            task = _task(profile, opened, settings)
            bench = Bench(
                project=settings, profile=profile, model=opened, dataset=dataset, loss=loss, limits=task.limits,
                cache=store, pool=pool,
            )  # fmt: skip
            planner = Planner(task)
            search = _search(planner, bench, workers, started + settings.time_budget_s, progress)
            report, tflite = conclude(planner, search.finished, bench, progress=progress)
            provenance = _provenance(settings, opened, dataset.sha256, profile, search)
            path = emit(
                folder,
                report=report,
                plan=outline(task),
                provenance=provenance,
                kind=profile.kind,
                artifact=tflite,
                labels=dataset.labels,
            )
            results.append(BuildResult(report=report, folder=folder, path=path))
    return results if _is_several(device, settings) else results[0]


def plan(
    model: Any = None,
    *,
    device: Device | Sequence[Device] | None = None,
    project: str | Path | None = None,
    max_drop: float | None = None,
    max_flash: str | float | None = None,
    max_download: str | float | None = None,
    max_ram: str | float | None = None,
    max_latency: str | float | None = None,
    imports: Sequence[str] = (),
    trust: bool = False,
    cache: bool = True,
    progress: Progress = no_progress,
) -> Any:
    """What `build` would try for each device, in order, and why not the rest; nothing is trained.

    Arguments are those of `build`. Returns a `Plan`, or a list of them where `device` is a sequence.
    """
    settings = _settings(
        model, None, project, imports=tuple(imports), max_drop=max_drop, max_flash=max_flash,
        max_download=max_download, max_ram=max_ram, max_latency=max_latency,
    )  # fmt: skip
    profiles = [load_profile(name) for name in _devices(device, settings)]
    with Cache(fresh=not cache) as store, Pool(1) as pool:
        opened = _open_model(model, settings, store, pool, trust=trust, progress=progress)
    plans: list[Plan] = [outline(_task(profile, opened, settings)) for profile in profiles]
    return plans if _is_several(device, settings) else plans[0]


def _settings(model: Any, data: Any, project: str | Path | None, **changes: Any) -> Project:
    """The project in force: that of `project`'s `edgekit.toml`, with the caller's word last."""
    named = {
        "model": model if isinstance(model, str | Path) else None,
        "data": data if isinstance(data, str | Path) else None,
    }
    texts = {name: str(value) for name, value in named.items() if value is not None}
    folder = Path(project) if project is not None else Path.cwd()
    if project is not None and not folder.is_dir():
        raise ProjectError("no such folder", where="--project", received=str(project))
    settings = load_project(folder, required=model is None)
    if model is not None and project is None:
        settings = override(settings, **texts)
    settings = override(settings, **texts, **changes)
    if model is None and settings.model is None:
        raise ProjectError(
            "no model", where=f"{folder / PROJECT_FILE}: model", next_step="name it there or with --model"
        )
    return settings


def _devices(device: Device | Sequence[Device] | None, settings: Project) -> list[Device]:
    if device is None or device == ():
        if settings.devices:
            return list(settings.devices)
        raise ProjectError(
            "no device",
            where="--device",
            next_step=f"name one with --device or in {PROJECT_FILE}; `edgekit devices` lists them",
        )
    return [device] if isinstance(device, str | Path) else list(dict.fromkeys(device))


def _is_several(device: Device | Sequence[Device] | None, settings: Project) -> bool:
    return not isinstance(device, str | Path) if device else len(settings.devices) > 1


def _open_model(
    model: Any, settings: Project, cache: Cache, pool: Pool, *, trust: bool, progress: Progress
) -> OpenedModel:
    root, table = Path(settings.root), settings.model
    if model is not None and not isinstance(model, str | Path):
        table, trust = keep_model(model, table, cache), True
    assert table is not None
    return open_model(table, root=root, cache=cache, pool=pool, seed=settings.seed, trust=trust, progress=progress)


def _open_data(
    data: Any, settings: Project, opened: OpenedModel, cache: Cache, *, trust: bool, progress: Progress
) -> Any:
    names = tuple(tensor.name for tensor in opened.facts.inputs)
    if data is not None and not isinstance(data, str | Path):
        return keep_data(data, settings.data, names=names, seed=settings.seed, cache=cache, progress=progress)
    assert settings.data is not None
    return open_data(
        settings.data,
        root=Path(settings.root),
        cache=cache,
        seed=settings.seed,
        names=names,
        trust=trust,
        progress=progress,
    )


def _task(profile: DeviceProfile, opened: OpenedModel, settings: Project) -> Task:
    """The task of one device: the profile's limits, overridden by the project's."""
    declared = {name: float(quantity.value) for name, quantity in limits(profile).items() if quantity.value is not None}
    in_force = {**declared, **settings.budget.limits(), "accuracy_drop": settings.goal.max_drop_points}
    trains = settings.training.epochs > 0
    return Task(profile=profile, facts=opened.facts, goal=settings.goal, limits=in_force, trains=trains)


def _search(planner: Planner, bench: Bench, workers: int, deadline: float, progress: Progress) -> _Search:
    """Ask, run, tell, until the planner has nothing more or the time is up. The baseline is alone at first."""
    finished: list[Finished] = []
    not_tried: tuple[str, ...] = ()
    waiting: set[Future[Finished]] = set()
    executor = ThreadPoolExecutor(workers)
    try:
        while True:
            while len(waiting) < (workers if finished else 1):
                if time.monotonic() >= deadline:
                    not_tried += planner.stop("not tried: the time budget was used up")
                candidate = planner.ask()
                if candidate is None:
                    break
                left = max(LEAST_TIME_S, deadline - time.monotonic())
                waiting.add(
                    executor.submit(bench.run, candidate, progress=_named(candidate, progress), time_limit_s=left)
                )
            if not waiting:
                return _Search(finished=tuple(finished), not_tried=not_tried)
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                finished.append(future.result())
                planner.tell(finished[-1].trial)
    except KeyboardInterrupt:
        raise InterruptedBuild("interrupted", next_step="the same command goes on with what is already done") from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _named(candidate: Candidate, progress: Progress) -> Progress:
    return lambda phase, done, total: progress(f"{candidate.name}: {phase}", done, total)


def _provenance(
    settings: Project, opened: OpenedModel, data_sha256: str, profile: DeviceProfile, search: _Search
) -> Provenance:
    import hashlib

    inputs = {
        "model": opened.facts.sha256,
        "data": data_sha256,
        "profile": hashlib.sha256(to_json(profile).encode()).hexdigest(),
        "settings": hashlib.sha256(to_json(msgspec.structs.replace(settings, root="")).encode()).hexdigest(),
    }
    project_file = Path(settings.root) / PROJECT_FILE
    if project_file.is_file():
        inputs[PROJECT_FILE] = file_digest(project_file)
    return Provenance(
        inputs=inputs,
        seed=settings.seed,
        versions=versions(),
        processor=processor(),
        time_cut_search=bool(search.not_tried),
        not_tried=search.not_tried,
    )
