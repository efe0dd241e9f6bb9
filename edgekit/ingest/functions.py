"""Data returned by a user's `module:function` or given through the API, written split by split, batch by batch.

`streams` yields the elements of a split, `values` makes arrays of them. The model's shapes tell single samples from batches.
Labels that are text get their numbers once all of them are known.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import ArrayWriter
from edgekit.ingest.held_seen import HeldInData
from edgekit.ingest.keys import Place, left_out, left_out_notes, placed, require_whole
from edgekit.ingest.reading import Reading
from edgekit.ingest.shapes import clear_shape, reshaped_note
from edgekit.ingest.streams import ALLOWED, called, elements, is_bounded, length, pair, require_end
from edgekit.ingest.text_labels import TextLabels
from edgekit.ingest.values import array_of, in_order, is_frame
from edgekit.ingest.wanted import Wanted
from edgekit.progress import Progress

SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "test"}
AT_ONCE = 64
"""How many single samples are written as one batch."""


def write_result(
    result: Any, target: Path, wanted: Wanted, options: dict[str, Any], seed: int, where: str, progress: Progress
) -> Reading:
    """Write what a data function returned as `x_train_0.npy`, ...; labels are told if targets were text.

    Raises `DataError` for anything that is not data, with what was received and what is allowed.
    """
    splits, keys = _splits(result, wanted, where)
    if any(is_frame(part) for part in splits.values()):
        from edgekit.ingest.table.frames import read_frames

        return read_frames(splits, target, options, wanted, seed, where, progress)
    writing = _Writing(target, wanted, keys)
    if isinstance(result, Mapping):
        for key, array in result.items():
            writing.leave_out(left_out(str(key), wanted), str(key), array)
    for split, part in splits.items():
        writing.split(split, called(part, f"{where}: {split}"), f"{where}: {split}", progress)
    labels = writing.labels.settle(target, tuple(options.get("classes", ())), where)
    notes = (*writing.notes, *left_out_notes(writing.left_out), *writing.labels.notes(labels))
    return Reading(labels=labels, notes=notes, keys=writing.keys, held=writing.held.found())


def _splits(result: Any, wanted: Wanted, where: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The splits, and the keys of those arrays that the result itself names, by the names of their files."""
    if is_frame(result):
        return {"train": result}, {}
    if isinstance(result, Mapping):
        if result and all(key in SPLITS for key in result):
            return {SPLITS[key]: part for key, part in result.items() if part is not None}, {}
        places = placed((key for key in result if isinstance(key, str)), wanted, where)
        if places and all(key in places or left_out(str(key), wanted) for key in result):
            require_whole(places, wanted, where)
            return _by_split(places, result), {place.file_name: key for key, place in places.items()}
    elif isinstance(result, tuple | list) and len(result) in (2, 3):
        return dict(zip(("train", "val", "test") if len(result) == 3 else ("train", "test"), result, strict=True)), {}
    keys = f" with keys {', '.join(map(str, result))[:200]}" if isinstance(result, Mapping) else ""
    raise DataError(
        "the function returned something else than data",
        where=where,
        received=f"{type(result).__name__}{keys}" + (f" of {len(result)}" if isinstance(result, tuple | list) else ""),
        allowed=ALLOWED,
        next_step=_step(result),
    )


def _step(result: Any) -> str | None:
    if isinstance(result, tuple | list) and len(result) == 4:
        return "give ((x_train, y_train), (x_test, y_test)); scikit-learn's train_test_split returns x_train, x_test, y_train, y_test"
    if hasattr(result, "element_spec") or hasattr(result, "__next__"):
        return "give two of them, (train, test): a figure is taken on samples that no choice saw"
    return None


def _by_split(places: Mapping[str, Place], result: Mapping[str, Any]) -> dict[str, Any]:
    splits: dict[str, Any] = {}
    for split in ("train", "val", "test"):
        parts = {kind: _numbered(places, result, split, kind) for kind in "xy"}
        if parts["x"] or parts["y"]:
            splits[split] = (_one_or_several(parts["x"]), _one_or_several(parts["y"]))
    return splits


def _numbered(places: Mapping[str, Place], result: Mapping[str, Any], split: str, kind: str) -> list[Any]:
    """x_train_0, x_train_1, ... in their order."""
    named = [(place.position, key) for key, place in places.items() if (place.kind, place.split) == (kind, split)]
    return [result[key] for _, key in sorted(named)]


def _one_or_several(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


class _Writing:
    """The arrays of all splits while they are written, and the facts that are complete only at the end."""

    def __init__(self, target: Path, wanted: Wanted, keys: Mapping[str, str]) -> None:
        self._target, self._wanted = target, wanted
        self.keys = dict(keys)
        self._ends = (
            ("x", "input", wanted.names, wanted.input_shapes),
            ("y", "target", wanted.output_names, wanted.output_shapes),
        )
        self.labels = TextLabels()
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self.held = HeldInData(wanted.held)

    def leave_out(self, name: str, where: str, array: Any) -> None:
        """Compare what is given for a held input with its value; without a name it is no such input."""
        if not name:
            return
        self.left_out.append(name)
        with contextlib.suppress(DataError):  # lists of unequal lengths: no value to compare
            self.held.add(name, where, array_of(array, where))

    def split(self, split: str, part: Any, where: str, progress: Progress) -> None:
        """Write a split."""
        writers: dict[tuple[str, int], ArrayWriter] = {}
        total, bounded, written = length(part, where), is_bounded(part, where), 0
        for done, arrays in enumerate(self._batches(part, where), start=1):
            for key, array in arrays.items():
                if key not in writers:
                    file = f"{key[0]}_{split}_{key[1]}"
                    self.keys.setdefault(file, f"{split}: {key[0]}_{key[1]}")
                    writers[key] = ArrayWriter(self._target / f"{file}.npy", f"{where}: {key[0]}_{key[1]}")
                array = self._prepared(key, split, array)
                writers[key].append(array)
                written += array.nbytes
            if not bounded:
                require_end(written, where)
            progress(f"reading {split}", min(done, total) if total else done, total or done + 1)
        if not writers:
            raise DataError("no batches", where=where, next_step="give at least one batch of samples")
        for writer in writers.values():
            writer.close()

    def _batches(self, part: Any, where: str) -> Iterator[dict[tuple[str, int], np.ndarray]]:
        """The arrays of each batch by kind and number; single samples are collected into batches."""
        arrays = (self._arrays(element, where) for element in elements(part, where))
        first = next(arrays, None)
        if first is None:
            return
        rest = itertools.chain([first], arrays)
        is_whole = isinstance(part, tuple | list) and len(part) == 2
        if is_whole or not self._is_single(first):
            yield from rest
            return
        while samples := list(itertools.islice(rest, AT_ONCE)):
            yield {key: _stacked([sample[key] for sample in samples], f"{where}: {key[0]}_{key[1]}") for key in first}

    def _arrays(self, element: Any, where: str) -> dict[tuple[str, int], np.ndarray]:
        found = {}
        for (kind, side, names, shapes), value in zip(self._ends, pair(element, where), strict=True):
            ranks = tuple(map(len, shapes))
            value = self._without_held(value, where) if kind == "x" else value
            for index, one in enumerate(in_order(value, names, ranks, side, where)):
                place = f"{where}: {kind}_{index}"
                found[kind, index] = self._shaped(one, kind, index, array_of(one, place))
        return found

    def _without_held(self, value: Any, where: str) -> Any:
        """Inputs by name without those that are held at values."""
        held = self._wanted.held
        if not isinstance(value, Mapping) or is_frame(value) or not set(held) & set(value):
            return value
        for name in held:
            if name in value:
                self.leave_out(name, where.rpartition(": ")[2], value[name])
        return {name: array for name, array in value.items() if name not in held}

    def _shaped(self, given: Any, kind: str, index: int, array: np.ndarray) -> np.ndarray:
        """The rows of a data frame in the model's shape, if that is unambiguous."""
        shapes = self._wanted.input_shapes
        if kind != "x" or not is_frame(given) or index >= len(shapes):
            return array
        shape = clear_shape(array.shape[1:], shapes[index])
        if shape is None:
            return array
        note = reshaped_note(array.shape[1:], shape)
        self.notes += [note] if note not in self.notes else []
        return array.reshape(len(array), *shape)

    def _is_single(self, arrays: dict[tuple[str, int], np.ndarray]) -> bool:
        """Whether an element is one sample and not a batch: by the axes of the model's input, else of its target."""
        if self._wanted.input_shapes:
            return arrays["x", 0].ndim == len(self._wanted.input_shapes[0])
        return arrays["x", 0].ndim > 0 and arrays["y", 0].ndim == 0

    def _prepared(self, key: tuple[str, int], split: str, array: np.ndarray) -> np.ndarray:
        return self.labels.numbered(key[1], split, array) if key[0] == "y" and self.labels.takes(array) else array


def _stacked(arrays: list[np.ndarray], where: str) -> np.ndarray:
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise DataError(
            "samples of different shapes", where=where, received=", ".join(map(str, sorted(shapes)))[:200], allowed="one shape",
            next_step="bring all samples to one shape (for images: image_size in [data])",
        )  # fmt: skip
    return np.stack(arrays)
