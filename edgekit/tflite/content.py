"""The bytes of a `.tflite` file on disk: whether they are there, how many, and whether they begin as such a file does. What they hold is not known here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edgekit import first_bytes
from edgekit.errors import ModelError
from edgekit.paths import next_step_for, why_absent
from edgekit.tflite.schema import FILE_IDENTIFIER

MAX_FILE_BYTES = 2**31 - 1  # a flatbuffer's offsets are signed 32-bit numbers
_BEGINS_WITH = 8


def read_content(path: Path) -> bytes:
    """The bytes of a model's file, whatever they are; raises `ModelError` if there is none, or it cannot be read or is too large."""
    with _opened(path) as file:
        return file.read()


def require_mark(path: Path) -> None:
    """Raise `ModelError` for a file that does not begin as a `.tflite`, before more of it is read, and as `read_content` does."""
    with _opened(path, is_marked=True):
        pass


@contextlib.contextmanager
def _opened(path: Path, *, is_marked: bool = False) -> Iterator[BinaryIO]:
    """A model's file, of a size that is read; of one that must be marked the first bytes are looked at first."""
    try:
        _require_file(path)
        size = path.stat().st_size
        with path.open("rb") as file:
            if is_marked:
                require_mark_of(file.read(first_bytes.ENOUGH), size, str(path))
                file.seek(0)
            if size > MAX_FILE_BYTES:
                raise external(str(path), f"a file of {size} bytes")
            yield file
    except (OSError, ValueError) as problem:
        raise ModelError(
            "the model cannot be read",
            where=str(path),
            received=getattr(problem, "strerror", None) or str(problem),
            next_step="check the path and its permissions",
        ) from None


def _require_file(path: Path) -> None:
    if os.path.isfile(path):
        return
    reason = "a folder" if os.path.isdir(path) else "what is no file" if os.path.exists(path) else why_absent(path)
    inside = sorted(path.glob("*.tflite")) if os.path.isdir(path) else []
    raise ModelError(
        "no such model file", where=str(path), received=reason or None,
        next_step=f"did you mean {str(inside[0])!r}?" if inside else next_step_for(reason) or "give the path of a .tflite file",
    )  # fmt: skip


def require_mark_of(begins: bytes, size: int, where: str) -> None:
    """Raise `ModelError` for first bytes, of a file of `size` bytes, that are not those of a `.tflite`; `where` names the file."""
    if len(begins) < _BEGINS_WITH or begins[4:8] != FILE_IDENTIFIER:
        raise ModelError(
            "not a .tflite file",
            where=where,
            received=first_bytes.said(begins, f"{size} bytes that begin with {begins[:_BEGINS_WITH]!r}"),
            allowed=f"a file with {FILE_IDENTIFIER.decode()!r} at its bytes 4 to 8",
            next_step=first_bytes.next_step(
                begins,
                "give a TensorFlow Lite file; a build takes models of Keras, PyTorch and ONNX too, by their own names",
            ),
        )


def external(where: str, received: str) -> ModelError:
    """The error for a file whose weights lie, or would have to lie, outside of it."""
    return ModelError(
        "weights outside the flatbuffer (models above 2 GB) are not supported",
        where=where,
        received=received,
        allowed="a .tflite file below 2 GiB that holds its own weights",
        next_step="convert the model with its weights inside, or choose a smaller one",
    )
