"""Targets that are text: numbered as they come, and renumbered in the order of the labels once all are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import chunks
from edgekit.ingest.classes import MOST_CLASSES, as_text, ordered_labels
from edgekit.ingest.printable import listed


class TextLabels:
    """The different texts of each target, over all splits, in order of first appearance."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[str, int]] = {}
        self._in_split: dict[tuple[int, str], set[str]] = {}

    @staticmethod
    def takes(array: np.ndarray) -> bool:
        """Whether an array holds text."""
        if array.dtype.kind in "US":
            return True
        return (
            array.dtype == object and array.size > 0 and all(isinstance(one, str | bytes) for one in array.ravel()[:8])
        )

    def numbered(self, index: int, split: str, array: np.ndarray) -> np.ndarray:
        """The numbers of a batch's texts, int64; raises `DataError` if there are too many different texts."""
        seen = self._seen.setdefault(index, {})
        texts = [one.decode("utf-8", "replace") if isinstance(one, bytes) else as_text(one) for one in array.ravel()]
        numbers = [seen.setdefault(text, len(seen)) for text in texts]
        self._in_split.setdefault((index, split), set()).update(texts)
        if len(seen) > MOST_CLASSES:
            raise DataError(
                "too many different labels", where=f"{split}: y_{index}", received=f"{len(seen)}, as {texts[-1][:50]!r}",
                allowed=f"{MOST_CLASSES} classes at most, or numbers",
            )  # fmt: skip
        return np.array(numbers, np.int64).reshape(array.shape)

    def settle(self, target: Path, declared: tuple[str, ...], where: str) -> tuple[str, ...]:
        """Renumber what was written in the order of the labels; returns the labels of the first target, if it was text.

        Raises `DataError` if a split has labels that do not occur in training.
        """
        found: tuple[str, ...] = ()
        for index, seen in self._seen.items():
            place = f"{where}: y_{index}"
            labels = ordered_labels(seen, declared if index == 0 else (), place)
            self._require_trained(index, place)
            table = np.array([labels.index(text) for text in seen], np.int64)
            for split in (split for number, split in self._in_split if number == index):
                array = np.load(target / f"y_{split}_{index}.npy", mmap_mode="r+")
                for part in chunks(array):
                    part[...] = table[part]
            found = labels if index == 0 else found
        return found

    def notes(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The note on labels that were text."""
        return (f"targets: text, {len(labels)} classes in the order {listed(labels)}",) * bool(labels)

    def _require_trained(self, index: int, where: str) -> None:
        trained = self._in_split.get((index, "train"))
        for (number, split), texts in self._in_split.items():
            if number == index and trained is not None and texts - trained:
                raise DataError(
                    "labels that the training split does not have", where=f"{where} of {split}", received=listed(sorted(texts - trained)),
                    allowed=listed(sorted(trained)),
                )  # fmt: skip
