"""A float file with its large kernels in int8 and everything else in float: dynamic range, as TensorFlow's converter stores it.

Each output channel has a scale, its largest weight over 127, and no zero point (LiteRT's 8-bit quantization specification). The
kernels then quantize what they take as they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.tflite.flat.tree import Table, table
from edgekit.tflite.model import ABSENT
from edgekit.tflite.rewriting import Rewriting, at
from edgekit.tflite.schema import TENSOR_TYPES

if TYPE_CHECKING:
    import numpy as np

LEAST_ELEMENTS = 1024
"""A constant of fewer elements stays in float where weights alone are quantized
(tensorflow/compiler/mlir/lite/quantization/lite/quantize_weights.h, kDefaultMinElements)."""
TOP = 127
AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""Operators with hybrid kernels, and the axis of their kernels' output channels."""
VERSIONS = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 12}
"""The versions that take float activations with int8 kernels of a scale a channel (tensorflow/lite/tools/versioning/op_version.cc)."""
KERNEL = 1
"""The kernel's place among an operator's inputs."""


def with_int8_weights(content: bytes, *, where: str) -> bytes:
    """The file with the kernels of `LEAST_ELEMENTS` weights or more in int8.

    `where` names the file in errors. Raises `ModelError` for a file that cannot be written again.
    """
    file = Rewriting(content, where)
    codes = {name: file.code(name, version) for name, version in VERSIONS.items()}
    return file.content(lambda graph: _graph(file, graph, codes))


def _graph(file: Rewriting, graph: Table, codes: dict[str, int]) -> Table:
    tensors, operators = [*graph.tables("tensors")], [*graph.tables("operators")]
    made: dict[int, Table] = {}
    for index, name in _kernels(file, operators).items():
        values = file.floats(tensors[index])
        if values is not None and _is_large(values) and values.ndim > AXES[name]:
            made[index] = _in_int8(file, tensors[index], values, AXES[name])
    for index, tensor in made.items():
        tensors[index] = tensor
    operators = [_hybrid(file, one, codes) if at(one, KERNEL) in made else one for one in operators]
    return graph.with_fields(tensors=tuple(tensors), operators=tuple(operators))


def _kernels(file: Rewriting, operators: list[Table]) -> dict[int, str]:
    """The tensors that are nothing but kernels, all of them along one axis, with the name of their operator."""
    found: dict[int, str] = {}
    for operator in operators:
        name, index = file.name_of(operator), at(operator, KERNEL)
        if name in AXES and index != ABSENT:
            found.setdefault(index, name)
    for operator in operators:
        name = file.name_of(operator)
        for place, index in enumerate(operator.numbers("inputs")):
            if index in found and (place != KERNEL or name != found[index]):
                del found[index]
    return found


def _is_large(values: np.ndarray) -> bool:
    """Whether there are weights enough, all of them numbers."""
    import numpy as np

    return values.size >= LEAST_ELEMENTS and bool(np.isfinite(values).all())


def _in_int8(file: Rewriting, tensor: Table, values: np.ndarray, axis: int) -> Table:
    import numpy as np

    others = tuple(place for place in range(values.ndim) if place != axis)
    largest = np.abs(values.astype(np.float64)).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / TOP, 1.0)
    whole = values / scales
    rounded = np.clip(np.trunc(whole + np.copysign(0.5, whole)), -TOP, TOP).astype(np.int8)
    found = scales.astype("<f4").ravel()
    quantization = table("QuantizationParameters", quantized_dimension=axis).with_fields(
        scale=found.tobytes(), zero_point=(0,) * len(found)
    )  # fmt: skip
    return tensor.with_fields(
        type=TENSOR_TYPES.index("int8"), buffer=file.buffer(rounded.tobytes()), quantization=quantization
    )  # fmt: skip


def _hybrid(file: Rewriting, operator: Table, codes: dict[str, int]) -> Table:
    """The operator in the version that takes an int8 kernel; a dense layer's input is quantized with a zero point, as the others' always is."""
    name = file.name_of(operator)
    made = operator.with_fields(opcode_index=codes[name])
    options = operator.fields.get("builtin_options")
    if name != "FULLY_CONNECTED" or options is None:
        return made
    return made.with_fields(builtin_options=options.with_fields(asymmetric_quantize_inputs=1))
