"""Whether two files hold the same model to whoever reads them: everything that edgekit reads but names and places."""

from __future__ import annotations

from typing import Any

from edgekit.tflite.model import Tensor, TfliteModel


def differences(before: TfliteModel, after: TfliteModel) -> str:
    """The first thing in which the models differ; empty where they are the same."""
    for what, mine, theirs in (
        ("inputs", before.inputs, after.inputs),
        ("outputs", before.outputs, after.outputs),
        ("signatures", before.signatures, after.signatures),
        ("operators", before.operators, after.operators),
        ("number of tensors", len(before.tensors), len(after.tensors)),
    ):
        if mine != theirs:
            return what
    pairs = zip(before.tensors, after.tensors, strict=True)
    return next((f"tensor {one.index}" for one, other in pairs if _facts(before, one) != _facts(after, other)), "")


def _facts(model: TfliteModel, tensor: Tensor) -> tuple[Any, ...]:
    start, length = tensor.span or (0, 0)
    return (
        tensor.shape, tensor.shape_signature, tensor.dtype, tensor.scales, tensor.zero_points, tensor.quantized_dimension,
        tensor.variable, tensor.sparsity, tensor.coding, model.content[start : start + length],
    )  # fmt: skip
