"""Kernels with weights that are no finite numbers, as a training that diverged leaves them: no file made of them answers anything."""

from __future__ import annotations

from edgekit.errors import ModelError
from edgekit.tflite.labels import labels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernel_tensors, weights

SHOWN = 5


def require_finite(model: TfliteModel) -> None:
    """Raise `ModelError` with the names of the operators whose plain float32 kernels hold NaN or infinity; other constants, such as masks, may."""
    import numpy as np

    writers = {out: operator for operator in model.operators for out in operator.outputs}
    found = []
    for operator, label in zip(model.operators, labels(model), strict=True):
        for tensor, _ in kernel_tensors(model, operator, writers):
            is_plain = tensor.dtype == "float32" and not tensor.sparsity and not tensor.coding
            if is_plain and not np.isfinite(weights(model, tensor.index)).all():
                found.append(label)
    if found:
        raise ModelError(
            "the file has weights that are no finite numbers", where=model.path, received=", ".join(dict.fromkeys(found[:SHOWN])),
            allowed="kernels without NaN and infinity", next_step="convert the model as it was before its training diverged",
        )  # fmt: skip
