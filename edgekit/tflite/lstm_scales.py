"""Brings the scales of a fused integer LSTM into what its kernel computes with, where the converter leaves others.

- **Cell state.** The converter gives the int16 cell state the smallest power of two that holds its calibrated values. LiteRT's kernel takes
  the tanh of it with 0 to 6 integer bits (`ApplyTanh` in `tensorflow/lite/kernels/internal/reference/portable_tensor_utils.cc`), which are the
  scales 2^-15 to 2^-9; for any other it writes nothing, without an error. A cell that stays below 0.5 in all samples has a smaller scale.
- **Hidden state.** The kernel writes the same int8 values to the hidden state and to the output. Where a concatenation gives the output another
  scale (both directions of a Bidirectional layer), the converter leaves that of the hidden state: whatever reads the output takes its values
  for others.
- **Reversed output.** Where that concatenation takes an output in reverse, only the reversed copy gets the scale, though it holds the same bytes.

A backwards LSTM whose own input is concatenated with its output is not mended: its biases are in steps of the input's old scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edgekit.tflite.flatbuffer import Table
from edgekit.tflite.model import ABSENT, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.scaled import Scaled, scaled_tensors, subgraphs
from edgekit.tflite.schema import OperatorField, SubGraphField

REVERSE = "REVERSE_V2"
FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
HIDDEN_STATE, CELL_STATE = 18, 19
"""The places of both states among the operator's inputs, counted from 0."""
HIDDEN = 4
"""The place among the operator's intermediates of the hidden value, whose scale the kernel computes with."""
SMALLEST, LARGEST = 2.0**-15, 2.0**-9


def mended_lstm_scales(content: bytes) -> bytes:
    """The file with scales that the kernel of every fused integer LSTM computes with; its length and all other bytes stay.

    Nothing else in the file depends on the scales that are changed: both states are zero at the start, and the kernel alone reads and
    writes them. Beyond its largest scale the cell state saturates at 64, whose tanh is 1.
    """
    mended = bytearray(content)
    for lstm in _lstms(content):
        cell, read = lstm.inputs[CELL_STATE], lstm.read
        if cell.dtype == "int16" and cell.scales:
            cell.write(mended, [min(max(cell.scales[0], SMALLEST), LARGEST)])
        for hidden in (lstm.output, lstm.inputs[HIDDEN_STATE], lstm.hidden):
            if hidden is not None and hidden.dtype == read.dtype == "int8" and hidden.scales and read.scales:
                hidden.write(mended, read.scales, read.zero_points[0])
    return bytes(mended)


class _Lstm(NamedTuple):
    """Its states, its output, the intermediate that it computes with, and the output as others read it: itself, or its reversed copy."""

    inputs: dict[int, Scaled]
    output: Scaled
    hidden: Scaled | None
    read: Scaled


def _lstms(content: bytes) -> Iterator[_Lstm]:
    """The fused LSTMs that have both states."""
    model, operators, scaled = _tables(content)
    for operator, (subgraph, table) in zip(model.operators, operators, strict=True):
        if operator.name != FUSED or ABSENT in operator.inputs[HIDDEN_STATE : CELL_STATE + 1]:
            continue
        first = next(one.index for one in model.tensors if one.subgraph == subgraph)
        within = table.numbers(OperatorField.INTERMEDIATES, "i")
        yield _Lstm(
            {place: scaled[operator.inputs[place]] for place in (HIDDEN_STATE, CELL_STATE)},
            scaled[operator.outputs[0]],
            scaled[first + within[HIDDEN]] if len(within) > HIDDEN else None,
            scaled[_read(model, operator.outputs[0])],
        )


def _tables(content: bytes) -> tuple[TfliteModel, list[tuple[int, Table]], list[Scaled]]:
    """The file; its operators with their subgraphs, and its tensors, in the file's tables."""
    model = parse_tflite(content, where="the converted model")
    operators = [
        (number, table)
        for number, one in enumerate(subgraphs(content))
        for table in one.tables(SubGraphField.OPERATORS)
    ]
    return model, operators, scaled_tensors(content, model)


def _read(model: TfliteModel, output: int) -> int:
    """The reversed copy of a tensor where nothing else takes the tensor; else the tensor itself."""
    users = [operator for operator in model.operators if output in operator.inputs]
    if len(users) == 1 and users[0].name == REVERSE and output not in model.outputs:
        return users[0].outputs[0]
    return output
