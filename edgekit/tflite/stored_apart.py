"""A file with constants and scales of some tensors replaced, where others may share their bytes: a converter stores equal bytes once."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgekit.tflite.flat.tree import Table
from edgekit.tflite.rewriting import Rewriting

if TYPE_CHECKING:
    import numpy as np


def stored_apart(
    content: bytes,
    constants: Mapping[int, np.ndarray],
    scales: Mapping[int, Sequence[float]],
    zero_points: Mapping[int, int],
    *,
    where: str,
) -> bytes:
    """The file with new values, scales and zero points of tensors, by index; no other tensor changes with them.

    `where` names the file in errors. Raises `ModelError` for a file that cannot be written again.
    """
    file, numbers = Rewriting(content, where), itertools.count()

    def tensor(number: int, one: Table) -> Table:
        if number in constants:
            one = one.with_fields(buffer=file.buffer(constants[number].tobytes()))
        if number not in scales:
            return one
        quantization = one.fields["quantization"].with_fields(scale=_in_bytes(scales[number]))
        if number in zero_points:
            quantization = quantization.with_fields(zero_point=(zero_points[number],))
        return one.with_fields(quantization=quantization)

    def graph(one: Table) -> Table:
        tensors = tuple(tensor(number, each) for number, each in zip(numbers, one.tables("tensors"), strict=False))
        return one.with_fields(tensors=tensors)

    return file.content(graph)


def _in_bytes(scales: Sequence[float]) -> bytes:
    import numpy as np

    return np.asarray(scales, "<f4").tobytes()
