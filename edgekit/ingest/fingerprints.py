"""Samples made comparable: a hash of each one's values, and for images a small picture that survives re-encoding.

Arrays are read in blocks, and of a large sample only a part is read, so that a pass over a data set costs about as much as
reading it once. Where two hashes are equal, whole samples are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ingest.arrays import SCAN_ROWS_BYTES

PART_ELEMENTS = 1024
MOST_PARTS = 4
"""Of a sample with more than 4 x 1,024 values four stretches are hashed."""
SIDE = 16
"""The side of a small picture, in pixels, at most: 256 numbers tell 60,000 digits apart, and are compared in a second."""
LEAST_SIDE = 8
MOST_CHANNELS = 4
READ_SIDE = 64
"""How many pixels a side of a large image are read for its small picture."""
FLAT = 1e-3
"""An image whose small picture varies by less than this share of its largest value is blank: it would resemble every other."""


def hashes(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """For each sample of some arrays (samples first), a 64-bit hash by value and not by type, and whether all its values are one.

    Multilinear hashing: of pairs of different samples, one in about 2**64 has equal hashes, unless they differ only in
    values that were not read. Returns uint64 (samples,) and bool (samples,).
    """
    found, flat = np.zeros(len(arrays[0]), np.uint64), np.ones(len(arrays[0]), bool)
    for place, array in enumerate(arrays):
        hashed, constant = _hashed(array, place)
        found, flat = found * np.uint64(0x9E3779B97F4A7C15) + hashed, flat & constant
    return found, flat


def _hashed(array: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
    values = array.reshape(len(array), -1)
    parts = _parts(values.shape[1])
    length = sum(part.stop - part.start for part in parts)
    odd = np.random.default_rng([place, length]).integers(1, 2**63, length, dtype=np.uint64) * np.uint64(2) + np.uint64(
        1
    )
    found, constant = np.empty(len(values), np.uint64), np.empty(len(values), bool)
    step = max(1, SCAN_ROWS_BYTES // max(1, 8 * length))
    for start in range(0, len(values), step):
        rows = np.concatenate([np.asarray(values[start : start + step, part], np.float32) for part in parts], axis=1)
        words = (rows + np.float32(0)).view(np.uint32).astype(np.uint64)  # makes -0.0 equal to 0.0
        found[start : start + step] = (words * odd).sum(axis=1, dtype=np.uint64)
        constant[start : start + step] = (rows == rows[:, :1]).all(axis=1)
    found ^= found >> np.uint64(29)
    return found, constant


def _parts(length: int) -> list[slice]:
    """The stretches of a sample that are read: all of it, or some stretches spread over it."""
    if length <= PART_ELEMENTS * MOST_PARTS:
        return [slice(0, length)]
    starts = np.linspace(0, length - PART_ELEMENTS, MOST_PARTS).astype(int)
    return [slice(int(start), int(start) + PART_ELEMENTS) for start in starts]


def are_equal(first: Sequence[np.ndarray], second: Sequence[np.ndarray], row: int, other: int) -> bool:
    """Whether two samples are equal in every value."""
    return all(np.array_equal(a[row], b[other]) for a, b in zip(first, second, strict=True))


def is_image(sample: Sequence[int]) -> bool:
    """Whether a sample's shape is that of an image, or of something that can be treated as one (a spectrogram)."""
    if len(sample) not in (2, 3) or (len(sample) == 3 and not 1 <= sample[2] <= MOST_CHANNELS):
        return False
    return min(sample[0], sample[1]) >= LEAST_SIDE


def small_pictures(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The small pictures of some images, scaled so that the product of two is their correlation: float32 (rows, pixels).

    Made grey, averaged over blocks, its mean subtracted, and scaled to length 1; a blank image gives zeros.
    """
    height, width = array.shape[1:3]
    skip = max(1, height // READ_SIDE), max(1, width // READ_SIDE)
    made = []
    step = max(1, SCAN_ROWS_BYTES // max(1, 4 * READ_SIDE**2 * (array.shape[3] if array.ndim == 4 else 1)))
    for start in range(0, len(rows), step):
        images = np.asarray(array[rows[start : start + step], :: skip[0], :: skip[1]], np.float32)
        made.append(_pictures(images.mean(axis=3) if images.ndim == 4 else images))
    return np.concatenate(made) if made else np.zeros((0, 1), np.float32)


def _pictures(images: np.ndarray) -> np.ndarray:
    blocks = [-(-size // SIDE) for size in images.shape[1:]]
    sizes = [size // block for size, block in zip(images.shape[1:], blocks, strict=True)]
    total = np.zeros((len(images), *sizes), np.float32)
    for down in range(blocks[0]):
        for right in range(blocks[1]):
            total += images[:, down : sizes[0] * blocks[0] : blocks[0], right : sizes[1] * blocks[1] : blocks[1]]
    flat = total.reshape(len(images), -1)
    largest = np.abs(flat).max(axis=1, keepdims=True)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    blank = length <= FLAT * largest * np.sqrt(flat.shape[1])
    made: np.ndarray = np.where(blank, np.float32(0), flat / np.maximum(length, np.float32(1e-20)))
    return made


def nearest(pictures: np.ndarray, others: np.ndarray, *, not_itself: np.ndarray | None = None) -> np.ndarray:
    """The largest correlation of each small picture with any of the others, float32; `not_itself` names a row to leave out of each."""
    best = np.full(len(pictures), -1.0, np.float32)
    for start in range(0, len(others), 8192):
        found = pictures @ others[start : start + 8192].T
        if not_itself is not None:
            inside = (not_itself >= start) & (not_itself < start + found.shape[1])
            found[inside, not_itself[inside] - start] = -1.0
        np.maximum(best, found.max(axis=1), out=best)
    return best
