"""A folder of pictures becomes arrays: every picture is decoded, counted, and put into a split if the folder has none.

Pixels are uint8, 0 to 255, unless the project declares a scale or an offset: preprocessing is never guessed.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import ArrayWriter
from edgekit.ingest.layout import MOST_NAMED, NAMED, left_out_note, read_layout
from edgekit.ingest.pictures import Picture, decode
from edgekit.ingest.printable import listed, shown
from edgekit.ingest.split import held_out_note, split_rows
from edgekit.progress import Progress

BATCH = 64
Files = Sequence[tuple[str, int]]


def read_folder(
    source: Path, target: Path, options: dict[str, Any], seed: int, progress: Progress, *, whole: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Decode the folder into `x_train_0.npy`, `y_train_0.npy`, ...; returns the class names in label order, and notes.

    With `whole`, a folder without split folders becomes the test split, all of it.
    Raises `DataError` that names every unreadable picture, or the sizes that were found if they differ.
    """
    layout = read_layout(source, tuple(options["classes"]))
    splits, held_out = _split(dict(layout.splits), options["test"], seed, whole=whole)
    tally = _Tally()
    for split, files in splits.items():
        _decode(source, files, target, split, options, tally, progress)
    tally.require(source)
    return layout.labels, (*layout.notes, *held_out, *left_out_note(layout.left_out), *tally.notes())


def _split(
    splits: dict[str, Files], share: float, seed: int, *, whole: bool
) -> tuple[dict[str, Files], tuple[str, ...]]:
    """The splits with a test split: if there is none it is taken from the training pictures, with a note."""
    if whole and "all" in splits:
        return {"test": splits["all"]}, ()
    files = splits.pop("all", None) or (splits["train"] if "test" not in splits else None)
    if files is None:
        return splits, ()
    training, test = split_rows(np.array([label for _, label in files]), share, seed)
    splits["train"], splits["test"] = [files[row] for row in training], [files[row] for row in test]
    return splits, (held_out_note(len(test), len(files), "pictures", seed),)


class _Tally:
    """What decoding has found so far: damaged pictures, sizes, and what was not used of a picture."""

    def __init__(self) -> None:
        self._damaged: list[tuple[str, DataError]] = []
        self._sizes: dict[tuple[int, ...], list[str]] = collections.defaultdict(list)
        self._aside: dict[str, list[str]] = collections.defaultdict(list)

    @property
    def is_sound(self) -> bool:
        """Whether what was decoded so far can be written as one array."""
        return not self._damaged and len(self._sizes) < 2

    def damaged(self, name: str, problem: DataError) -> None:
        self._damaged.append((name, problem))

    def decoded(self, name: str, picture: Picture) -> None:
        self._sizes[picture.pixels.shape].append(name)
        for key, is_so in (("turned", picture.turned), ("frames", picture.frames > 1), ("deep", picture.deep)):
            if is_so:
                self._aside[key].append(name)

    def require(self, source: Path) -> None:
        """Raise `DataError` for all damaged pictures at once, or for sizes that differ."""
        if self._damaged:
            raise _damaged(source, self._damaged)
        if len(self._sizes) > 1:
            raise _sizes(source, self._sizes)

    def notes(self) -> tuple[str, ...]:
        """What a reader must know about how the pictures were decoded."""
        said = {
            "turned": "pictures with an EXIF orientation, which is not applied (Keras does not apply it either)",
            "frames": "pictures of several frames, of which the first is taken (as Keras does)",
            "deep": "pictures of 16-bit grey, brought to 0 to 255 by their upper byte (as tf.image.decode_image does)",
        }
        return tuple(
            f"{text}: {len(self._aside[key])} ({listed(self._aside[key], NAMED)})"
            for key, text in said.items()
            if key in self._aside
        )


def _damaged(source: Path, found: list[tuple[str, DataError]]) -> DataError:
    """One error for all unreadable pictures: the first in full, the others by name."""
    name, first = found[0]
    others = [f"{shown(name)} ({problem.received})" for name, problem in found[1:MOST_NAMED]]
    more = [f"and {len(found) - MOST_NAMED} more"] * (len(found) > MOST_NAMED)
    return DataError(
        first.what if len(found) == 1 else f"{len(found)} pictures that cannot be used",
        where=shown(str(source / name)),
        received="; ".join([first.received or first.what, *others, *more]),
        allowed=first.allowed,
        next_step=first.next_step if len(found) == 1 else "remove or repair them",
    )


def _sizes(source: Path, found: dict[tuple[int, ...], list[str]]) -> DataError:
    """The error for pictures of several sizes: how many have each size, and the name of one with a rare size."""
    by_count = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    said = [f"{height} x {width} ({len(names)})" for (height, width, _), names in by_count]
    return DataError(
        "samples of different shapes",
        where=shown(str(source / by_count[-1][1][0])),
        received=f"{len(found)} sizes, height x width (pictures): {listed(said)}",
        allowed="one size",
        next_step="bring all pictures to one size with image_size in [data]",
    )


def _decode(
    source: Path, files: Files, target: Path, split: str, options: dict[str, Any], tally: _Tally, progress: Progress
) -> None:
    images = ArrayWriter(target / f"x_{split}_0.npy", f"images of {split}")
    for done, (name, _) in enumerate(files, 1):
        try:
            picture = decode(source / name, options)
        except DataError as problem:
            tally.damaged(name, problem)
        else:
            tally.decoded(name, picture)
            if tally.is_sound:  # after an error, reading goes on only to name all other errors
                images.append(_scaled(picture.pixels, options)[None])
        if done % BATCH == 0 or done == len(files):
            progress(f"decoding {split} images", done, len(files))
    if tally.is_sound:
        images.close()
        np.save(target / f"y_{split}_0.npy", np.array([label for _, label in files], dtype=np.int64))


def _scaled(pixels: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    if options["scale"] == 1.0 and options["offset"] == 0.0:
        return pixels
    scaled: np.ndarray = pixels.astype(np.float32) * np.float32(options["scale"]) + np.float32(options["offset"])
    return scaled
