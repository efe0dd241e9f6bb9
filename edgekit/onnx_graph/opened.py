"""The bytes of an `.onnx` file made an `onnx.ModelProto`: the place where a file that nobody trusts is judged before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.errors import MissingExtraError, ModelError
from edgekit.onnx_file.beside import require_sound

INSTALL_LINE = "pip install 'edgekit-tflite[onnx]'"


def open_model(path: Path) -> Any:
    """The model of a file, with the constants of files beside it; raises `ModelError`, or `MissingExtraError` without `onnx`."""
    try:
        import onnx
    except ImportError as problem:
        raise MissingExtraError("onnx is not installed", received=str(problem), next_step=INSTALL_LINE) from None
    require_sound(path)
    try:
        return onnx.load(path)
    except Exception as problem:
        raise ModelError(
            "the file cannot be read as ONNX", where=str(path), received=f"{type(problem).__name__}: {problem}"[:400],
            next_step="export the model again",
        ) from problem  # fmt: skip
