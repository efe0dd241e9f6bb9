"""The sizes that an `.onnx` file may declare for its inputs: numbers from 1 on, or none, for a size that is free."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.errors import ModelError

FREE = -1
"""Exporters of other frameworks write it for a size that is free, and onnxruntime takes it as that."""


def no_size(name: str, shape: Sequence[int | str], where: str) -> ModelError:
    """The error for an input that declares a size which no tensor has: 0, or below -1."""
    wrong = ", ".join(
        f"{name}[{axis}] = {size}" for axis, size in enumerate(shape) if isinstance(size, int) and size < 1
    )
    return ModelError(
        f"the input {name!r} declares a size that no sample has", where=where, received=wrong,
        allowed="sizes from 1 on; one that is free has a name, or none",
        next_step="export the model again, with the free sizes as its dynamic axes",
    )  # fmt: skip
