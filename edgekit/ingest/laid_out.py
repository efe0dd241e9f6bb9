"""Data in the order of the axes that the device feeds: arrays in the order of the ONNX file are transposed, once, when they are read.

Which order an array has is seen from its shape; where both fit, the key `channels` of `[data]` must say it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import DataError
from edgekit.ingest.dataset import INDEX_FILE, ArrayFile, Dataset, SplitFiles, mapped
from edgekit.jobs.cache import Cache, key, versions
from edgekit.values import to_json
from edgekit.verdict.task import same

AT_ONCE = 256
"""So many samples are transposed at a time."""


def laid_out(dataset: Dataset, facts: ModelFacts, channels: str | None, cache: Cache) -> Dataset:
    """The data set in the model's order, with a note on each array that was transposed; unchanged if none has to be.

    Raises `DataError` where an array fits in both orders and `channels` ('first' or 'last') does not say which.
    """
    pairs = _pairs(dataset, facts)
    moves = {array.path: tensor for array, tensor in pairs if _is_moved(array, tensor, channels, dataset.place(array))}
    if not moves:
        return dataset
    axes = {path: tensor.onnx_axes for path, tensor in moves.items()}
    notes = tuple(dict.fromkeys(_note(tensor) for tensor in moves.values()))
    name = key(data=dataset.sha256, content=dataset.content_sha256, axes=axes, notes=notes, versions=versions())

    def make(folder: Path) -> None:
        for path in sorted(Path(dataset.root).glob("*.npy")):
            if path.name in axes:
                _transpose(path, folder / path.name, axes[path.name])
            else:
                _linked(path, folder / path.name)
        splits = {split: _split(files, axes) for split, files in dataset.splits.items()}
        made = msgspec.structs.replace(
            dataset, root=str(folder), sha256=name, splits=splits, notes=(*dataset.notes, *notes)
        )
        (folder / INDEX_FILE).write_text(to_json(made), encoding="utf-8")

    return Dataset.open(cache.folder("laid", name, make), dataset.source)


def _pairs(dataset: Dataset, facts: ModelFacts) -> Iterator[tuple[ArrayFile, TensorFacts]]:
    for files in dataset.splits.values():
        yield from zip(files.inputs, facts.inputs, strict=False)
        yield from zip(files.targets, facts.outputs, strict=False)


def _is_moved(array: ArrayFile, tensor: TensorFacts, channels: str | None, where: str) -> bool:
    """Whether an array, which `where` names, has the order of the ONNX file, and not that of the model."""
    sample = array.shape[1:]
    if not tensor.onnx_axes or not same(sample, tensor.onnx_shape):
        return False
    if not same(sample, tensor.shape):
        return True
    if channels is None:
        raise DataError(
            f"samples for {tensor.name!r} fit with the channels first and with the channels last", where=where,
            received=sample, allowed='channels = "first" or "last"',
            next_step=f'say it in [data] of edgekit.toml: channels = "first" is the order of the {tensor.origin} model',
        )  # fmt: skip
    return channels == "first"


def _note(tensor: TensorFacts) -> str:
    given, fed = (
        " x ".join("any" if size is None else str(size) for size in one) for one in (tensor.onnx_shape, tensor.shape)
    )
    return f"data: samples for {tensor.name!r} came as {given}, as the {tensor.origin} model has them, and were transposed to {fed}, as the device has them"


def _split(files: SplitFiles, axes: dict[str, tuple[int, ...]]) -> SplitFiles:
    return msgspec.structs.replace(files, inputs=_moved(files.inputs, axes), targets=_moved(files.targets, axes))


def _moved(arrays: Sequence[ArrayFile], axes: dict[str, tuple[int, ...]]) -> tuple[ArrayFile, ...]:
    return tuple(
        msgspec.structs.replace(one, shape=(one.shape[0], *(one.shape[1 + axis] for axis in axes[one.path])))
        if one.path in axes
        else one
        for one in arrays
    )


def _transpose(source: Path, target: Path, axes: tuple[int, ...]) -> None:
    import numpy as np

    array = mapped(source)
    shape = (array.shape[0], *(array.shape[1 + axis] for axis in axes))
    made = np.lib.format.open_memmap(target, mode="w+", dtype=array.dtype, shape=shape)
    for start in range(0, len(array), AT_ONCE):
        made[start : start + AT_ONCE] = array[start : start + AT_ONCE].transpose(0, *(1 + axis for axis in axes))
    made.flush()


def _linked(source: Path, target: Path) -> None:
    """The same file under a second name, or a copy where the file system has no such links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
