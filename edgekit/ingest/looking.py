"""A pass over a data set for what makes figures doubtful: copies within and between splits, blank samples, constant values.

What these figures mean is decided in `edgekit.sanity`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from edgekit.ingest.dataset import Dataset, Split, mapped
from edgekit.ingest.fingerprints import are_equal, hashes, is_image, nearest, small_pictures
from edgekit.ingest.seen import MOST_CHANNELS, DataSeen, InputSeen, Overlap, SplitSeen
from edgekit.progress import Progress

LOOKED = 2000
"""How many images of a split are compared by small pictures: a share of 1% is then known to a few tenths of a percent."""
MOST_COMPARED = 100_000
"""The most images that they are compared with: more small pictures would not fit in memory."""
RESEMBLES = 0.995
"""Two small pictures with at least this correlation are taken for the same image. Measured on MNIST and CIFAR-10: fewer than one
test image in a hundred has another image as near; of copies saved as JPEG (quality 75), brightened or noisy (5 of 255), 97 in
100 are as near."""
SPREAD, VALUES = 512, 64
"""How many samples are read for the range of values, and how many values of each for `bits`."""
CHECKED = 64
"""How many pairs with equal hashes are compared in full; samples that were hashed whole need no comparison."""


def look(dataset: Dataset, progress: Progress) -> DataSeen:
    """The figures of a data set; the same for the same data."""
    splits: list[Split] = [*dataset.splits]  # type: ignore[list-item]
    kept: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    looks: dict[Split, _Look] = {}
    for done, split in enumerate(splits):
        progress("looking at the data", done, len(splits) + 1)
        looks[split] = _Look(dataset, split, kept)
    seen = {split: one.seen() for split, one in looks.items()}
    progress("looking at the data", len(splits), len(splits) + 1)
    overlaps = tuple(_overlap(looks, first, second) for first, second in _pairs(dataset))
    progress("looking at the data", len(splits) + 1, len(splits) + 1)
    return DataSeen(splits=seen, overlaps=overlaps)


def _pairs(dataset: Dataset) -> list[tuple[Split, tuple[Split, ...]]]:
    """The pairs of splits that must share no samples; a validation split taken from the training split counts as part of it."""
    there = dataset.splits
    drawn = "validation" in there and there["validation"].rows is not None
    found: list[tuple[Split, tuple[Split, ...]]] = []
    if "test" in there and "train" in there:
        found.append(("test", ("train", "validation") if drawn else ("train",)))
    if "validation" in there and not drawn and "test" in there:
        found.append(("test", ("validation",)))
    if "validation" in there and not drawn and "train" in there:
        found.append(("validation", ("train",)))
    return found


class _Look:
    """One split: its arrays with their rows, and the hashes of its samples and targets."""

    def __init__(
        self, dataset: Dataset, split: Split, kept: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray, np.ndarray]]
    ) -> None:
        self.split, self._files = split, dataset.splits[split]
        self.arrays, self.rows = dataset.inputs(split), dataset.rows(split)
        self._root = Path(dataset.root)
        name = tuple(array.path for array in self._files.inputs)
        if name not in kept:
            kept[name] = (*hashes(self.arrays), hashes(dataset.targets(split))[0])
        samples, flat, targets = kept[name]
        self.samples, self.flat, self.targets = samples[self.rows], flat[self.rows], targets[self.rows]

    def seen(self) -> SplitSeen:
        _, place, count = np.unique(self.samples, return_inverse=True, return_counts=True)
        tells = [_bits(array, self.rows) for array in self.arrays]
        return SplitSeen(
            samples=len(self.rows),
            inputs=tuple(self._input(index) for index in range(len(self.arrays))),
            twins=int((count[place] > 1).sum()),
            repeats=int((count - 1).sum()),
            conflicts=int(_conflicts(self.samples, self.targets).sum()),
            blanks=int(self.flat.sum()) if any(array[0].size > 1 for array in self.arrays) else 0,
            bits=float(sum(tells)),
        )

    def _input(self, index: int) -> InputSeen:
        facts, array = self._files.inputs[index], mapped(self._root / self._files.inputs[index].path)
        part = np.asarray(array[_spread(self.rows, SPREAD)], np.float64)
        low, middle, high = np.quantile(part, (0.05, 0.5, 0.95))
        return InputSeen(
            sample=tuple(array.shape[1:]),
            low=facts.low,
            high=facts.high,
            mean=float(part.mean()),
            std=float(part.std()),
            quantiles=(float(low), float(middle), float(high)),
            still=_constant_items(array, self.rows, part),
        )


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of the rows, evenly spread."""
    picked: np.ndarray = rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
    return picked


def _constant_items(array: np.ndarray, rows: np.ndarray, part: np.ndarray) -> tuple[int, ...]:
    """Items of the last axis with the same value in all samples: found on some samples, confirmed on all."""
    is_grey = array.ndim == 3 and is_image(
        array.shape[1:]
    )  # the last axis of a grey image is a position, not a channel
    if array.ndim < 2 or is_grey or not 1 < array.shape[-1] <= MOST_CHANNELS or len(rows) < 2:
        return ()
    first = part.reshape(-1, part.shape[-1])
    found = np.flatnonzero((first == first[:1]).all(axis=0))
    for start in range(0, len(rows), 4096):
        if not len(found):
            break
        block = array[rows[start : start + 4096]][..., found].reshape(-1, len(found))
        found = found[(block == first[0, found]).all(axis=0)]
    return tuple(int(item) for item in found)


def _bits(array: np.ndarray, rows: np.ndarray) -> float:
    """How much a sample's values tell, taken as independent: the sum over values of -log2 of the chance that two samples share it."""
    some = np.asarray(array[_spread(rows, SPREAD)]).reshape(min(SPREAD, len(rows)), -1)
    columns = np.unique(np.linspace(0, some.shape[1] - 1, min(VALUES, some.shape[1])).astype(int))
    tells = 0.0
    for column in columns:
        _, count = np.unique(some[:, column], return_counts=True)
        tells -= float(np.log2(((count / count.sum()) ** 2).sum()))
    return tells * some.shape[1] / len(columns)


def _conflicts(samples: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Which samples have an equal sample with another target."""
    if not len(samples):
        return np.zeros(0, bool)
    order = np.argsort(samples, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(samples[order]) != 0])
    low, high = (reduce.reduceat(targets[order], starts) for reduce in (np.minimum, np.maximum))
    conflicts = np.zeros(len(samples), bool)
    conflicts[order] = np.repeat(low != high, np.diff(np.r_[starts, len(samples)]))
    return conflicts


def _overlap(looks: dict[Split, _Look], first: Split, second: tuple[Split, ...]) -> Overlap:
    """The samples of one split that also occur in others; these others share their arrays."""
    mine, theirs = looks[first], [looks[split] for split in second]
    samples = np.concatenate([one.samples for one in theirs])
    rows = np.concatenate([one.rows for one in theirs])
    targets = np.concatenate([one.targets for one in theirs])
    equal = _confirmed(np.isin(mine.samples, samples), mine, theirs[0], samples, rows)
    _, place, count = np.unique(samples, return_inverse=True, return_counts=True)
    both = _conflicts(np.r_[samples, mine.samples], np.r_[targets, mine.targets])[len(samples) :]
    found = Overlap(
        first=first,
        second=second,
        samples=len(mine.rows),
        exact=int(equal.sum()),
        twins=float((count[place] > 1).mean()),
        conflicts=int((both & equal).sum()),
    )
    return found if not _are_images(mine, theirs[0]) else _with_pictures(found, mine, theirs[0], rows, equal)


def _confirmed(equal: np.ndarray, mine: _Look, theirs: _Look, samples: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The matches without those that differ on a full comparison, which is made if only a part of a sample was hashed."""
    order = np.argsort(samples, kind="stable")
    for place in _spread(np.flatnonzero(equal), CHECKED) if equal.any() else ():
        other = rows[order[np.searchsorted(samples[order], mine.samples[place])]]
        if not are_equal(mine.arrays, theirs.arrays, int(mine.rows[place]), int(other)):
            equal[place] = False
    return equal


def _are_images(mine: _Look, theirs: _Look) -> bool:
    both = (mine.arrays, theirs.arrays)
    return all(len(arrays) == 1 and is_image(arrays[0].shape[1:]) for arrays in both)


def _with_pictures(found: Overlap, mine: _Look, theirs: _Look, rows: np.ndarray, equal: np.ndarray) -> Overlap:
    """Adds near copies, if there are any, and how many samples of the other split resemble each other as closely."""
    generator = np.random.default_rng(0)
    asked = np.sort(generator.permutation(np.flatnonzero(~equal & ~mine.flat))[:LOOKED])
    if not len(asked):
        return found
    compared = _spread(np.sort(rows), MOST_COMPARED)
    others = small_pictures(theirs.arrays[0], compared)
    near = int((nearest(small_pictures(mine.arrays[0], mine.rows[asked]), others) >= RESEMBLES).sum())
    within = np.sort(generator.permutation(len(compared))[:LOOKED]) if near else np.zeros(0, int)
    alike = nearest(others[within], others, not_itself=within) >= RESEMBLES if near else np.zeros(0, bool)
    return msgspec.structs.replace(
        found, looked=len(asked), near=near, looked_within=len(within), within=int(alike.sum())
    )
