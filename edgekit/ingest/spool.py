"""Turns a source of any kind into a checked `Dataset` in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import describe
from edgekit.ingest.dataset import INDEX_FILE, ArrayFile, Dataset, SplitFiles
from edgekit.ingest.functions import write_result
from edgekit.ingest.images import read_folder
from edgekit.ingest.npz import unpack
from edgekit.ingest.reading import Reading
from edgekit.ingest.split import class_numbers, split_rows
from edgekit.ingest.wanted import Wanted
from edgekit.progress import Progress
from edgekit.values import read, to_builtins, to_json

FILE_NAMES = {"train": "train", "validation": "val", "test": "test"}
OBJECT = "data"
"""What messages call data that are an object of the caller's."""
WORDS = {"folder": {"x": "pictures", "y": "classes"}, "table": {"x": "features", "y": "targets"}}
"""What messages call the arrays of data that have no names for them."""


def spool(job: dict[str, Any], progress: Progress) -> Any:
    """Read `job["source"]` into the folder `job["target"]`; returns the `Dataset`.

    The job also holds `kind` (npz, folder, table, function), `options` (the keys of `[data]`), `wanted` (what the model takes
    and gives), `seed`, `trust`, `need` (splits), `whole` (data without splits is the test split), `test_source` (the path of a second
    table, or none) and `key` (what identifies the content).
    """
    target = Path(job["target"])
    wanted = read(job["wanted"], Wanted, where="job")
    return to_builtins(_finish(target, job, _read(job, target, wanted, progress), progress))


def _read(job: dict[str, Any], target: Path, wanted: Wanted, progress: Progress) -> Reading:
    kind, options, seed = job["kind"], job["options"], job["seed"]
    if kind == "npz":
        return unpack(Path(job["source"]), target, wanted=wanted, trust=job["trust"], progress=progress)
    if kind == "folder":
        labels, notes = read_folder(Path(job["source"]), target, options, seed, progress, whole=job["whole"])
        return Reading(labels=labels, notes=notes)
    if kind == "table":
        return _read_table(job, target, wanted, progress)
    from edgekit.project.userfunction import call

    result = call(job["source"], root=Path(job["root"]), imports=(), error=DataError)
    return write_result(result, target, wanted, options, seed, job["source"], progress)


def _read_table(job: dict[str, Any], target: Path, wanted: Wanted, progress: Progress) -> Reading:
    from edgekit.ingest.table.read import open_table, read_table

    options, second = job["options"], job["test_source"]
    return read_table(
        open_table(Path(job["source"]), options),
        target,
        options,
        wanted,
        job["seed"],
        progress,
        test=open_table(Path(second), options) if second else None,
        whole=job["whole"],
    )


def spool_result(
    result: Any,
    target: Path,
    *,
    wanted: Wanted | None = None,
    names: tuple[str, ...] = (),
    output_names: tuple[str, ...] = (),
    options: dict[str, Any],
    seed: int,
    progress: Progress,
) -> Dataset:
    """Spool data given through the API, in the caller's own process; splits are as in `spool`."""
    wanted = wanted or Wanted(names=names, output_names=output_names)
    told = write_result(result, target, wanted, options, seed, OBJECT, progress)
    job = {
        "source": OBJECT,
        "kind": "function",
        "options": options,
        "seed": seed,
        "need": ("train", "test"),
        "key": "data",
    }
    return _finish(target, job, told, progress)


def _finish(target: Path, job: dict[str, Any], told: Reading, progress: Progress) -> Dataset:
    """Check the arrays in the folder, split them, and write the index."""
    splits = {
        split: _split(target, split, job, told.keys, progress)
        for split in FILE_NAMES
        if any(target.glob(f"?_{FILE_NAMES[split]}_*.npy"))
    }
    _require(splits, job)
    labels = told.labels or _declared(splits, tuple(job["options"].get("classes", ())))
    notes = (*told.notes, *_hold_out(target, splits, job))
    dataset = Dataset(
        root=str(target),
        sha256=hashlib.sha256(job["key"].encode()).hexdigest(),
        content_sha256=job.get("content", ""),
        splits=splits,
        labels=labels,
        notes=notes,
        held=told.held,
    )
    (target / INDEX_FILE).write_text(to_json(dataset), encoding="utf-8")
    return dataset


def _declared(splits: dict[str, SplitFiles], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The names that the project gives to class numbers; raises `DataError` if the arrays have more numbers than names."""
    highest = max(files.targets[0].high for files in splits.values())
    if classes and highest >= len(classes) and splits["test"].targets[0].dtype.startswith(("int", "uint")):
        raise DataError(
            "more class numbers than names",
            where="[data] classes",
            received=f"{len(classes)} names",
            allowed=f"{highest + 1:g}",
        )
    return classes


def _split(target: Path, split: str, job: dict[str, Any], keys: dict[str, str], progress: Progress) -> SplitFiles:
    name, source = FILE_NAMES[split], job["source"]
    arrays: dict[str, list[ArrayFile]] = {"x": [], "y": []}
    for kind, found in arrays.items():
        while (target / f"{kind}_{name}_{len(found)}.npy").is_file():
            file = f"{kind}_{name}_{len(found)}"
            key = keys.get(file) or f"{split}: {WORDS.get(job['kind'], {}).get(kind, file)}"
            found.append(describe(target, file, progress, key=key, where=f"{source}: {key}"))
    if not arrays["x"] or not arrays["y"]:
        missing, there = ("x", "y") if not arrays["x"] else ("y", "x")
        raise DataError(
            "a part of a split is missing", where=f"{source}: {missing}_{name}", received=", ".join(one.key for one in arrays[there]),
            allowed=f"x_{name} and y_{name}", next_step=f"add {missing}_{name}: the {'inputs' if missing == 'x' else 'targets'} of the same samples",
        )  # fmt: skip
    lengths = {array.key: array.shape[0] for array in arrays["x"] + arrays["y"]}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "arrays of one split have different lengths", where=f"{source}: {split}",
            received=", ".join(f"{array}: {length}" for array, length in lengths.items()), allowed="as many targets as samples",
            next_step="look at how the longer one was made: row i of each belongs to sample i",
        )  # fmt: skip
    return SplitFiles(inputs=tuple(arrays["x"]), targets=tuple(arrays["y"]), samples=arrays["x"][0].shape[0])


def _require(splits: dict[str, SplitFiles], job: dict[str, Any]) -> None:
    missing = [split for split in job["need"] if split not in splits]
    if missing:
        raise DataError(
            f"no {missing[0]} split",
            where=str(job["source"]),
            received=", ".join(splits) or "nothing",
            allowed=", ".join(job["need"]),
            next_step=f"add x_{FILE_NAMES[missing[0]]} and y_{FILE_NAMES[missing[0]]} (see docs/quickstart.md)",
        )
    shapes = {split: [array.shape[1:] for array in files.inputs] for split, files in splits.items()}
    first = next(iter(shapes))
    for split, shape in shapes.items():
        if shape != shapes[first]:
            raise DataError(
                f"shapes of {split} and {first} differ", where=f"{job['source']}: {split}", received=_words(shape), allowed=_words(shapes[first]),
                next_step="make both splits by one function: as many inputs, and the same axes in the same order",
            )  # fmt: skip


def _words(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))


def _hold_out(target: Path, splits: dict[str, SplitFiles], job: dict[str, Any]) -> tuple[str, ...]:
    """Take the validation split from the training split if there is none."""
    if "train" not in splits or "validation" in splits:
        return ()
    train = splits["train"]
    targets = np.load(target / train.targets[0].path, mmap_mode="r")
    fraction, seed = job["options"]["validation"], job["seed"]
    for split, rows in zip(("train", "validation"), split_rows(targets, fraction, seed), strict=True):
        np.save(target / f"rows_{split}.npy", rows)
        splits[split] = SplitFiles(
            inputs=train.inputs, targets=train.targets, rows=f"rows_{split}.npy", samples=len(rows)
        )
    how = "stratified by class, " if class_numbers(targets) is not None else ""
    return (
        f"validation: {splits['validation'].samples} of {train.samples} training samples held out of every fine-tune, "
        f"{how}seed {seed}; the given model may have been trained on them",
    )
