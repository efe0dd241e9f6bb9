"""A model of PyTorch as an ONNX file in the cache, made once in a child process that has PyTorch, and the answers of the model itself.

What is given is told by its name, or, of a function, by what its module imports: nothing of it is run here.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgekit.errors import ModelError
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.from_onnx import require_onnx
from edgekit.ingest.wanted import Wanted, has_free, wanted_of_ports
from edgekit.jobs.cache import Cache, key, processor, versions
from edgekit.jobs.limits import memory_limit
from edgekit.jobs.worker import Failed, Worker
from edgekit.machine.torch_python import torch_python, torch_versions
from edgekit.onnx_file.held import holdable
from edgekit.onnx_file.outline import read_outline
from edgekit.progress import Progress
from edgekit.project.module_files import place_of
from edgekit.project.project_file import ModelTable
from edgekit.project.user_errors import by_hand
from edgekit.project.userfunction import imported_packages, is_function
from edgekit.torch_file.archive import is_pt2
from edgekit.torch_file.program import Program, copy_program, require_program
from edgekit.torch_file.saved import is_saved, require_torchscript
from edgekit.values import Value

MODULE = "edgekit.pytorch"
ONNX_FILE, PROGRAM_FILE, KIND_FILE = "model.onnx", "program.pt2", "kind.txt"
OF_KERAS = frozenset({"tensorflow", "tf_keras", "keras"})
ONLY_TENSORS = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
"""PyTorch's own switch: what is pickled in a file is read by an unpickler that makes tensors alone (docs of torch.load)."""


class Converted(Value):
    """A model of PyTorch that became an ONNX file: what its import's key depends on, and what the jobs of the workshop get of it."""

    key: str
    job: dict[str, Any]


def is_pytorch(source: Any, root: Path) -> bool:
    """Whether a model is a file of PyTorch, or a function of a module that imports PyTorch and neither TensorFlow nor Keras."""
    if not isinstance(source, str | Path):
        return False
    if is_function(str(source)):
        packages = imported_packages(str(source).partition(":")[0], root=root)
        return "torch" in packages and not packages & OF_KERAS
    return is_pt2(root / source) or is_saved(root / source)


def _form(source: str, root: Path) -> str:
    """What a model of PyTorch is: the jobs open each in its own way."""
    return "function" if is_function(source) else "program" if is_pt2(root / source) else "torchscript"


def converted(
    table: ModelTable,
    content: str,
    *,
    root: Path,
    cache: Cache,
    seed: int,
    trust: bool,
    sizes: Sequence[Sequence[int]] | None,
    progress: Progress,
    time_limit_s: float | None,
) -> Converted:
    """The model as an ONNX file, made or found in the cache; `content` is its hash.

    Raises `ModelError`, `TrustError` for code in a file that is not trusted, and `MissingExtraError` without PyTorch.
    """
    form = _form(table.source, root)
    source = table.source if form == "function" else str(root / table.source)
    if form == "program":
        require_program(Path(source), trust=trust)
    elif form == "torchscript":
        require_torchscript(Path(source), trust=trust)
    found_versions = torch_versions()
    require_onnx("a model of PyTorch, which is exported to ONNX first,")
    name = key(
        model=content,
        torch=found_versions,
        trust=trust,
        **({} if form == "program" else {"seed": seed, "sizes": sizes}),
        versions=versions(),
        processor=processor(),
    )
    limit = None if form == "function" else memory_limit()
    job = {
        "form": form,
        "source": source,
        "named": place_of(source, root=root) if form == "function" else table.source,
        "root": str(root),
        "sizes": sizes,
        "memory_bytes": limit,
    }
    is_trusted = trust or form == "function"

    def make(folder: Path) -> None:
        asked = {**job, "do": "convert", "seed": seed, "target": str(folder)}
        if form == "program":
            copy_program(Path(source), folder / PROGRAM_FILE, trust=trust)
            asked["source"] = str(folder / PROGRAM_FILE)
        found = _asked(asked, cache, is_trusted, progress, time_limit_s)
        (folder / KIND_FILE).write_text(found["kind"], encoding="utf-8")

    folder = cache.folder("pytorch", name, make)
    if form != "torchscript":
        job |= {"form": "program", "source": str(folder / PROGRAM_FILE), "memory_bytes": memory_limit()}
    of_workshop = {
        "source": str(folder / ONNX_FILE), "is_function": False, "memory_bytes": memory_limit(), "answers": str(folder), "named": table.source,
        "kind": (folder / KIND_FILE).read_text(encoding="utf-8"), "original": {"job": job, "is_trusted": is_trusted},
    }  # fmt: skip
    return Converted(key=name, job=of_workshop)


def answers_on_data(
    job: dict[str, Any], dataset: Dataset, axes: Sequence[Sequence[int]], samples: int, target: Path, cache: Cache, progress: Progress
) -> None:  # fmt: skip
    """Write what the model itself answers on the first training samples to a folder; `axes` are of each input its axes in the model.

    Raises `ModelError`.
    """
    import numpy as np

    chosen = dataset.rows("train")[:samples]
    held = _held(job, len(chosen))
    places = (place for place in itertools.count() if place not in held)
    with cache.scratch() as folder:
        for place, rows in held.items():
            np.save(folder / f"{place}.npy", rows)
        for place, array, moved in zip(places, dataset.inputs("train"), axes, strict=False):
            rows = np.asarray(array[chosen])
            back = [1 + axis for axis in np.argsort(moved)] if moved else range(1, rows.ndim)
            np.save(folder / f"{place}.npy", np.ascontiguousarray(rows.transpose(0, *back)))
        asked = {**job["original"]["job"], "do": "answer", "samples": str(folder), "target": str(target)}
        _asked(asked, cache, job["original"]["is_trusted"], progress, None)


def _held(job: dict[str, Any], count: int) -> dict[int, Any]:
    """By their places among the model's inputs the values of those that are held, once for each sample."""
    import numpy as np

    if not job.get("held"):
        return {}
    outline = read_outline(Path(job["source"]))
    places = {port.name: place for place, port in enumerate(outline.inputs)}
    return {places[one.name]: np.stack([one.array()] * count) for one in holdable(outline, job["held"])}


def _asked(
    job: dict[str, Any], cache: Cache, trusted: bool, progress: Progress, time_limit_s: float | None
) -> dict[str, Any]:
    """The answer of a job in a child with PyTorch; raises `ModelError` where it has none."""
    with cache.scratch() as temporary:
        environment = {"CUDA_VISIBLE_DEVICES": "-1", "TMPDIR": str(temporary), **({} if trusted else ONLY_TENSORS)}
        with Worker(MODULE, environment=environment, python=torch_python()) as worker:
            answer = worker.run(job, progress=progress, time_limit_s=time_limit_s)
    if isinstance(answer, Failed):
        raise _not_converted(answer, job, time_limit_s)
    found: dict[str, Any] = answer.value
    return found


def _not_converted(failed: Failed, job: dict[str, Any], time_limit_s: float | None) -> ModelError:
    """The error for a job that was stopped, crashed, or ended its process, as a user's own function may."""
    if failed.timed_out:
        return ModelError(
            "PyTorch did not convert the model in time", where=job["named"], received=failed.reason,
            allowed=f"{time_limit_s:g} s: the time budget, at least ten minutes, for a function and its export together",
            next_step="give it more time with --time-budget; a function that trains may rather load the weights that it trained before",
        )  # fmt: skip
    last = next((line.strip() for line in reversed(failed.detail.splitlines()) if line.strip()), "")
    said = f"{failed.reason}; the log ends with: {last[:200]}" if last else failed.reason
    alone = by_hand(job["source"], Path(job["root"]), torch_python() or sys.executable)
    step = (
        f"call it by itself, as it may end the process, crash in native code or need more memory than there is: {alone}"
        if job["form"] == "function"
        else "call the model once in PyTorch, and export it again; it may be damaged, or need more memory than there is"
    )
    return ModelError("PyTorch cannot convert the model", where=job["named"], received=said, next_step=step)


def outline_of(source: Any, root: Path) -> Program | None:
    """What a `.pt2` says before PyTorch reads it; None for anything else."""
    if not isinstance(source, str | Path) or is_function(str(source)) or not is_pt2(root / source):
        return None
    return require_program(root / source, trust=True) if os.path.isfile(root / source) else None


def needs_sizes(source: Any, root: Path, held: Collection[str] = ()) -> bool:
    """Whether the sizes of the data may be needed to open a model: TorchScript tells none, a function's module may come without example inputs, and
    a program may leave sizes free of inputs that are not `held` at values."""
    if is_pytorch(source, root) and _form(str(source), root) != "program":
        return True
    outline = outline_of(source, root)
    return outline is not None and has_free([port for port in outline.inputs if port.name not in held])


def wanted_by(source: Any, root: Path, held: Mapping[str, Any] = MappingProxyType({})) -> Wanted:
    """What a program takes and gives, as far as reading data depends on it before it is converted."""
    outline = outline_of(source, root)
    if outline is None:
        return Wanted(held=dict(held))
    return wanted_of_ports([port for port in outline.inputs if port.name not in held], outline.outputs, held)
