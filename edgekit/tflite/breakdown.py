"""Where the bytes, the memory and the multiply-accumulates of a `.tflite` file are, operator by operator.

    file   = constants of each operator + other (graph, names, quantization, padding, constants that nobody reads)
    memory = while an operator runs: the tensors written before or by it and read by it or later, each rounded up to
             16 bytes; and, all the time: variables and weights that DEQUANTIZE or DENSIFY unpack once

No operator is assumed to write over its inputs, so a runtime that does (LiteRT for a RESHAPE) may hold less. A kernel's
scratch buffers are not in the file and not counted. Each subgraph has its own memory, as in LiteRT
(tensorflow/lite/core/subgraph.cc), so the peaks of all other subgraphs add to an operator's own.
Only the bytes of the file are known here: neither a runtime nor a device.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.tflite.coding.header import DECODE
from edgekit.tflite.labels import labels
from edgekit.tflite.liveness import Lifetime, held_bytes
from edgekit.tflite.model import ABSENT, UNPACKING, Operator, Tensor, TfliteModel, is_parameter, stored
from edgekit.tflite.numerics import Arithmetic, arithmetic
from edgekit.values import Value

Shape = tuple[int, ...]


class OperatorRow(Value):
    """One operator and its part of the file.

    `index` is its place in `TfliteModel.operators`, `label` the layer that its output is named after. The shapes are
    those of activations, with the batch; `dtype` is the arithmetic. `parameters` and `flash_bytes` count the constants
    that this operator is the first to use, directly or through an operator that unpacks them. `memory_bytes` is what is
    held while it runs.
    """

    index: int
    name: str
    label: str
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    dtype: Arithmetic
    parameters: int
    macs: int
    flash_bytes: int
    memory_bytes: int


class Breakdown(Value):
    """A whole file: its operators in their order, and the sums.

    `flash_bytes` is the size of the file, `other_bytes` the part that is not constants of an operator; `peak_bytes`
    the most memory held at once, `peak_operator` the index of the first operator that needs it, None if there is no
    operator.
    """

    operators: tuple[OperatorRow, ...]
    flash_bytes: int
    other_bytes: int
    peak_bytes: int
    peak_operator: int | None
    macs: int
    parameters: int


def breakdown(model: TfliteModel) -> Breakdown:
    """The operators of a file with what each of them takes; the sums are those of `model`.

    Guarantees `flash_bytes == other_bytes + sum(row.flash_bytes)` for any file whose constants do not overlap, which no
    converter produces; `other_bytes` is never negative.
    """
    weights = _weights(model)
    memory = _memory(model, weights)
    constants = _constants(model)
    rows = tuple(
        OperatorRow(
            index=index,
            name=operator.name,
            label=label,
            input_shapes=tuple(
                model.tensors[input].shape for input in operator.inputs if input != ABSENT and input not in weights
            ),
            output_shapes=tuple(model.tensors[output].shape for output in operator.outputs),
            dtype=kind,
            parameters=sum(tensor.elements for tensor in constants[index] if is_parameter(tensor)),
            macs=operator.macs,
            flash_bytes=sum(tensor.stored_bytes for tensor in constants[index]),
            memory_bytes=memory[index],
        )
        for index, (operator, label, kind) in enumerate(
            zip(model.operators, labels(model), arithmetic(model), strict=True)
        )
    )
    peak = max(memory, default=0)
    return Breakdown(
        operators=rows,
        flash_bytes=model.size_bytes,
        other_bytes=max(0, model.size_bytes - sum(row.flash_bytes for row in rows)),
        peak_bytes=peak,
        peak_operator=memory.index(peak) if memory else None,
        macs=model.macs,
        parameters=model.parameters,
    )


def _weights(model: TfliteModel) -> set[int]:
    """The tensors that never change: constants, and tensors unpacked from them."""
    found = {tensor.index for tensor in model.tensors if tensor.constant}
    for operator in model.operators:
        if operator.name in UNPACKING and all(index in found for index in operator.inputs):
            found.update(operator.outputs)
    return found


def _constants(model: TfliteModel) -> list[list[Tensor]]:
    """For each operator, the stored constants that it is the first to use.

    Operators that only unpack come last: their constants belong to the operator that computes with them.
    """
    at = {tensor.span: tensor for tensor in stored(model.tensors)}
    unpacked = {out: place for place in model.operators if place.name in UNPACKING for out in place.outputs}
    found: list[list[Tensor]] = [[] for _ in model.operators]
    order = sorted(range(len(model.operators)), key=lambda index: model.operators[index].name in (*UNPACKING, DECODE))
    for index in order:
        for tensor in _sources(model, model.operators[index], unpacked):
            if tensor.span in at:
                found[index].append(at.pop(tensor.span))
    return found


def _sources(model: TfliteModel, operator: Operator, unpacked: dict[int, Operator]) -> Iterator[Tensor]:
    """The tensors that an operator reads, each as it was before up to one DENSIFY and one DEQUANTIZE."""
    for index in operator.inputs:
        for _ in range(2):
            writer = unpacked.get(index)
            index = writer.inputs[0] if writer is not None and writer.inputs else index
        if index != ABSENT:
            yield model.tensors[index]


def _memory(model: TfliteModel, weights: set[int]) -> list[int]:
    """What is held while each operator runs, including the peaks of the other subgraphs."""
    groups: dict[int, list[int]] = {}
    for index, operator in enumerate(model.operators):
        groups.setdefault(_subgraph(model, operator), []).append(index)
    held = {number: _subgraph_memory(model, number, indices, weights) for number, indices in groups.items()}
    peaks = {number: max(found) for number, found in held.items()}
    together = sum(peaks.values())
    memory = [0] * len(model.operators)
    for number, indices in groups.items():
        for index, own in zip(indices, held[number], strict=True):
            memory[index] = own + together - peaks[number]
    return memory


def _subgraph(model: TfliteModel, operator: Operator) -> int:
    used = (model.tensors[index].subgraph for index in (*operator.outputs, *operator.inputs) if index != ABSENT)
    return next(used, 0)


def _subgraph_memory(model: TfliteModel, number: int, indices: list[int], weights: set[int]) -> list[int]:
    """The bytes held in each step of one subgraph, whose operators are `indices` in order."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    end = len(indices) - 1
    if number == 0:
        first |= dict.fromkeys(model.inputs, 0)
        last |= dict.fromkeys(model.outputs, end)
    for step, index in enumerate(indices):
        for tensor in (*model.operators[index].inputs, *model.operators[index].outputs):
            first.setdefault(tensor, step)
            last[tensor] = max(last.get(tensor, 0), step)
    first.pop(ABSENT, None)
    lives = (_lifetime(model.tensors[index], first[index], last.get(index, 0), end, weights) for index in first)
    return held_bytes((life for life in lives if life is not None), steps=len(indices))


def _lifetime(tensor: Tensor, first: int, last: int, end: int, weights: set[int]) -> Lifetime | None:
    """A tensor's lifetime: None if it lies in the file, the whole time for state and for unpacked weights.

    LiteRT unpacks weights at the first inference and keeps them (tensorflow/lite/kernels/dequantize.cc, densify.cc:
    the output of a constant is persistent); TFLM_DECODE unpacks them again before each operator that reads them.
    """
    if tensor.constant and tensor.coding is None:
        return None
    if tensor.variable or (tensor.index in weights and tensor.coding is None):
        return Lifetime(first=0, last=end, size_bytes=tensor.size_bytes)
    return Lifetime(first=first, last=last, size_bytes=tensor.size_bytes)
