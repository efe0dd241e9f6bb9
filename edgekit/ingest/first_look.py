"""A model's file looked at before any of it is hashed or a worker is started: whether it begins, and is as large, as its format says."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from edgekit import first_bytes
from edgekit.errors import ModelError
from edgekit.ingest.given_file import not_readable
from edgekit.onnx_file.beside import require_sound
from edgekit.onnx_file.outline import is_onnx
from edgekit.tflite.content import require_mark
from edgekit.tflite.given import is_tflite
from edgekit.torch_file.archive import LOCAL, is_pt2
from edgekit.torch_file.program import require_program
from edgekit.torch_file.saved import is_saved, require_torchscript

HDF5 = b"\x89HDF\r\n\x1a\n"


def require_format(path: Path) -> None:
    """Raise `ModelError` for a file that cannot be what its name says, by its first bytes and its size; folders pass."""
    if os.path.isdir(path):
        return
    try:
        if is_tflite(path):
            require_mark(path)
        elif is_onnx(path):
            require_sound(path)
        elif is_pt2(path) or is_saved(path):
            _require_archive(path)
        else:
            _require_keras(path)
    except OSError as problem:
        raise not_readable(path, problem, ModelError, "model") from None


def no_keras_model(path: Path, begins: bytes) -> ModelError:
    """The error for a file that begins with these bytes and is opened as a Keras model."""
    is_other = begins[4:8] == b"TFL3"
    return ModelError(
        "a .tflite file is no Keras model" if is_other else "not a Keras model",
        where=str(path),
        received="a zip archive without its end, as a copy or a download that broke off leaves it"
        if begins.startswith(LOCAL)
        else first_bytes.said(begins, "neither a zip archive nor HDF5: damaged, or another format"),
        allowed="a .keras file, an .h5 file, a SavedModel folder, an .onnx, .pt2 or .tflite file, module:function",
        next_step="name it .tflite: edgekit check judges it, and a build quantizes a float one"
        if is_other
        else first_bytes.next_step(begins, "save the model again with model.save(...), or name the file by what it is"),
    )


def _require_archive(path: Path) -> None:
    """Of PyTorch's files, one that is no archive; what an archive holds is judged later."""
    if _begins(path).startswith(LOCAL):
        return
    if is_pt2(path):
        require_program(path, trust=True)
    else:
        require_torchscript(path, trust=True)


def _require_keras(path: Path) -> None:
    begins = _begins(path)
    if not begins.startswith(HDF5) and not zipfile.is_zipfile(path):
        raise no_keras_model(path, begins)


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(first_bytes.ENOUGH)
