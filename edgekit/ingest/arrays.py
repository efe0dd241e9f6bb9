"""Writes arrays batch by batch to `.npy` files and finds their range, with at most one batch in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.dataset import ArrayFile
from edgekit.progress import Progress

FLOAT32_MAX = float(np.finfo(np.float32).max)
NUMBERS = "floats, integers, truth values"
SCAN_ROWS_BYTES = 32 * 2**20
_HEADER_BYTES = 128


class ArrayWriter:
    """An `.npy` file that grows by batches of equal sample shape; the header is written at the end."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._file: IO[bytes] | None = None
        self._dtype: np.dtype[np.generic] | None = None
        self._sample: tuple[int, ...] = ()
        self._samples = 0

    def append(self, batch: np.ndarray) -> None:
        """Add a batch, samples first; raises `DataError` if its samples differ in shape or type from the earlier ones."""
        if batch.ndim == 0:
            raise DataError(
                "a single sample where a batch is expected",
                where=self._name,
                received=f"a {batch.dtype} without a samples axis",
                next_step="batch the data (for a tf.data.Dataset: .batch(32))",
            )
        if self._file is None:
            if batch.dtype.hasobject:
                raise DataError("an array of Python objects", where=self._name, allowed="arrays of numbers")
            self._file = self._path.open("wb")
            self._file.write(b"\0" * _HEADER_BYTES)
            self._dtype, self._sample = batch.dtype.newbyteorder("="), batch.shape[1:]
        if batch.shape[1:] != self._sample:
            raise DataError(
                "samples of different shapes",
                where=f"{self._name}, sample {self._samples}",
                received=batch.shape[1:],
                allowed=f"{self._sample}, as the samples before",
                next_step="bring all samples to one shape (for images: image_size in [data])",
            )
        assert self._dtype is not None
        # A wider type of the same kind may still hold values that fit, such as int64 labels after int8 ones.
        kept = batch.astype(self._dtype, copy=False) if np.can_cast(batch.dtype, self._dtype, "same_kind") else None
        if kept is None or (kept.dtype.itemsize < batch.dtype.itemsize and not _holds(batch, kept)):
            raise DataError(
                "batches of different types",
                where=f"{self._name}, sample {self._samples}",
                received=batch.dtype,
                allowed=f"{self._dtype}, as the samples before",
                next_step="give every batch the same type",
            )
        for part in chunks(kept):
            self._file.write(np.ascontiguousarray(part).tobytes())
        self._samples += len(batch)

    def close(self) -> None:
        """Write the header; the file is then a regular `.npy`. Raises `DataError` if nothing was added."""
        if self._file is None or self._dtype is None:
            raise DataError("no samples", where=self._name)
        shape = (self._samples, *self._sample)
        text = repr({"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape})
        body = text.encode("latin1").ljust(_HEADER_BYTES - 11) + b"\n"
        self._file.seek(0)
        self._file.write(np.lib.format.magic(1, 0) + len(body).to_bytes(2, "little") + body)
        self._file.close()


def _largest(dtype: Any) -> float:
    """The largest value that is finite in a float type and in float32."""
    return min(FLOAT32_MAX, float(np.finfo(dtype).max))


def _holds(batch: np.ndarray, kept: np.ndarray) -> bool:
    """Whether a narrower type keeps the values: integers exactly, floats within its range."""
    if batch.dtype.kind == "f":
        return bool((np.isfinite(kept) | ~np.isfinite(batch)).all())
    return bool((kept == batch).all())


def chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array in parts of about 32 MiB, samples first."""
    for start, stop in _parts(array):
        yield array[start:stop]


def _parts(array: np.ndarray) -> Iterator[tuple[int, int]]:
    step = max(1, SCAN_ROWS_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        yield start, min(start + step, len(array))


def describe(root: Path, name: str, progress: Progress, *, key: str = "", where: str = "") -> ArrayFile:
    """The facts of `root/name.npy`, read in parts; raises `DataError` if a value is not finite.

    `key` is what the data's source calls it, `where` how a message names it.
    """
    path, where = root / f"{name}.npy", where or key or name
    array = _open(path, where)
    low, high = np.inf, -np.inf
    for start, stop in _parts(array):
        part = _open(path, where)[start:stop]  # mapped anew, so that the pages of earlier parts are freed
        finite = np.abs(part) <= _largest(part.dtype) if part.dtype.kind == "f" else np.array(True)
        if not finite.all():
            row = start + int(np.argmin(finite.reshape(len(part), -1).all(axis=1)))
            raise DataError(
                "a value that is no finite number (NaN or infinite), or beyond what float32 holds",
                where=f"{where}, sample {row}",
                received=part[~finite].reshape(-1)[0],
                allowed=f"{-FLOAT32_MAX:g} to {FLOAT32_MAX:g}",
                next_step="remove or repair the sample",
            )
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        progress(f"checking {key or name}", stop, len(array))
    return ArrayFile(path=f"{name}.npy", shape=tuple(array.shape), dtype=array.dtype.name, low=low, high=high, key=key)


def _open(path: Path, name: str) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as problem:  # the header may claim a size that the file does not have, or no valid shape
        received = f"{type(problem).__name__}: {problem}"[:200]
        raise DataError(
            "not an array of numbers", where=name, received=received, allowed=NUMBERS, next_step="save the array again"
        ) from None
    if array.ndim == 0 or array.size == 0:
        raise DataError(
            "no samples, or samples without values", where=name, received=f"shape {array.shape}",
            allowed="one sample or more: the first axis counts them",
            next_step="look at how the split was made" if array.ndim else "give an array whose first axis counts the samples",
        )  # fmt: skip
    if array.dtype.kind not in "fiub":
        raise DataError(
            "not an array of numbers", where=name, received=array.dtype, allowed=NUMBERS,
            next_step="number text labels from 0 in the order of the model's outputs"
            if array.dtype.kind in "US"
            else "save it as floats or integers, as by np.abs for complex numbers",
        )  # fmt: skip
    return array
