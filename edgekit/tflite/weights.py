"""The constant data of a `.tflite` file as arrays, and what shows in them of the techniques that made it.

This is what evidence is made of: zeros (pruning), distinct values (clustering), the types that weights are
stored in (quantization). What counts as evidence of a technique is decided by the technique.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgekit.errors import ModelError
from edgekit.tflite.coding.kinds import decoded
from edgekit.tflite.model import ABSENT, UNPACKING, Operator, Tensor, TfliteModel
from edgekit.tflite.schema import BITS
from edgekit.tflite.sparse import to_dense
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

_NUMPY_TYPES = {
    "float32": "<f4", "float16": "<f2", "float64": "<f8", "int8": "i1", "uint8": "u1", "int16": "<i2",
    "uint16": "<u2", "int32": "<i4", "uint32": "<u4", "int64": "<i8", "uint64": "<u8", "bool": "?",
    "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip
_PACKED_BITS = {"int4": 4, "uint4": 4, "int2": 2}

_LSTM = (1, 2, 3, 4, 5, 6, 7, 8, 16)
KERNELS: dict[str, tuple[tuple[int, ...], int]] = {
    "CONV_2D": ((1,), 0),
    "DEPTHWISE_CONV_2D": ((1,), 3),
    "FULLY_CONNECTED": ((1,), 0),
    "TRANSPOSE_CONV": ((1,), 0),
    "CONV_3D": ((1,), 4),
    "BATCH_MATMUL": ((1,), -1),
    "LSTM": (_LSTM, 0),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (_LSTM, 0),
    "UNIDIRECTIONAL_SEQUENCE_RNN": ((1, 2), 0),
}
"""Operators with kernels: the kernels' places among the inputs, and the axis of output channels."""


class Kernel(Value):
    """The constant weights of one operator, as stored (not dequantized).

    `index` is the tensor that holds them, `channel_axis` the axis of output channels, `zero` the stored value that
    stands for 0.0 (the zero point).
    """

    index: int
    operator: Operator
    name: str
    dtype: str
    array: np.ndarray
    channel_axis: int
    zero: int = 0

    @property
    def sparsity(self) -> float:
        """The fraction of weights that stand for 0.0, from 0 to 1."""
        return sparsity(self.array, self.zero)


def weights(model: TfliteModel, index: int) -> np.ndarray:
    """The constant data of a tensor as stored, in its shape; read-only if it needs no unpacking.

    Types below a byte come as int8 or uint8, bfloat16 as float32, and coded weights decoded. Raises
    `ModelError` if the tensor is not constant, has no fixed size, or has inconsistent sparse data or a stream that does not fit.
    """
    import numpy as np

    tensor = model.tensors[index]
    if tensor.span is None:
        raise _no_array(model, tensor, "a tensor that is computed")
    start, length = tensor.span
    stored = np.frombuffer(model.content, np.uint8, length, start)
    if tensor.coding is not None:
        found = decoded(tensor.coding, stored, tensor.shape)
        if found is None:
            raise _no_array(model, tensor, "a stream that leads beyond its table or its end")
        stored = found
    elif tensor.sparsity is None and tensor.dtype in BITS:
        stored = stored[: tensor.size_bytes]  # a buffer may be longer than its tensor
    values = _stored_values(stored, tensor.dtype)
    if values is None:
        raise _no_array(model, tensor, f"{length} bytes of type {tensor.dtype}")
    if tensor.sparsity is None:
        try:
            return values[: tensor.elements].reshape(tensor.shape)
        except ValueError:  # one axis is 0, and the product of the others is too large for numpy
            raise _no_array(model, tensor, f"the shape {tensor.shape}") from None
    dense = to_dense(values, tensor.sparsity, tensor.shape)
    if dense is None:
        raise _no_array(model, tensor, f"a sparse encoding of {len(values)} values that does not fit {tensor.shape}")
    return dense


def kernels(model: TfliteModel) -> tuple[Kernel, ...]:
    """The constant weights of convolutions, dense and recurrent layers, as they are used; shared ones come once.

    Weights that reach their operator through a DEQUANTIZE (float16 storage) are given as stored.
    """
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    found: dict[object, Kernel] = {}
    for operator in model.operators:
        for tensor, _ in kernel_tensors(model, operator, writers):
            place = (tensor.span, tensor.coding)
            if place not in found:
                found[place] = _kernel(model, operator, tensor)
    return tuple(found.values())


def kernel_tensors(model: TfliteModel, operator: Operator, writers: dict[int, Operator]) -> list[tuple[Tensor, bool]]:
    """The constant tensors that hold an operator's kernels, each with whether a DEQUANTIZE unpacks it.

    `writers` maps a tensor to the operator that computes it.
    """
    places, _ = KERNELS.get(operator.name, ((), 0))
    used = [operator.inputs[place] for place in places if place < len(operator.inputs)]
    return [found for index in used if index != ABSENT and (found := _stored(model, index, writers)) is not None]


def _stored(model: TfliteModel, index: int, writers: dict[int, Operator]) -> tuple[Tensor, bool] | None:
    """The constant that a tensor is unpacked from, through at most one DENSIFY and one DEQUANTIZE."""
    dequantized = False
    for _ in range(3):
        if model.tensors[index].constant:
            return model.tensors[index], dequantized
        writer = writers.get(index)
        if writer is None or writer.name not in UNPACKING or len(writer.inputs) != 1 or writer.inputs[0] == ABSENT:
            return None
        dequantized |= writer.name == "DEQUANTIZE"
        index = writer.inputs[0]
    return None


def _kernel(model: TfliteModel, operator: Operator, tensor: Tensor) -> Kernel:
    array = weights(model, tensor.index)
    _, axis = KERNELS[operator.name]
    return Kernel(
        index=tensor.index,
        operator=operator,
        name=tensor.name,
        dtype=tensor.dtype,
        array=array,
        channel_axis=tensor.quantized_dimension if len(tensor.scales) > 1 else min(axis, array.ndim - 1),
        zero=tensor.zero_points[0] if tensor.zero_points else 0,
    )


def sparsity(array: np.ndarray, zero: int = 0) -> float:
    """The fraction of elements equal to `zero`, from 0 to 1; 0 for an empty array.

    >>> import numpy as np
    >>> sparsity(np.array([0, 3, 0, 0]))
    0.75
    """
    return float((array == zero).mean()) if array.size else 0.0


def model_sparsity(model: TfliteModel) -> float:
    """The fraction of all kernels' weights that stand for 0.0, from 0 to 1; biases do not count."""
    found = kernels(model)
    total = sum(kernel.array.size for kernel in found)
    return sum(kernel.sparsity * kernel.array.size for kernel in found) / total if total else 0.0


def zero_weights(model: TfliteModel) -> int:
    """How many of all kernels' weights stand for 0.0; biases do not count."""
    return sum(round(kernel.sparsity * kernel.array.size) for kernel in kernels(model))


def coded_bytes(model: TfliteModel) -> int:
    """The size of the file if the weights of each kernel took their entropy and no more: what an ideal code of single values leaves.

    The tables that such a code needs are not counted; a kernel that is stored in less keeps its size.
    """
    saved = 0
    for index, kernel in {kernel.index: kernel for kernel in kernels(model)}.items():
        stored_bytes = model.tensors[index].stored_bytes
        saved += max(0, stored_bytes - math.ceil(kernel.array.size * entropy_bits(kernel.array) / 8))
    return model.size_bytes - saved


def entropy_bits(array: np.ndarray) -> float:
    """The entropy of an array's values, in bits a value.

    >>> import numpy as np
    >>> entropy_bits(np.array([0, 0, 0, 0])), entropy_bits(np.array([0, 0, 1, 1])), entropy_bits(np.arange(256))
    (0.0, 1.0, 8.0)
    """
    import numpy as np

    if array.dtype.itemsize == 1:  # no sorting of millions
        counts = np.bincount(np.ascontiguousarray(array).view(np.uint8).ravel())
    else:
        _, counts = np.unique(array, return_counts=True)
    shares = counts[counts > 0] / max(array.size, 1)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def distinct_values(array: np.ndarray, axis: int | None = None) -> int:
    """The number of distinct values of an array, or the largest number in any slice along `axis`.

    A clustered kernel that is quantized per channel has few values only within a channel, since each channel has a
    scale of its own: then pass the kernel's `channel_axis`.

    >>> import numpy as np
    >>> distinct_values(np.array([[1, 1], [2, 3]])), distinct_values(np.array([[1, 1], [2, 3]]), axis=0)
    (3, 2)
    """
    import numpy as np

    if axis is None or array.ndim == 0 or array.size == 0:
        return int(np.unique(array).size)
    rows = np.sort(np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1), axis=1)
    return int((rows[:, 1:] != rows[:, :-1]).sum(axis=1).max()) + 1


def _stored_values(data: np.ndarray, dtype: str) -> np.ndarray | None:
    """Bytes as a flat array; None for types that numpy does not have, or a length that is not a multiple of the type's."""
    import numpy as np

    if dtype in _PACKED_BITS:
        return _unpack(data, _PACKED_BITS[dtype], signed=dtype.startswith("int"))
    if dtype not in BITS or data.size % (BITS[dtype] // 8):
        return None
    if dtype == "bfloat16":
        return (data.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return data.view(_NUMPY_TYPES[dtype]) if dtype in _NUMPY_TYPES else None


def _unpack(data: np.ndarray, bits: int, *, signed: bool) -> np.ndarray:
    """Elements of 2 or 4 bits, the first in the lowest bits of its byte."""
    import numpy as np

    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    values: np.ndarray = (data[:, None] >> shifts & (2**bits - 1)).reshape(-1)
    if not signed:
        return values
    half = 2 ** (bits - 1)
    centred: np.ndarray = ((values ^ half).astype(np.int16) - half).astype(np.int8)
    return centred


def _no_array(model: TfliteModel, tensor: Tensor, received: str) -> ModelError:
    wrong = "the converter writes it so where blocks are longer than rows: convert without EXPERIMENTAL_SPARSITY"
    return ModelError(
        "the tensor's data cannot be read as an array",
        where=f"{model.path}: tensor {tensor.index} {tensor.name!r}",
        received=received,
        allowed="a constant tensor of numbers",
        next_step=None if tensor.sparsity is None else wrong,
    )
