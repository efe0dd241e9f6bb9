"""Programs of torch.export on disk: what their outline says, read without PyTorch."""

from __future__ import annotations

from pathlib import Path

from edgekit.cli.starter.found import ModelFound, NearMiss
from edgekit.errors import ModelError, TrustError
from edgekit.ingest.printable import shown
from edgekit.machine.extras import is_installed, pip_line
from edgekit.machine.torch_python import SMALL_BUILD, VARIABLE, torch_python
from edgekit.torch_file.program import Port, require_program


def pt2_file(root: Path, source: str) -> ModelFound | NearMiss:
    """What a file with that ending is; the shape of a picture is the device's, with the channels last."""
    try:
        outline = require_program(root / source, trust=False)
    except (ModelError, TrustError) as problem:
        said = f"{problem.what}: {problem.received}" if problem.received else problem.what
        return NearMiss(source=source, what="model", reason=f"cannot be used ({shown(said)[:160]})")
    inputs, outputs = outline.inputs, outline.outputs
    last = outputs[0].shape[-1] if len(outputs) == 1 and outputs[0].shape else None
    return ModelFound(
        source=source,
        kind=".pt2",
        input_shape=_sample(inputs[0]) if len(inputs) == 1 and inputs[0].shape else None,
        outputs=last if isinstance(last, int) else None,
        notes=lacking(source),
    )


def lacking(source: str) -> tuple[str, ...]:
    """What must be installed before a build; another environment's Python is asked when it is needed."""
    if torch_python() is not None or all(map(is_installed, ("torch", "onnx", "onnxscript", "onnxruntime"))):
        return ()
    return (
        f"{shown(source)} needs PyTorch: {pip_line('torch')}, or {VARIABLE} that names a Python with it; {SMALL_BUILD}",
    )


def _sample(port: Port) -> tuple[int | None, ...]:
    sizes = tuple(size if isinstance(size, int) else None for size in port.shape[1:])
    return (*sizes[1:], sizes[0]) if len(sizes) == 3 else sizes
