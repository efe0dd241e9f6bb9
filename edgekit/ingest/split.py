"""Takes a validation or test split from another split, with a seed, and stratified by class if there are classes."""

from __future__ import annotations

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import chunks
from edgekit.ingest.dataset import Dataset


def class_numbers(targets: np.ndarray) -> np.ndarray | None:
    """Class of each sample for integer or one-hot targets; None for anything else.

    Shape and type are checked first, and rows are read in parts: targets may be a mapped file larger than the memory.
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


def split_rows(targets: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending row numbers (training, validation); each class gives its rounded share, and keeps at least one.

    Whole numbers that rarely repeat, such as prices, are not classes: the share is then drawn from all rows.
    """
    classes, whole = class_numbers(targets), [np.arange(len(targets))]
    validation = _held(whole if classes is None else _members(classes), fraction, seed)
    if classes is not None and not _is_near(len(validation), len(targets) * fraction):
        validation = _held(whole, fraction, seed)
    training = np.setdiff1d(np.arange(len(targets)), validation, assume_unique=True)
    if len(validation) == 0:
        raise DataError(
            "too few training samples to hold some out", where="train", received=f"{len(targets)} samples",
            allowed="2 samples or more", next_step="give more samples, or a validation split of your own",
        )  # fmt: skip
    return training, validation


def held_out_note(held: int, whole: int, what: str, seed: int, how: str = "stratified by class, ") -> str:
    """The note on a test split that was taken from data without one."""
    return (
        f"test: the data has no test split, so {held} of {whole} {what} are held out as one, {how}seed {seed}, and {whole - held} are "
        "left for training; where the given model was trained on them, its figures here are better than they will be"
    )


def _members(classes: np.ndarray) -> list[np.ndarray]:
    """The rows of each class."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(classes[order])) + 1)


def _held(groups: list[np.ndarray], fraction: float, seed: int) -> np.ndarray:
    """Ascending rows: a share of each group, at least one row and never all."""
    generator = np.random.default_rng(seed)
    held = []
    for group in groups:
        count = min(len(group) - 1, max(1, round(len(group) * fraction)))
        held.append(generator.permutation(group)[:count])
    return np.sort(np.concatenate(held))


def _is_near(count: int, wanted: float) -> bool:
    """Whether the groups together gave about the share that was asked for."""
    return count > 0 and wanted / 2 - 5 <= count <= wanted * 1.5 + 5


def stratified_rows(targets: np.ndarray, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` of the given rows, ascending, with classes in proportion (at least one row of each, if possible)."""
    if count >= len(rows):
        return rows
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(rows)
    of_all = class_numbers(targets)
    if of_all is None:
        return np.sort(shuffled[:count])
    classes = of_all[shuffled]
    # Rows are taken by their relative rank within their class, so every class has its share at any count.
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
