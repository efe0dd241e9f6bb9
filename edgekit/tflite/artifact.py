"""A `.tflite` file on disk: where it is, what it holds by hash, and its raw and deflated size."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.values import Value


class Artifact(Value):
    """A `.tflite` file; `flash_bytes` is its raw size, `download_bytes` its size deflated at level 9."""

    path: str
    sha256: str
    flash_bytes: int
    download_bytes: int

    @classmethod
    def from_path(cls, path: Path) -> Artifact:
        """Read a file; raises `ModelError` if it cannot be read."""
        try:
            content = path.read_bytes()
        except OSError as problem:
            raise ModelError("the model cannot be read", where=str(path), received=problem.strerror) from None
        return cls(
            path=str(path),
            sha256=hashlib.sha256(content).hexdigest(),
            flash_bytes=len(content),
            download_bytes=len(zlib.compress(content, 9)),
        )
