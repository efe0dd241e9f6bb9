"""A data set on disk as memory-mapped `.npy` files: one for each input or target of a split.

Whatever the data came from, the rest of edgekit sees only this: it never loads a data set whole, and processes
share the pages. How data gets here is known to `edgekit.ingest` and the workshop.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from edgekit.errors import DataError
from edgekit.ingest.held_seen import HeldSeen
from edgekit.values import Value, from_json

if TYPE_CHECKING:
    import numpy as np

Split = Literal["train", "validation", "test"]
INDEX_FILE = "dataset.json"


class ArrayFile(Value):
    """One array of one split: `shape[0]` samples in a `.npy` file named relative to the data set's folder.

    `key` is what the source calls it, as `x_train_image`; empty where the source has no word for it.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    key: str = ""

    @property
    def name(self) -> str:
        """What a message calls it beside its source."""
        return self.key or self.path.removesuffix(".npy")


class SplitFiles(Value):
    """The arrays of one split; `rows` names an `.npy` of row numbers if the split is only a part of its arrays."""

    inputs: tuple[ArrayFile, ...]
    targets: tuple[ArrayFile, ...]
    samples: int
    rows: str | None = None


class Dataset(Value):
    """A spooled data set: `splits` are its parts, `labels` its class names, `held` what it has for held inputs that differs from their values.

    `source` is where the data came from, as the user names it: a path, a function. `content_sha256` is the hash of what the data came from (a file, a folder's files, a function's source, arrays);
    `sha256` also covers how it was read, split and seeded.
    """

    root: str
    sha256: str
    splits: dict[str, SplitFiles]
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    content_sha256: str = ""
    held: tuple[HeldSeen, ...] = ()
    source: str = ""

    @classmethod
    def open(cls, root: Path, source: str = "") -> Dataset:
        """The data set spooled in a folder, even if the folder was moved since, or the same bytes came from another `source`."""
        written = from_json((root / INDEX_FILE).read_bytes(), cls, where=str(root / INDEX_FILE))
        return msgspec.structs.replace(written, root=str(root), source=source)

    def place(self, what: ArrayFile | str) -> str:
        """How a message names an array, or another part such as a split: by the source and by its name there."""
        name = what.name if isinstance(what, ArrayFile) else what
        return f"{self.source}: {name}" if self.source else name

    def rows(self, split: Split) -> np.ndarray:
        """Row numbers of a split within its arrays, int64, ascending."""
        import numpy as np

        files = self.splits[split]
        return np.arange(files.samples) if files.rows is None else mapped(Path(self.root) / files.rows)

    def inputs(self, split: Split) -> list[np.ndarray]:
        """Memory-mapped whole input arrays; index them with `rows(split)`."""
        return [self._map(array) for array in self.splits[split].inputs]

    def targets(self, split: Split) -> list[np.ndarray]:
        """Memory-mapped whole target arrays; index them with `rows(split)`."""
        return [self._map(array) for array in self.splits[split].targets]

    @property
    def mapped_bytes(self) -> int:
        """The size of all its arrays, each counted once."""
        files = {array.path for split in self.splits.values() for array in (*split.inputs, *split.targets)}
        return sum((Path(self.root) / path).stat().st_size for path in files)

    def _map(self, array: ArrayFile) -> np.ndarray:
        return mapped(Path(self.root) / array.path)


def mapped(path: Path) -> np.ndarray:
    """The array of a `.npy` file, memory-mapped; raises `DataError` if the file was damaged since it was written."""
    import numpy as np

    try:
        array: np.ndarray = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, SyntaxError) as problem:
        raise DataError(
            "an array in the cache is damaged", where=str(path), received=str(problem).splitlines()[0][:200],
            next_step="remove the folder that it is in, and it is made again",
        ) from None  # fmt: skip
    return array
