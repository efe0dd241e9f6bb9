"""Models in ONNX on disk: what their outline says, read without the package `onnx`."""

from __future__ import annotations

from pathlib import Path

from edgekit.cli.starter.found import ModelFound, NearMiss
from edgekit.errors import ModelError
from edgekit.ingest.printable import shown
from edgekit.machine.extras import is_installed, pip_line
from edgekit.onnx_file.beside import require_sound
from edgekit.onnx_file.outline import Port


def onnx_file(root: Path, source: str) -> ModelFound | NearMiss:
    """What a file with that ending is; the shape of a picture is the device's, with the channels last."""
    try:
        outline = require_sound(root / source)
    except ModelError as problem:
        said = f"{problem.what}: {problem.received}" if problem.received else problem.what
        return NearMiss(source=source, what="model", reason=f"cannot be used ({shown(said)[:160]})")
    inputs, outputs = outline.inputs, outline.outputs
    last = outputs[0].shape[-1] if len(outputs) == 1 and outputs[0].shape else None
    missing = not all(map(is_installed, ("onnx", "onnxruntime")))
    notes = (f"{shown(source)} needs the packages that read ONNX: {pip_line('onnx')}",) if missing else ()
    return ModelFound(
        source=source,
        kind=".onnx",
        input_shape=_sample(inputs[0]) if len(inputs) == 1 and inputs[0].shape else None,
        outputs=last if isinstance(last, int) else None,
        notes=notes,
    )


def _sample(port: Port) -> tuple[int | None, ...]:
    sizes = tuple(size if isinstance(size, int) else None for size in port.shape[1:])
    return (*sizes[1:], sizes[0]) if len(sizes) == 3 else sizes
