"""Adds training samples to the validation split, to judge files that were not trained.

A post-training conversion has seen only the calibration samples, so every other training sample judges it as well as a held-out one: if the
validation split was itself taken from the training split, the model was trained on both alike. A validation split of the user's own is
unchanged. The arrays stay where they are; only row numbers are written.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from edgekit.ingest.dataset import INDEX_FILE, Dataset, SplitFiles
from edgekit.ingest.split import calibration_rows, stratified_rows
from edgekit.values import to_json

ROWS = "rows.npy"
SAMPLES = 2000
"""With so many samples, and no decision changed, the interval of a drop is as narrow as 0.14 points."""


def can_be_widened(dataset: Dataset) -> bool:
    """Whether the validation split is a part of the training split's arrays."""
    train, validation = dataset.splits.get("train"), dataset.splits.get("validation")
    if train is None or validation is None or train.rows is None or validation.rows is None:
        return False
    return train.inputs == validation.inputs and train.targets == validation.targets


def widen(dataset: Dataset, target: Path, *, calibration: int, seed: int) -> Dataset:
    """A copy of the data set in a folder of its own, whose validation split has up to `SAMPLES` samples: its own and training samples.

    The calibration samples (`calibration` of them, drawn with `seed`) are not added. The added ones are stratified by class.
    """
    validation, train = dataset.rows("validation"), dataset.rows("train")
    unseen = np.setdiff1d(train, calibration_rows(dataset, count=calibration, seed=seed))
    added = max(min(SAMPLES - len(validation), len(unseen)), 0)
    more = stratified_rows(dataset.targets("train")[0], unseen, added, seed) if added else unseen[:0]
    rows = np.sort(np.concatenate([validation, more]))
    np.save(target / ROWS, rows)
    splits = {name: _reachable_from(files, dataset) for name, files in dataset.splits.items() if name == "train"}
    wide = _reachable_from(dataset.splits["validation"], dataset)
    made = msgspec.structs.replace(
        dataset, root=str(target), sha256=f"{dataset.sha256}+{len(rows)}", notes=(),
        splits={**splits, "validation": msgspec.structs.replace(wide, samples=len(rows), rows=ROWS)},
    )  # fmt: skip
    (target / INDEX_FILE).write_text(to_json(made), encoding="utf-8")
    return made


def _reachable_from(files: SplitFiles, dataset: Dataset) -> SplitFiles:
    """The files of a split, with paths that are valid from another folder."""
    root = Path(dataset.root).absolute()
    inputs, targets = (
        tuple(msgspec.structs.replace(one, path=str(root / one.path)) for one in arrays)
        for arrays in (files.inputs, files.targets)
    )
    rows = None if files.rows is None else str(root / files.rows)
    return msgspec.structs.replace(files, inputs=inputs, targets=targets, rows=rows)
