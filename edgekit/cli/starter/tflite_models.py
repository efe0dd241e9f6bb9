"""Float `.tflite` files on disk: what their bytes say. They come after every other model, of which they may have been made."""

from __future__ import annotations

from pathlib import Path

from edgekit.cli.starter.found import ModelFound, NearMiss
from edgekit.errors import ModelError
from edgekit.ingest.printable import shown
from edgekit.tflite.ends import ends_of
from edgekit.tflite.given import quantized_as, require_usable
from edgekit.tflite.reader import read_tflite

LARGEST_BYTES = 256 * 2**20
"""A larger file is not read for a look into its folder."""


def tflite_file(root: Path, source: str) -> ModelFound | NearMiss:
    """What a file with that ending is."""
    path = root / source
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return _near_miss(source, f"it is larger than {LARGEST_BYTES >> 20} MiB: name it in [model] yourself")
        model = read_tflite(path)
        require_usable(model)
    except (OSError, ModelError) as problem:
        said = problem.what if isinstance(problem, ModelError) else problem.strerror or ""
        return _near_miss(source, f"cannot be used ({shown(said)[:160]})")
    known = quantized_as(model)
    if known is not None:
        return _near_miss(source, f"quantized already ({known})")
    inputs, outputs = model.input_tensors, model.output_tensors
    ends = ends_of(model)
    return ModelFound(
        source=source,
        kind=".tflite",
        input_shape=inputs[0].shape[1:] if len(inputs) == 1 else None,
        outputs=outputs[0].shape[-1] if len(outputs) == 1 and len(outputs[0].shape) > 1 else None,
        activation=ends[0] if len(ends) == 1 and ends[0] != "linear" else None,
        notes=(
            f"{shown(source)} is a finished file: a build quantizes it, and trains nothing; give the Keras, PyTorch or ONNX model for more",
        ),
    )


def _near_miss(source: str, reason: str) -> NearMiss:
    return NearMiss(source=source, what="model", reason=reason)
