"""The files beside an `.onnx` that hold its constants: each must lie in the model's own folder, and hold what the model says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from edgekit.errors import ModelError
from edgekit.onnx_file.outline import Outline, read_outline
from edgekit.onnx_file.sizes import no_size
from edgekit.onnx_file.tensor import Tensor

LARGEST_INPUT = 2**31
"""The most elements that a declared input may have, for all of which memory would be taken."""


def require_sound(path: Path) -> Outline:
    """The outline of a file whose constants lie where they may; raises `ModelError` before anything of it is used."""
    outline = read_outline(path)
    files_beside(path, outline)
    for port in outline.inputs:
        if any(isinstance(size, int) and size < 1 for size in port.shape):
            raise no_size(port.name, port.shape, str(path))
        elements = 1
        for size in port.shape:
            elements *= size if isinstance(size, int) else 1
            if elements > LARGEST_INPUT:
                raise ModelError(
                    f"the input {port.name!r} is larger than any memory", where=str(path), received=str(port.shape)[:200],
                    allowed=f"{LARGEST_INPUT} elements", next_step="export the model with the sizes that a device gives it",
                )  # fmt: skip
    return outline


def files_beside(path: Path, outline: Outline) -> dict[str, Path]:
    """The files that hold constants, by the names in the model; raises `ModelError` for one that is not in the model's folder, or too short."""
    found = {name: _file(path, name) for name in outline.files}
    for one in _external(outline):
        size = found[one.location].stat().st_size
        if one.offset + one.bytes > size:
            raise ModelError(
                f"the constant {one.name!r} is not whole", where=str(found[one.location]), received=f"{size} bytes",
                allowed=f"{one.offset + one.bytes} bytes", next_step="copy the file again, or export the model again",
            )  # fmt: skip
    return found


def _external(outline: Outline) -> Iterator[Tensor]:
    return (one for one in outline.tensors if one.is_external)


def _file(path: Path, name: str) -> Path:
    """The file of a name that a model gives, which a stranger may have written."""
    parts = PurePosixPath(name).parts
    outside = not parts or "\0" in name or "\\" in name or ".." in parts or PurePosixPath(name).is_absolute()
    if outside or PureWindowsPath(name).drive:
        raise _leaves(path, name)
    folder = Path(os.path.realpath(path.parent))
    file = Path(os.path.realpath(folder / name))
    if not file.is_relative_to(folder):
        raise _leaves(path, name)
    if not file.is_file():
        raise ModelError(
            "a file that holds the model's constants is missing" if not file.exists() else "the model's constants are in no regular file",
            where=str(path), received=ascii(name)[1:-1][:200],
            next_step="put it beside the model: whoever exported the model got both",
        )  # fmt: skip
    return file


def _leaves(path: Path, name: str) -> ModelError:
    return ModelError(
        "the model's constants lie outside of its folder", where=str(path), received=ascii(name)[1:-1][:200],
        allowed="a file in the model's own folder, by a relative path without '..' and without links that leave it",
        next_step="save the model again with its data beside it, as onnx.save_model(..., save_as_external_data=True) does",
    )  # fmt: skip
