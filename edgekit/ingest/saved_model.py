"""Whether a folder is a SavedModel, told without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from edgekit.errors import ModelError

GRAPH = "saved_model.pb"
SHOWN = 5


def require_saved_model(folder: Path) -> None:
    """Raise `ModelError` unless a folder has a SavedModel's graph in it."""
    if (folder / GRAPH).is_file():
        return
    there = sorted(one.name for one in folder.iterdir())[:SHOWN]
    raise ModelError(
        "a folder that is no SavedModel", where=str(folder), received=f"a folder with {', '.join(there) or 'nothing'} in it",
        allowed=f"a folder with {GRAPH} in it, or a file: .keras, .h5, .onnx, .pt2, .tflite",
        next_step="name the model's file, with the folder before it",
    )  # fmt: skip
