"""The weights of two `.tflite` files compared: which tensors changed, in which facts, and how far apart they are.

A tensor is identified by the operator that uses it and its place among that operator's inputs, so that it is found again
even if the converter renamed it. For weights unpacked by DEQUANTIZE or DENSIFY, the stored ones are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edgekit.diff.alignment import Pair
from edgekit.documents.comparison import WeightChange, WeightFacts
from edgekit.errors import ModelError
from edgekit.tflite.breakdown import OperatorRow
from edgekit.tflite.model import ABSENT, UNPACKING, Operator, Tensor, TfliteModel, is_parameter
from edgekit.tflite.weights import KERNELS, distinct_values, sparsity, weights

if TYPE_CHECKING:
    import numpy as np

MAX_SPARSE_ELEMENTS = 2**24  # a sparse encoding of a few bytes may stand for any number of zeros
NAME_LENGTH = 60
File = tuple[TfliteModel, Sequence[OperatorRow]]
Use = tuple[Tensor, OperatorRow, str]


def weight_changes(first: File, second: File, pairs: Sequence[Pair]) -> tuple[int, tuple[WeightChange, ...]]:
    """How many tensors are equal, and how the others changed, in the order of the operators.

    `pairs` are the indices of operators that correspond to each other. Each stored tensor counts once.
    """
    (a, a_rows), (b, b_rows) = first, second
    mine, others = _uses(a, a_rows), _uses(b, b_rows)
    partners = [(i, j) for i, j in pairs if i is not None and j is not None]
    found = [(mine[i].get(role), others[j].get(role)) for i, j in partners for role in mine[i] | others[j]]
    found += [(use, None) for i, j in pairs if i is not None and j is None for use in mine[i].values()]
    found += [(None, use) for i, j in pairs if j is not None and i is None for use in others[j].values()]
    equal, changes = 0, []
    for use, other in _once(found):
        change = _change(a, b, use, other)
        equal += change is None
        changes += [change] if change is not None else []
    return equal, tuple(changes)


def _once(found: list[tuple[Use | None, Use | None]]) -> Iterator[tuple[Use | None, Use | None]]:
    """Each stored tensor of either file once; pairs come before tensors without a partner."""
    seen: tuple[set[object], set[object]] = set(), set()
    for pair in sorted(found, key=lambda both: None in both):
        spans = [None if use is None else use[0].span for use in pair]
        left = [use for use, span, known in zip(pair, spans, seen, strict=True) if use and span not in known]
        for span, known in zip(spans, seen, strict=True):
            known.add(span)
        if len(left) == sum(use is not None for use in pair):
            yield pair


def _uses(model: TfliteModel, rows: Sequence[OperatorRow]) -> list[dict[str, Use]]:
    """For each operator its weights by their role; weights that are unpacked belong to the operator that computes with them."""
    unpacked = {out: operator for operator in model.operators if operator.name in UNPACKING for out in operator.outputs}
    return [
        {} if operator.name in UNPACKING else _weights_of(model, operator, row, unpacked)
        for operator, row in zip(model.operators, rows, strict=True)
    ]


def _weights_of(
    model: TfliteModel, operator: Operator, row: OperatorRow, unpacked: dict[int, Operator]
) -> dict[str, Use]:
    found: dict[str, Use] = {}
    for place, index in enumerate(operator.inputs):
        for _ in range(2):
            writer = unpacked.get(index)
            index = writer.inputs[0] if writer is not None and writer.inputs else index
        if index != ABSENT and model.tensors[index].constant and is_parameter(model.tensors[index]):
            role = _role(operator, place)
            found[role] = (model.tensors[index], row, role)
    return found


def _role(operator: Operator, place: int) -> str:
    kernels, _ = KERNELS.get(operator.name, ((), 0))
    if place in kernels:
        return "kernel" if len(kernels) == 1 else f"kernel {place}"
    return "bias" if place == 2 and kernels == (1,) else f"input {place}"


def _change(a: TfliteModel, b: TfliteModel, use: Use | None, other: Use | None) -> WeightChange | None:
    """How a tensor changed; None if it did not."""
    if use is None or other is None:
        return WeightChange(
            change="added" if use is None else "removed",
            a=None if use is None else _facts(a, *use)[0],
            b=None if other is None else _facts(b, *other)[0],
        )
    if _stored(a, use[0]) == _stored(b, other[0]):
        return None
    before, old = _facts(a, *use)
    after, new = _facts(b, *other)
    compared = [name for name in WeightFacts.__struct_fields__ if name not in ("name", "operator", "role")]
    fields = [name for name in compared if getattr(before, name) != getattr(after, name)]
    distance, largest, reason = _distance(use[0], old, other[0], new)
    if distance != 0:
        fields.append("values")
    return WeightChange(
        change="changed", fields=tuple(fields), a=before, b=after, distance=distance, largest=largest, reason=reason
    )


def _stored(model: TfliteModel, tensor: Tensor) -> tuple[object, ...]:
    """Everything that identifies a tensor, except its name."""
    start, length = tensor.span or (0, 0)
    content = model.content[start : start + length]
    return (
        tensor.dtype, tensor.shape, tensor.scales, tensor.zero_points, tensor.quantized_dimension, tensor.sparsity,
        tensor.coding, content,
    )  # fmt: skip


def _facts(model: TfliteModel, tensor: Tensor, row: OperatorRow, role: str) -> tuple[WeightFacts, np.ndarray | None]:
    """A tensor's facts, and its data as stored."""
    array = _array(model, tensor)
    in_channel = None
    if array is not None and len(tensor.scales) > 1:
        in_channel = distinct_values(array, axis=tensor.quantized_dimension)
    return WeightFacts(
        name="".join(letter if letter.isprintable() else "?" for letter in tensor.name[:NAME_LENGTH]),
        operator=row.label,
        role=role,
        dtype=tensor.dtype,
        shape=tensor.shape,
        size_bytes=tensor.stored_bytes,
        scales=len(tensor.scales),
        scale_low=min(tensor.scales, default=None),
        scale_high=max(tensor.scales, default=None),
        zeros=None if array is None else sparsity(array, tensor.zero_points[0] if tensor.zero_points else 0),
        distinct=None if array is None else distinct_values(array),
        distinct_in_channel=in_channel,
    ), array  # fmt: skip


def _array(model: TfliteModel, tensor: Tensor) -> np.ndarray | None:
    if tensor.sparsity is not None and tensor.elements > MAX_SPARSE_ELEMENTS:
        return None
    try:
        return weights(model, tensor.index)
    except ModelError:
        return None


def _distance(
    a: Tensor, old: np.ndarray | None, b: Tensor, new: np.ndarray | None
) -> tuple[float | None, float | None, str]:
    """How far apart the real values are, and the largest difference; or why that is not known."""
    import numpy as np

    if old is None or new is None:
        return None, None, "the data cannot be read as numbers"
    if old.shape != new.shape:
        return None, None, "the shapes differ"
    with np.errstate(all="ignore"):
        before, after = _real(a, old), _real(b, new)
        if before is None or after is None:
            return None, None, "they are not real numbers of one scale, or of one a channel"
        apart = after - before
        size, off = (float(np.sqrt(np.square(each).sum())) for each in (before, apart))
        largest = float(np.abs(apart).max()) if apart.size else 0.0
    if not np.isfinite([size, off, largest]).all():
        return None, None, "some values are not finite"
    if size == 0 and off > 0:
        return None, largest, "all values of A are zero"
    return (off / size if size else 0.0), largest, ""


def _real(tensor: Tensor, array: np.ndarray) -> np.ndarray | None:
    """The real numbers of stored values; None if they are complex, or have neither one scale nor one a channel."""
    import numpy as np

    if np.iscomplexobj(array):
        return None
    values: np.ndarray = array.astype(np.float64)
    if not tensor.scales:
        return values
    axis = tensor.quantized_dimension
    if len(tensor.scales) > 1 and (axis >= array.ndim or array.shape[axis] != len(tensor.scales)):
        return None
    along = [-1 if index == axis else 1 for index in range(array.ndim)] if len(tensor.scales) > 1 else [1]
    zeros = tensor.zero_points or (0,) * len(tensor.scales)
    if len(zeros) != len(tensor.scales):
        return None
    values -= np.reshape(zeros, along)
    values *= np.reshape(tensor.scales, along)
    return values
