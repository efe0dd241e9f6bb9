"""More samples to judge by, for files that nothing was trained for: training samples beside the validation split.

A post-training conversion has seen the calibration samples alone, so every other training sample judges it as well as a held-out one: where the
validation split was itself held out of the training split, the model was trained on both alike. A validation split of the user's own is left as
it is. The arrays stay where they are; what is written are row numbers.
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
"""With so many, and no decision changed, the interval of a drop reaches 0.14 points."""


def can_be_widened(dataset: Dataset) -> bool:
    """Whether the validation split is a part of the same arrays as the training split."""
    train, validation = dataset.splits.get("train"), dataset.splits.get("validation")
    if train is None or validation is None or train.rows is None or validation.rows is None:
        return False
    return train.inputs == validation.inputs and train.targets == validation.targets


def widen(dataset: Dataset, target: Path, *, calibration: int, seed: int) -> Dataset:
    """The data set in a folder of its own whose validation split has up to `SAMPLES` samples: its own, and training samples.

    Left out are those that so many `calibration` samples with this seed are. The samples that are added are stratified by class.
    """
    validation, train = dataset.rows("validation"), dataset.rows("train")
    unseen = np.setdiff1d(train, calibration_rows(dataset, count=calibration, seed=seed))
    added = max(min(SAMPLES - len(validation), len(unseen)), 0)
    more = stratified_rows(dataset.targets("train")[0], unseen, added, seed) if added else unseen[:0]
    rows = np.sort(np.concatenate([validation, more]))
    np.save(target / ROWS, rows)
    splits = {name: _from(files, dataset) for name, files in dataset.splits.items() if name == "train"}
    wide = _from(dataset.splits["validation"], dataset)
    made = msgspec.structs.replace(
        dataset, root=str(target), sha256=f"{dataset.sha256}+{len(rows)}", notes=(),
        splits={**splits, "validation": msgspec.structs.replace(wide, samples=len(rows), rows=ROWS)},
    )  # fmt: skip
    (target / INDEX_FILE).write_text(to_json(made), encoding="utf-8")
    return made


def _from(files: SplitFiles, dataset: Dataset) -> SplitFiles:
    """The files of a split as any folder may name them."""
    root = Path(dataset.root).absolute()
    inputs, targets = (
        tuple(msgspec.structs.replace(one, path=str(root / one.path)) for one in arrays)
        for arrays in (files.inputs, files.targets)
    )
    rows = None if files.rows is None else str(root / files.rows)
    return msgspec.structs.replace(files, inputs=inputs, targets=targets, rows=rows)
