"""A validation split taken off the training split: stratified by class where there are classes, and seeded."""

from __future__ import annotations

import numpy as np

from edgekit.dataset import Dataset
from edgekit.errors import DataError
from edgekit.ingest.arrays import chunks

_NO_CLASSES = "where the targets are no classes, save them as floats"


def class_numbers(targets: np.ndarray) -> np.ndarray | None:
    """Class of each sample for integer or one-hot targets; None for anything else.

    Shape and type are asked first, and rows are read in parts: targets may be a mapped file larger than the memory.
    """
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim == 1 and targets.dtype.kind in "iub":
        return np.asarray(targets, dtype=np.int64)
    if targets.ndim != 2 or targets.shape[1] < 2:
        return None
    found = []
    for part in chunks(targets):
        if not _is_one_hot(part):
            return None
        found.append(part.argmax(axis=1).astype(np.int64))
    return np.concatenate(found) if found else None


def _is_one_hot(targets: np.ndarray) -> bool:
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all())


def check_classes(classes: np.ndarray, where: str) -> None:
    """Raise `DataError` where a label is negative or a class below the highest has no sample."""
    found = np.unique(classes)
    if found[0] < 0:
        raise DataError(
            "a negative label", where=where, received=int(found[0]), allowed="0, 1, ...", next_step=_NO_CLASSES
        )
    if len(found) <= found[-1]:
        absent = np.setdiff1d(np.arange(min(int(found[-1]), len(found) + 10)), found)[:10]
        raise DataError(
            "an empty class",
            where=where,
            received=f"no sample with label {', '.join(map(str, absent))}",
            allowed=f"every label from 0 to {found[-1]}",
            next_step=f"add samples of the class, or number the classes without gaps; {_NO_CLASSES}",
        )


def split_rows(targets: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending row numbers (training, validation); each class gives its share, rounded, and keeps at least one."""
    generator = np.random.default_rng(seed)
    classes = class_numbers(targets)
    groups = (
        [np.arange(len(targets))] if classes is None else [np.flatnonzero(classes == c) for c in np.unique(classes)]
    )
    held = []
    for group in groups:
        count = min(len(group) - 1, max(1, round(len(group) * fraction)))
        held.append(generator.permutation(group)[:count])
    validation = np.sort(np.concatenate(held))
    training = np.setdiff1d(np.arange(len(targets)), validation, assume_unique=True)
    if len(validation) == 0:
        raise DataError(
            "too few training samples to hold some out", where="x_train", received=f"{len(targets)} samples"
        )
    return training, validation


def stratified_rows(targets: np.ndarray, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` of the given rows, ascending, classes in their proportions (at least one of each where it can be)."""
    if count >= len(rows):
        return rows
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(rows)
    of_all = class_numbers(targets)
    if of_all is None:
        return np.sort(shuffled[:count])
    classes = of_all[shuffled]
    # Taking rows in the order of their relative rank within their class gives every class its share at any count.
    rank = np.zeros(len(shuffled))
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    first = np.zeros(len(shuffled), dtype=bool)
    first[np.unique(classes, return_index=True)[1]] = True
    order = np.lexsort((rank, ~first))
    return np.sort(shuffled[order[:count]])


def calibration_rows(dataset: Dataset, *, count: int, seed: int) -> np.ndarray:
    """Rows of the training split for the representative data set, stratified by class."""
    return stratified_rows(dataset.targets("train")[0], dataset.rows("train"), count, seed)
