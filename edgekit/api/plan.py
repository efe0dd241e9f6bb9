"""The API's `plan`: what a build would try for each device, and why not the rest.

It needs no data and trains nothing: only the sizes that a model in ONNX leaves free are those of the project's data. The model's facts are read in a
worker the first time, and cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, overload

import msgspec
from typing_extensions import Unpack

from edgekit.documents.candidate import Plan
from edgekit.ingest.opening import free_sizes, open_project_model, open_project_student, require_fit
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import Pool
from edgekit.planner.task import task_for
from edgekit.progress import Progress, no_progress
from edgekit.project.limits import limits_given
from edgekit.project.request import Device, Devices, is_several, profiles_for, settle
from edgekit.search.outlined import outlined
from edgekit.techniques import techniques
from edgekit.watching.auto import Auto, shows_progress


class PlanOptions(TypedDict, total=False):
    """The options that `plan` and `build` share; see `build`."""

    project: str | Path | None
    max_drop: float | None
    max_flash: str | float | None
    max_download: str | float | None
    max_ram: str | float | None
    max_latency: str | float | None
    goal: str | None
    student: Any
    imports: Sequence[str]
    trust: bool
    cache: bool
    progress: Progress | Auto


@overload
def plan(model: Any = ..., *, device: Device, **options: Unpack[PlanOptions]) -> Plan: ...
@overload
def plan(model: Any = ..., *, device: Devices, **options: Unpack[PlanOptions]) -> list[Plan]: ...
@overload
def plan(model: Any = ..., *, device: None = ..., **options: Unpack[PlanOptions]) -> Plan | list[Plan]: ...
@shows_progress
def plan(
    model: Any = None,
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
    imports: Sequence[str] = (),
    trust: bool = False,
    cache: bool = True,
    progress: Progress | Auto = no_progress,
) -> Plan | list[Plan]:
    """What `build` would try for each device, in order, and why not the rest; nothing is trained.

    Arguments are those of `build`. Returns a `Plan`, or a list of them if `device` is a list or tuple; if nothing can fit,
    that is not an error but a plan whose outcome is 'impossible'. Raises what `build` raises about the model and the device.
    """
    assert not isinstance(progress, str)  # `shows_progress` has put a callable in its place
    limits = limits_given(
        max_drop=max_drop, max_flash=max_flash, max_download=max_download, max_ram=max_ram, max_latency=max_latency
    )
    settings = settle(model, None, project, student=student, imports=tuple(imports), limits=limits, goal=goal)
    profiles = profiles_for(device, settings)
    techniques()  # what an installed package offers is checked before any work
    with Cache(fresh=not cache) as store, store.scratch() as temporary, Pool(1, temporary=temporary) as pool:
        sizes = free_sizes(model, student, None, settings, store, trust=trust, progress=progress)
        opened = open_project_model(model, settings, store, pool, trust=trust, progress=progress, sizes=sizes)
        other = open_project_student(
            student, settings, opened, store, pool, trust=trust, progress=progress, sizes=sizes
        )
        require_fit(sizes, None, settings, opened, store, trust=trust, progress=progress)
    replacement = None if other is None else other.as_replacement
    found = [outlined(task_for(profile, opened.facts, settings, replacement)) for profile in profiles]
    plans = [msgspec.structs.replace(plan, notes=(*plan.notes, *settings.notes)) for plan in found]
    return plans if is_several(device, settings) else plans[0]
