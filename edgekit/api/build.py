"""Builds a `.tflite` for each device from a model and data, judges it, and writes it with its report.

It only joins the parts: it opens the model and the data, runs the search, concludes it, and writes the results.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from typing_extensions import Unpack

from edgekit.api.plan import PlanOptions
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.build_result import BuildResult
from edgekit.documents.events import OnEvent, no_event
from edgekit.emit import prepare
from edgekit.errors import ProjectError
from edgekit.findings.building import look_before
from edgekit.findings.settling import settled
from edgekit.ingest.compared import compare_on_data
from edgekit.ingest.materials import Materials
from edgekit.ingest.opening import (
    free_sizes,
    open_project_data,
    open_project_model,
    open_project_student,
    student_notes,
)
from edgekit.ingest.sized import with_sizes
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import PACKAGES
from edgekit.jobs.semaphore import JobSemaphore
from edgekit.machine.extras import is_installed
from edgekit.make.jobs import jobs_of
from edgekit.make.losses import losses_to_train
from edgekit.measure.emulator_check import require_emulator
from edgekit.measure.runtimes.registry import require_runtimes
from edgekit.progress import Progress, no_progress
from edgekit.project.limits import limits_given
from edgekit.project.project import PROJECT_FILE
from edgekit.project.request import Device, Devices, is_several, profiles_for, settle
from edgekit.search.fleet import Fleet, SearchContext, named, results_of
from edgekit.search.lock.build_lock import BuildLock
from edgekit.search.one_device import build_one
from edgekit.techniques import techniques
from edgekit.watching.auto import Auto, shows_progress
from edgekit.watching.building import opened_event, started
from edgekit.watching.watch import Watch

MOST_WORKERS = 256
"""The most jobs at once: each is a process with TensorFlow, here or on a cluster."""


class BuildOptions(PlanOptions, total=False):
    """The options of `build`."""

    out: str | Path
    time_budget: str | float | None
    seed: int | None
    workers: int
    lock: bool
    locked: bool
    scheduler: str | None
    emulate: bool | None
    strict: bool | None
    keep_names: bool | None
    on_event: OnEvent
    augment: Mapping[str, Any] | None


@overload
def build(model: Any = ..., data: Any = ..., *, device: Device, **options: Unpack[BuildOptions]) -> BuildResult: ...
@overload
def build(
    model: Any = ..., data: Any = ..., *, device: Devices, **options: Unpack[BuildOptions]
) -> list[BuildResult]: ...
@overload
def build(
    model: Any = ..., data: Any = ..., *, device: None = ..., **options: Unpack[BuildOptions]
) -> BuildResult | list[BuildResult]: ...
@shows_progress
def build(
    model: Any = None,
    data: Any = None,
    *,
    device: Device | Devices | None = None,
    project: str | Path | None = None,
    max_drop: float | None = None,
    max_flash: str | float | None = None,
    max_download: str | float | None = None,
    max_ram: str | float | None = None,
    max_latency: str | float | None = None,
    goal: str | None = None,
    student: Any = None,
    out: str | Path = "build",
    time_budget: str | float | None = None,
    seed: int | None = None,
    workers: int = 1,
    lock: bool = False,
    locked: bool = False,
    scheduler: str | None = None,
    emulate: bool | None = None,
    strict: bool | None = None,
    keep_names: bool | None = None,
    augment: Mapping[str, Any] | None = None,
    imports: Sequence[str] = (),
    trust: bool = False,
    cache: bool = True,
    progress: Progress | Auto = no_progress,
    on_event: OnEvent = no_event,
) -> BuildResult | list[BuildResult]:
    """Make a `.tflite` that provably fits each device, and write it with its report to `out/<device>/`.

    `model` is a path (Keras, ONNX: docs/onnx.md, PyTorch: docs/pytorch.md, a float `.tflite`: docs/tflite.md), 'module:function' or a Keras model of either Keras;
    `data` a path, 'module:function', or what
    such a function returns; both default to those of `edgekit.toml` in `project` (a folder; the current one if None).
    Sizes and durations are text with units, or numbers in bytes, milliseconds (latency) and seconds (time budget);
    `max_drop` is in points. What is not given is taken from the project, then from the profile.

    `goal` is what to optimise among candidates that hold every limit: 'balanced', 'smallest', 'download', 'ram',
    'fastest' or 'accurate' (docs/techniques.md). `student` is a smaller network with the model's inputs and outputs, given
    as the model is: it is trained in the model's place with the model as its teacher, and is a candidate like any other.
    `augment` varies the training samples of every fine-tune as the table
    of that name in `[training]` does, as in {'flip': 'horizontal', 'shift': 0.1}; {} overrides the table with nothing,
    and None leaves the table in force.

    `lock` writes `edgekit.lock` beside `edgekit.toml`; `locked` makes the locked bytes again, without a search, and
    raises `LockError` with every difference if it cannot.

    `workers` jobs run at once, with the searches of all devices side by side: on this machine, or on the workers of a
    dask `scheduler` ('tcp://host:8786'), which share the cache's folder (docs/fleet.md).

    `emulate` runs each chosen file on the emulated board of its device, as the check `emulator` (docs/on-device.md);
    None leaves it to `edgekit.toml`. What this needs is checked before any work.

    Whatever makes the figures hard to believe (labels in another order, test samples in the training split, ...) is
    reported before anything is trained, and in `report.findings`. With `strict` each finding fails the check `sanity`,
    and findings made before training end the build with a report and no file. None leaves it to `edgekit.toml`.

    Each file is written without what no runtime reads, above all the names of inner tensors, and the chosen one is shown
    to compute the same as before (docs/diet.md); the report keeps what the names told. `keep_names` keeps them in the
    file too; None leaves it to `edgekit.toml`.

    `progress` gets the phases, from any thread; 'auto' shows them on the terminal or in the notebook. `on_event` gets
    an `edgekit.documents.events.Event` for all that happens (docs/api.md), one at a time; if it raises, it gets no
    further events, and there is a warning.

    Returns a `BuildResult`, or a list of them if `device` is a list or tuple. A model that does not fit is not an error
    but a report whose outcome is 'fail'.

    Raises `ProjectError` for a wrong option or key, `ProfileError`, `ModelError`, `DataError`, `TrustError` for code in
    a file without `trust`, `OutputError` before any work if `out` cannot be written, `MissingExtraError` if TensorFlow
    or the device's runtime or compiler is not installed, and `ClusterError` if the scheduler or its workers cannot be
    reached. An error of one device among several is raised when the others are done; their results are its `finished`.
    """
    assert not isinstance(progress, str)  # `shows_progress` has put a callable in its place
    limits = limits_given(
        max_drop=max_drop, max_flash=max_flash, max_download=max_download, max_ram=max_ram, max_latency=max_latency
    )
    settings = settle(
        model, data, project, student=student, imports=tuple(imports), seed=seed, augment=augment, limits=limits, goal=goal,
        time_budget=time_budget, emulate=emulate, strict=strict, keep_names=keep_names,
    )  # fmt: skip
    if not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise ProjectError(
            "not a number of workers", where="--workers", received=workers, allowed=f"1 to {MOST_WORKERS}"
        )
    profiles = profiles_for(device, settings)
    if data is None and settings.data is None:
        raise ProjectError("no data", where="--data", next_step=f"name it in {PROJECT_FILE} or with --data")
    techniques()  # what an installed package offers is checked before any work
    for profile in profiles if settings.emulate else ():
        require_emulator(profile)
    lacks_build = scheduler is None and not all(map(is_installed, PACKAGES))
    require_runtimes(profiles, also=("build",) if lacks_build else ())
    for profile in profiles:
        prepare(Path(out) / profile.id)
    build_lock = BuildLock(settings=settings, profiles=profiles, writes=lock, holds=locked)
    watch, deadline = Watch(on_event), time.monotonic() + settings.time_budget_s
    watch.tell(started(profiles, settings, workers))
    with (
        watch.to_the_end() as ended,
        Cache(fresh=not cache) as store,
        store.scratch() as temporary,
        jobs_of(scheduler, workers, temporary, settings) as pool,
    ):
        build_lock.compare(model, data, student, store)
        sizes = free_sizes(model, student, data, settings, store, trust=trust, progress=progress)
        opened = open_project_model(model, settings, store, pool, trust=trust, progress=progress, sizes=sizes)
        other = open_project_student(
            student, settings, opened, store, pool, trust=trust, progress=progress, sizes=sizes
        )
        dataset = open_project_data(data, settings, opened, store, trust=trust, progress=progress)
        opened = with_sizes(opened, dataset, store, pool, progress=progress)
        other = None if other is None else with_sizes(other, dataset, store, pool, progress=progress)
        compared = compare_on_data(opened, dataset, store, pool, progress=progress)
        found = settled(settings, opened.facts, dataset, store)
        build_lock.compare_loaded(opened, dataset, other, store)
        watch.tell(opened_event(opened, dataset, found.project))
        materials = Materials(
            project=found.project, model=opened, dataset=dataset, replacement=other, cache=store, pool=pool, semaphore=JobSemaphore(workers),
            tasks=found.tasks, losses=losses_to_train(found.project, opened.facts, dataset, found.tasks, store, pool, progress=progress),
        )  # fmt: skip
        looked = look_before(materials, found, progress)
        materials = dataclasses.replace(
            materials,
            findings=looked.findings,
            notes=tuple(filter(None, (compared, *settings.notes, *student_notes(other), *looked.notes))),
        )

        def one(profile: DeviceProfile, context: SearchContext) -> BuildResult:
            told = named(profile, profiles, progress)
            with watch.device_that_may_fail(profile.id):
                return build_one(materials, profile, Path(out) / profile.id, context, build_lock, told, watch)

        built = Fleet(one, workers=workers, deadline=deadline, stop=pool.stop).build(profiles)
        build_lock.close()
        results = results_of(built)
        ended(all(result.report.outcome == "pass" for result in results))
    return results if is_several(device, settings) else results[0]
