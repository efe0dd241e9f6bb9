"""Whether inputs of a model can be held at the values that its table names, told before a worker is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit.errors import ProjectError
from edgekit.ingest.from_torch import is_pytorch
from edgekit.onnx_file.held import WHERE, holdable
from edgekit.onnx_file.outline import is_onnx, read_outline
from edgekit.project.project_file import ModelTable
from edgekit.project.userfunction import is_function


def require_holdable(table: ModelTable, root: Path) -> None:
    """Raise `ProjectError` unless a model's inputs can be held at the values of its table; those of PyTorch are known once it is converted."""
    if not table.held or is_pytorch(table.source, root):
        return
    if is_function(table.source) or not is_onnx(root / table.source):
        raise ProjectError(
            "inputs are held at values only of a model in ONNX or of PyTorch", where=WHERE, received=f"{', '.join(table.held)} of {table.source}",
            allowed="an .onnx file, a .pt2 file, a module:function that returns a torch.nn.Module",
            next_step="leave held out, and feed the input; or make it a constant where the model is made",
        )  # fmt: skip
    require_held_by(root / table.source, table.held)


def require_held_by(path: Path, held: Mapping[str, Any]) -> None:
    """Raise `ProjectError` unless the inputs of an ONNX file can be held at these values."""
    if held:
        holdable(read_outline(path), held)
