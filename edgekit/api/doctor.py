"""`edgekit doctor`: what this installation can do, found by trying each part that takes no more than a second.

It joins what is installed, the runtimes, the cache and the devices. Each runtime opens a model of one dense layer in a
child process of its own and must give the right output. TensorFlow takes seconds to start and is only started when
asked for. A missing part is not an error: it is a value with the line that installs it.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from edgekit.boards.emulator.processors import AARCH64, ARCHITECTURES, Architecture
from edgekit.boards.emulator.sysroot import MANIFEST, default_folder
from edgekit.devices.profile import DeviceProfile, list_profiles
from edgekit.documents.health import (
    SCHEMA_VERSION,
    Ability,
    CacheHealth,
    DeviceHealth,
    Health,
    MachineHealth,
    PackageHealth,
    Works,
)
from edgekit.errors import EdgekitError
from edgekit.jobs.cache import default_root, processor
from edgekit.jobs.pool import ENVIRONMENT
from edgekit.jobs.worker import Done, Failed, Worker, all_stopped
from edgekit.machine.host import usable_cores, usable_ram_bytes
from edgekit.machine.installed import BASE, extras, line_for, packages, version_of
from edgekit.machine.probe import FILE
from edgekit.machine.torch_health import torch_ability
from edgekit.progress import Progress, no_progress
from edgekit.values import Value

TIME_LIMIT_S = 30.0
DEEP_TIME_LIMIT_S = 300.0
RUNTIMES, WORKSHOP = "edgekit.measure.runtimes", "edgekit.make.workshop"


class Part(Value):
    """A runtime or a tool: its distribution, the extra that installs it (None: the base), its readable name, its use."""

    distribution: str
    extra: str | None
    title: str
    purpose: str
    note: str = ""


PARTS = {
    "litert": Part(
        distribution="ai-edge-litert",
        extra=None,
        title="LiteRT",
        purpose="accuracy, memory and operators of any file; latency of `host`",
    ),
    "tflite_micro": Part(
        distribution="tflite-micro",
        extra="micro",
        title="TensorFlow Lite Micro",
        purpose="arena and operators of microcontrollers",
    ),
    "tflite_runtime": Part(
        distribution="tflite-runtime",
        extra="tflite-runtime",
        title="tflite-runtime",
        purpose="32-bit Raspberry Pi OS by its own runtime; LiteRT stands in for it",
        note="; it needs numpy below 2 and CPython 3.11 or older: an environment of its own",
    ),
}

ADDED = {
    "images": Part(distribution="pillow", extra="images", title="Pillow", purpose="data as folders of images"),
    "tables": Part(distribution="pyarrow", extra="tables", title="pyarrow", purpose="data as Parquet files"),
    "onnx": Part(distribution="onnx", extra="onnx", title="onnx", purpose="models in ONNX: reading the file"),
    "onnxruntime": Part(
        distribution="onnxruntime", extra="onnx", title="onnxruntime", purpose="models in ONNX: what the import is held against"
    ),
    "vela": Part(
        distribution="ethos-u-vela", extra="npu", title="Vela", purpose="flash, memory and time on an Ethos-U (corstone-300, imx93)"
    ),
    "cluster": Part(
        distribution="distributed", extra="cluster", title="dask.distributed", purpose="build --scheduler: jobs on other machines"
    ),
}  # fmt: skip
"""Parts that are only looked for, not tried."""
SYSROOT = "sysroot"


def examine(*, deep: bool = False, progress: Progress = no_progress) -> Health:
    """Look at this installation and try its parts; `deep` starts TensorFlow and converts a layer.

    Guarantees an answer within seconds (minutes if `deep`), whatever a part does: each runs in a child with a time
    limit. Raises `ProfileError` if a bundled device profile is damaged.
    """
    from edgekit.version import __version__

    installed = packages()
    abilities = (
        *_runtimes(), _tensorflow(installed, deep=deep, progress=progress), torch_ability(TIME_LIMIT_S), *map(_added, ADDED), _emulator()
    )  # fmt: skip
    cache = _cache()
    problems = _problems(installed, abilities, cache)
    works = {ability.name for ability in abilities if ability.outcome == "works"}
    return Health(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        outcome="broken" if problems else "works",
        problems=problems,
        deep=deep,
        machine=_machine(),
        cache=cache,
        packages=installed,
        extras=extras(),
        abilities=abilities,
        devices=tuple(_device(profile, works) for profile in list_profiles()),
    )


def _runtimes() -> list[Ability]:
    """Each of `PARTS`, all tried at once."""
    with ThreadPoolExecutor(len(PARTS)) as threads:
        try:
            return list(threads.map(_runtime, PARTS))
        except BaseException:  # including Ctrl-C: otherwise the threads would go on waiting for the children
            with all_stopped():
                threads.shutdown()
            raise


def _runtime(kind: str, model: Path = FILE) -> Ability:
    """Let a runtime open a model whose output is known."""
    part = PARTS[kind]
    if version_of(part.distribution) is None:
        return _ability(kind, "missing", reason=f"{part.distribution} is not installed{part.note}")
    found = _ask(RUNTIMES, {"do": "probe", "runtime": kind, "model": str(model)}, TIME_LIMIT_S)
    if isinstance(found, str):
        return _ability(kind, "broken", reason=found)
    return _ability(kind, "broken" if found["problem"] else "works", title=found["runtime"], reason=found["problem"])


def _ability(kind: str, outcome: Works, *, title: str = "", reason: str = "") -> Ability:
    part = PARTS[kind]
    install = "" if outcome == "works" else line_for(part.extra)
    return Ability(
        name=kind, purpose=part.purpose, outcome=outcome, title=title or part.title, reason=reason, install=install
    )


def _tensorflow(installed: tuple[PackageHealth, ...], *, deep: bool, progress: Progress) -> Ability:
    """What `plan` and `build` need; only starting it (`deep`) tells whether it works."""
    needed = [package for package in installed if "build" in package.needed_by and package.name != "pillow"]
    missing = [package.name for package in needed if package.outcome == "missing"]
    outcome: Works = "installed"
    title, reason = ", ".join(f"{package.name} {package.version}" for package in needed if package.version), ""
    if missing or not needed:
        outcome, reason = "missing", f"{', '.join(missing) or 'tensorflow'} not installed"
    elif deep:
        made_by, reason = _converted(progress)
        outcome, title = "broken" if reason else "works", made_by or title
    install = line_for("build") if outcome in ("missing", "broken") else ""
    return Ability(
        name="tensorflow",
        purpose="plan and build; inspect of a Keras model that was not seen before",
        outcome=outcome,
        title=title,
        reason=reason,
        install=install,
    )


def _converted(progress: Progress) -> tuple[str, str]:
    """The versions that converted the probe's model, and the problem that the converter or LiteRT had with it (empty: none)."""
    with tempfile.TemporaryDirectory(prefix="edgekit-doctor-") as folder:
        target = Path(folder) / "probe.tflite"
        job = {"do": "probe", "target": str(target)}
        made = _ask(WORKSHOP, job, DEEP_TIME_LIMIT_S, {**ENVIRONMENT, "TMPDIR": folder}, progress)
        if isinstance(made, str):
            return "", made
        run = _runtime("litert", target)
        return made["made_by"], "" if run.outcome == "works" else f"LiteRT does not run what it converts: {run.reason}"


def _ask(
    module: str,
    job: dict[str, Any],
    limit_s: float,
    environment: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any] | str:
    """The answer of a child process, or why there is none."""
    try:
        with Worker(module, environment=environment) as worker:
            answer = worker.run(job, time_limit_s=limit_s, progress=progress)
    except EdgekitError as problem:
        return f"{problem.what}: {problem.received}" if problem.received else problem.what
    if isinstance(answer, Failed):
        last = next((line.strip() for line in reversed(answer.detail.splitlines()) if line.strip()), "")
        return f"{answer.reason}: {last}" if last and last not in answer.reason else answer.reason
    assert isinstance(answer, Done)
    found: dict[str, Any] = answer.value
    return found


def _added(name: str) -> Ability:
    """One of `ADDED`: installed or not, but not tried."""
    part = ADDED[name]
    version = version_of(part.distribution)
    return Ability(
        name=name,
        purpose=part.purpose,
        outcome="installed" if version else "missing",
        title=f"{part.title} {version}" if version else part.title,
        reason="" if version else f"{part.distribution} is not installed",
        install="" if version else line_for(part.extra),
    )


def _emulator() -> Ability:
    """What `--emulate` needs, found by looking for its files: QEMU and the sysroot of one processor suffice for its boards."""
    lacking = {one.name: _lacks(one) for one in ARCHITECTURES.values()}
    whole = [name for name, missing in lacking.items() if not missing]
    make_sysroot = f"{sys.executable or 'python'} -m edgekit.boards.emulator.make_sysroot --arch {AARCH64.name}"
    lines = {AARCH64.qemu: "apt-get install qemu-user", SYSROOT: make_sysroot}
    there = f"QEMU and sysroot of {' and '.join(whole)}"
    return Ability(
        name="emulator",
        purpose="--emulate: files run on boards with Linux that are not here",
        outcome="installed" if whole else "missing",
        title=there if whole else "QEMU's user emulation (qemu-user) and a sysroot",
        reason="; ".join(f"{name}: no {' and no '.join(missing)}" for name, missing in lacking.items() if missing),
        install="" if whole else " && ".join(lines[part] for part in lacking[AARCH64.name]),
    )


def _lacks(architecture: Architecture) -> list[str]:
    """Which of QEMU and the sysroot is missing. Of the sysroot only the manifest is looked for, which is written last."""
    missing = [] if shutil.which(architecture.qemu) else [architecture.qemu]
    return missing if (default_folder(architecture) / MANIFEST).is_file() else [*missing, SYSROOT]


def _problems(
    installed: tuple[PackageHealth, ...], abilities: tuple[Ability, ...], cache: CacheHealth
) -> tuple[str, ...]:
    """What is installed but fails, and what the base lacks; a missing extra is not a problem."""
    found = [f"{package.name} is not installed" for package in installed if _is_lacking(package)]
    found += [
        f"{ability.title} does not work: {ability.reason}" for ability in abilities if ability.outcome == "broken"
    ]
    return (*found, *([f"the cache cannot be used: {cache.problem}"] if cache.problem else []))


def _is_lacking(package: PackageHealth) -> bool:
    return package.outcome == "missing" and BASE in package.needed_by


def _device(profile: DeviceProfile, works: set[str]) -> DeviceHealth:
    """Which of a device's checks cannot be made on this machine, as `check` would report it for any file."""
    kind, limits = profile.runtime.kind, []
    if profile.obstacle:
        limits.append(profile.obstacle)
    if profile.is_compiled_here and version_of("ethos-u-vela") is None:
        limits.append("whether a file compiles, its flash, memory and time on the NPU stay unknown without Vela")
    if "litert" not in works and kind != "tflite_runtime":
        limits.append("nothing runs a file here without LiteRT: no accuracy and no memory")
    elif kind in PARTS and kind not in works:
        stands_in = kind == "tflite_runtime" and "litert" in works
        limits.append(
            "LiteRT stands in for tflite-runtime"
            if stands_in
            else f"memory and runtime stay unknown without {PARTS[kind].title}"
        )
    return DeviceHealth(device=profile.id, runtime=kind, limited="; ".join(limits))


def _machine() -> MachineHealth:
    import psutil

    return MachineHealth(
        system=_system(),
        machine=platform.machine(),
        processor=processor(),
        cores=usable_cores(),
        memory_bytes=usable_ram_bytes(),
        free_memory_bytes=min(int(psutil.virtual_memory().available), usable_ram_bytes()),
        address_space_bytes=_address_space(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        executable=sys.executable or "",
    )


def _address_space() -> int | None:
    """The limit of this process's address space, which children inherit; None if there is none."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _system() -> str:
    """The name of the distribution, if it has one, and the kernel."""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return ", ".join(filter(None, (name, f"{platform.system()} {platform.release()}")))


def _cache() -> CacheHealth:
    """The cache as it is: nothing is created, and nothing is left behind."""
    root = default_root()
    there = next((folder for folder in (root, *root.absolute().parents) if folder.exists()), Path("/"))
    try:
        free: int | None = shutil.disk_usage(there).free
    except OSError:
        free = None
    return CacheHealth(path=str(root), used_bytes=_used(root), free_bytes=free, problem=_why_not_written(there))


def _why_not_written(folder: Path) -> str:
    """Why no file can be written to a folder; empty if one can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"edgekit")
            file.flush()
    except OSError as problem:
        return f"{folder}: {problem.strerror}"
    return ""


def _used(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total
