"""The model and the data of a project, opened once and cached by content: facts and files for all later stages.

For what is in the cache only a hash is computed; everything else is read in a child process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgekit.documents.facts import ModelFacts, Replacement
from edgekit.errors import DataError, ModelError
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.first_look import require_format
from edgekit.ingest.from_onnx import digest as onnx_digest
from edgekit.ingest.from_onnx import import_versions, require_onnx
from edgekit.ingest.from_tflite import keep_tflite, require_own_name
from edgekit.ingest.from_torch import converted, is_pytorch
from edgekit.ingest.given_file import digest_of_path, require_there
from edgekit.ingest.held import require_held_by, require_holdable
from edgekit.ingest.saved_model import require_saved_model
from edgekit.ingest.wanted import Wanted
from edgekit.jobs.cache import Cache, digest_of, key, processor, versions
from edgekit.jobs.limits import memory_limit
from edgekit.jobs.pool import Jobs
from edgekit.jobs.worker import Failed, Worker
from edgekit.onnx_file.outline import is_onnx
from edgekit.progress import Progress
from edgekit.project.project_file import DataTable, ModelTable
from edgekit.project.userfunction import digest, is_function, module_digest
from edgekit.tflite.given import is_tflite
from edgekit.values import Value, from_json, to_builtins

INGEST = "edgekit.ingest"


class OpenedModel(Value):
    """A normalised model in the cache, its facts, the key that stands for its content, and the job that reads its original.

    `source` is its source as it was named.
    """

    folder: str
    key: str
    facts: ModelFacts
    job: dict[str, Any] = {}
    source: str = ""

    @property
    def as_replacement(self) -> Replacement:
        """The model as a plan knows a network that may take another one's place."""
        return Replacement(source=self.source, facts=self.facts)


def open_model(
    table: ModelTable,
    *,
    root: Path,
    cache: Cache,
    pool: Jobs,
    seed: int,
    imports: tuple[str, ...] = (),
    trust: bool,
    progress: Progress,
    time_limit_s: float | None = None,
    to_train: bool = False,
    sizes: Sequence[Sequence[int]] | None = None,
) -> OpenedModel:
    """Load and normalise a model, or find it in the cache; raises `ModelError`, `TrustError`, and `ProjectError` for inputs that cannot be held at values.

    `imports` are modules that the worker imports first: they register custom layers. A model that is still `to_train` keeps what its training
    needs, such as normalization that is folded away in a trained one. `sizes` are the shapes of the data's samples, an input each: they fill what
    an ONNX file leaves free, and are those of a PyTorch module that came without example inputs. Loading a file may take most of the
    machine's memory but no more; a function that trains its model has no such limit. A `.tflite` is read here, without a worker: it has no original
    beside it, and so no job.
    """
    is_finished = not is_function(table.source) and is_tflite(root / table.source)
    if is_finished:
        require_own_name(root / table.source)
    content = model_digest(table, root, cache)
    require_holdable(table, root)
    if is_finished:
        return _open_tflite(table.source, root / table.source, content, cache)
    is_imported = not is_function(table.source) and is_onnx(root / table.source)
    if is_imported:
        require_onnx()
    made = None
    if is_pytorch(table.source, root):
        made = converted(
            table, content, root=root, cache=cache, seed=seed, trust=trust, sizes=sizes, progress=progress, time_limit_s=time_limit_s
        )  # fmt: skip
        require_held_by(Path(made.job["source"]), table.held)
    name = key(
        model=content,
        imports=module_digest(imports, root=root, error=ModelError),
        seed=seed if is_function(table.source) else None,
        trust=trust,
        **({"to_train": True} if to_train else {}),
        **({"onnx": import_versions(), "sizes": sizes} if is_imported or made else {}),
        **({"pytorch": made.key} if made else {}),
        **({"held": table.held} if table.held else {}),
        versions=versions(),
        processor=processor(),
    )
    job = _load_job(table, root) | {
        "imports": () if made else imports,
        "trust": trust,
        "seed": seed,
        "sha256": content,
        "to_train": to_train,
        "sizes": sizes,
        "held": table.held,
        **(made.job if made else {}),
    }

    def make(folder: Path) -> None:
        answer = pool.run({**job, "target": str(folder)}, progress=progress, time_limit_s=time_limit_s)
        if isinstance(answer, Failed):
            raise _not_opened(ModelError, "the model cannot be loaded", table.source, answer)

    folder = cache.folder("models", name, make)
    facts = from_json((folder / "facts.json").read_bytes(), ModelFacts, where=str(folder))
    return OpenedModel(folder=str(folder), key=name, facts=facts, job=job, source=table.source)


def _open_tflite(source: str, path: Path, content: str, cache: Cache) -> OpenedModel:
    name = key(model=content, versions=versions())
    folder = cache.folder("models", name, lambda made: keep_tflite(path, made, sha256=content))
    facts = from_json((folder / "facts.json").read_bytes(), ModelFacts, where=str(folder))
    return OpenedModel(folder=str(folder), key=name, facts=facts, source=source)


def _load_job(table: ModelTable, root: Path) -> dict[str, Any]:
    """What a worker must know about where a model comes from."""
    source, called = table.source, is_function(table.source)
    return {
        "do": "load",
        "source": source if called else str(root / source),
        "is_function": called,
        "root": str(root),
        "memory_bytes": None if called else memory_limit(),
    }


def model_digest(table: ModelTable, root: Path, cache: Cache) -> str:
    """The hash that identifies a model's content: of its file or folder, or of a function's source; raises `ModelError`."""
    if is_function(table.source):
        return digest(table.source, root=root, version=table.version, error=ModelError)
    path = root / table.source
    if os.path.isdir(path) and path.suffix.lower() != ".tflite":  # whose reader names the file in it
        require_saved_model(path)
    require_there(path, ModelError, "model")
    require_format(path)
    return onnx_digest(path, cache) if is_onnx(path) else digest_of_path(path, ModelError, "model", cache)


def open_data(
    table: DataTable,
    *,
    root: Path,
    cache: Cache,
    seed: int = 0,
    need: tuple[str, ...] = ("train", "test"),
    wanted: Wanted | None = None,
    whole: bool = False,
    trust: bool = False,
    progress: Progress,
    time_limit_s: float | None = None,
) -> Dataset:
    """Read data of any kind into the cache, or find it there; raises `DataError`, `TrustError`.

    `need` are the splits that must be in it; `wanted` is what the model takes and gives, for data whose arrays are named, or
    have no shape; with `whole`, data without splits is the test split.
    """
    kind = _data_kind(table, root)
    content = data_digest(table, root, cache)
    options = {name: value for name, value in to_builtins(table).items() if name not in ("source", "version")}
    known = to_builtins(_needed_of(wanted or Wanted(), kind))
    made_by = {"seed": seed, "trust": trust, "need": need, "wanted": known, "whole": whole}
    name = key(content=content, options=options, versions=versions(), **made_by)
    source = table.source if kind == "function" else str(root / table.source)
    job: dict[str, Any] = {
        "do": "spool", "kind": kind, "source": source, "root": str(root), "options": options, "key": name, "content": content,
        "test_source": str(root / table.test_source) if table.test_source else None, **made_by,
    }  # fmt: skip

    def make(folder: Path) -> None:
        environment = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        with Worker(INGEST, environment=environment) as worker:
            answer = worker.run({**job, "target": str(folder)}, progress=progress, time_limit_s=time_limit_s)
        if isinstance(answer, Failed):
            raise _not_opened(DataError, "the data cannot be read", table.source, answer)

    return Dataset.open(cache.folder("data", name, make), source)


def _needed_of(wanted: Wanted, kind: str) -> Wanted:
    """What reading data of a kind depends on: of an archive the names by which its arrays may be called, of a folder nothing."""
    if kind == "npz":
        return Wanted(names=wanted.names, output_names=wanted.output_names, held=wanted.held)
    return wanted if kind in ("function", "table") else Wanted()


def data_digest(table: DataTable, root: Path, cache: Cache) -> str:
    """The hash that identifies the data's content: of the file, of a folder's pictures, or of a function's source.

    Other files in a folder count by name only, because a note may name them. Raises `DataError`.
    """
    kind, path = _data_kind(table, root), root / table.source
    if kind == "function":
        return digest(table.source, root=root, version=table.version, error=DataError)
    if kind == "npz":
        return digest_of_path(path, DataError, "data", cache)
    if kind == "table":
        files = [path, *([root / table.test_source] if table.test_source else [])]
        return digest_of([*(digest_of_path(file, DataError, "data", cache) for file in files), _parquet_reader(files)])
    from edgekit.ingest.layout import read_layout

    try:
        layout = read_layout(path, table.classes)
        return digest_of([ascii(layout), cache.digest_of_files(path, layout.names())])
    except OSError as problem:
        where = ascii(problem.filename or str(path))[1:-1]
        raise DataError("the data cannot be read", where=where, received=problem.strerror) from None


def _data_kind(table: DataTable, root: Path) -> str:
    path = root / table.source
    if is_function(table.source):
        return "function"
    if os.path.isdir(path):
        from edgekit.machine.extras import require

        require("images", "PIL", purpose="reading a folder of images")
        return "folder"
    from edgekit.ingest.table.read import is_table

    if is_table(path):
        return "table"
    if os.path.exists(path) and path.suffix != ".npz":
        raise DataError(
            "not data",
            where=str(path),
            received=path.suffix or "a file",
            allowed="an .npz file, a .csv, .tsv or .parquet file, a folder of images, module:function",
        )
    return "npz"


def _parquet_reader(files: Sequence[Path]) -> str:
    """The package and version that reads a table's files, unless it is the standard library."""
    from edgekit.ingest.table.parquet_file import ENDINGS, require_parquet

    if not any(file.name.lower().endswith(ENDINGS) for file in files):
        return ""
    package = require_parquet()
    return f"{package} {version(package)}"


def _not_opened(
    error: type[ModelError] | type[DataError], what: str, source: str, failed: Failed
) -> ModelError | DataError:
    """The error for a job without a result: it took too long, crashed, or raised an unexpected exception."""
    step = (
        "give it more time with --time-budget, or time_budget in edgekit.toml"
        if failed.timed_out
        else _log_hint(failed)
    )
    return error(what, where=source, received=failed.reason, next_step=step)


def _log_hint(failed: Failed) -> str | None:
    lines = [line for line in failed.detail.splitlines() if line.strip()]
    return f"the log ends with: {lines[-1].strip()[:200]}" if lines else None
