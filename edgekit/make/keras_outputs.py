"""The Keras model's own outputs: on a split, on samples that are tried in other ranges, and as a teacher."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.ingest.dataset import Split
from edgekit.ingest.materials import Materials
from edgekit.jobs.cache import key, processor, versions
from edgekit.make.cached_jobs import CachedJobs
from edgekit.progress import Progress
from edgekit.sanity.transforms import Transform
from edgekit.values import to_builtins

MOST_TAUGHT_BYTES = 2 * 2**30
"""Where the float model's outputs on the training split are larger (images as outputs), there is no distillation."""


class KerasOutputs:
    """Has the Keras model run; raises `TrialFailed` where that is impossible."""

    def __init__(self, materials: Materials) -> None:
        self._model, self._dataset, self._project = materials.model, materials.dataset, materials.project
        self._jobs = CachedJobs(materials)

    def on(self, split: Split, *, progress: Progress) -> list[Path]:
        """The model's outputs on a split, as `.npy` files."""
        entry = key(
            model=self._model.key, data=self._dataset.sha256, split=split, versions=versions(), processor=processor()
        )
        job = {"do": "predict", "model": self._model.folder, "dataset": self._dataset.root, "split": split}
        folder, answer = self._jobs.run("predictions", entry, job, progress, None)
        return [folder / f"output_{index}.npy" for index in range(answer["outputs"])]

    def examined(
        self, positions: Sequence[int], transforms: Sequence[Transform], *, progress: Progress
    ) -> tuple[Path, dict[str, Any]]:
        """The model's outputs on some training samples, plain and transformed, and the values that reach its first layers."""
        entry = key(
            model=self._model.key, data=self._dataset.sha256, positions=positions, transforms=transforms, versions=versions(),
            processor=processor(),
        )  # fmt: skip
        job = {
            "do": "examine", "model": self._model.folder, "dataset": self._dataset.root, "positions": list(positions),
            "transforms": to_builtins(list(transforms)),
        }  # fmt: skip
        return self._jobs.run("examined", entry, job, progress, None)

    def teaching(self, progress: Progress) -> dict[str, list[str]] | None:
        """The outputs that a distilled model learns from by split, as paths; None where they are too large."""
        sizes = [math.prod(size or 1 for size in output.shape) for output in self._model.facts.outputs]
        whole = 4 * sum(sizes) * self._dataset.splits["train"].samples
        if whole > MOST_TAUGHT_BYTES:
            return None
        # for augmented samples, the training runs the float model itself
        splits: tuple[Split, ...] = ("validation",) if self._project.training.augment else ("train", "validation")
        return {split: [str(path) for path in self.on(split, progress=progress)] for split in splits}
