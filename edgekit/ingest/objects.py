"""Model and data objects of the caller's own process, stored where files would be.

The caller's process has whatever Keras it has, and saves the model with it; everything else happens in workers.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edgekit.errors import ModelError
from edgekit.ingest.dataset import INDEX_FILE, Dataset
from edgekit.ingest.wanted import Wanted
from edgekit.jobs.cache import Cache, digest_of, file_digest, key
from edgekit.progress import Progress
from edgekit.project.project_file import DataTable, ModelTable
from edgekit.values import to_builtins


def keep_model(model: Any, cache: Cache) -> ModelTable:
    """Save a model of Keras 3 or tf_keras in the cache by its content; raises `ModelError` for anything else."""
    if not all(hasattr(model, name) for name in ("save", "get_config", "get_weights")):
        raise ModelError(
            "not a Keras model",
            where="model",
            received=type(model).__name__,
            allowed="a path, 'module:function', or a Keras model",
        )
    hasher = hashlib.sha256(f"{type(model).__module__}\0{model.to_json()}\0{_compiled(model)}".encode())
    for weight in model.get_weights():
        hasher.update(np.ascontiguousarray(weight).tobytes())

    def save(folder: Path) -> None:
        try:
            model.save(folder / "model.keras")
        except (ValueError, TypeError, NotImplementedError) as problem:
            raise ModelError("the model cannot be saved", where="model", received=str(problem)[:300]) from None

    folder = cache.folder("objects", hasher.hexdigest()[:40], save)
    return ModelTable(source=str(folder / "model.keras"))


def _compiled(model: Any) -> str:
    """How a model was compiled, as text without the addresses of objects, which change from process to process."""
    try:
        return json.dumps(model.get_compile_config(), sort_keys=True, default=lambda found: type(found).__name__)
    except (AttributeError, TypeError, ValueError):
        return type(getattr(model, "loss", None)).__name__


def keep_data(
    data: Any,
    table: DataTable | None,
    *,
    wanted: Wanted,
    seed: int,
    cache: Cache,
    progress: Progress,
) -> Dataset:
    """Spool arrays or streams of the caller's process into the cache; raises `DataError`.

    `wanted` is what the model takes and gives, for data that comes by name.
    """
    from edgekit.ingest.spool import OBJECT, spool_result

    options = to_builtins(table or DataTable(source="data"))
    with cache.scratch() as scratch:
        spooled = spool_result(data, scratch, wanted=wanted, options=options, seed=seed, progress=progress)
        content = {path.name: file_digest(path) for path in sorted(scratch.iterdir()) if path.name != INDEX_FILE}
        entry = key(content=content, held=spooled.held)
        told = key(
            content=content, labels=spooled.labels, notes=spooled.notes, splits=spooled.splits, held=spooled.held
        )  # the index stores them beside the arrays
        digest = digest_of(content)

        def move(folder: Path) -> None:
            for path in scratch.iterdir():
                path.rename(folder / path.name)

        folder = cache.folder("data", told, move)
    dataset = Dataset.open(folder, OBJECT)
    return msgspec.structs.replace(dataset, sha256=entry, content_sha256=digest)
