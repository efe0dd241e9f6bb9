"""Files made to break a reader: it returns a model or raises `ModelError`, soon, and nothing else."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.flatbuffer import FlatBuffer
from edgekit.tflite.numerics import arithmetic, float_operators
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import distinct_values, kernels, model_sparsity

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.tflite"))}
ALL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def survive(content: bytes) -> None:
    """Read a file and ask all there is to ask of it."""
    try:
        model = parse_tflite(content, where="hostile.tflite")
        _ = (model.macs, model.parameters, model.weight_bytes, model.activation_bytes)
        _ = (arithmetic(model), float_operators(model), model_sparsity(model))
        parts = breakdown(model)
        assert parts.other_bytes >= 0 and len(parts.operators) == len(model.operators)
        assert all(row.label.isprintable() for row in parts.operators)
        for kernel in kernels(model):
            distinct_values(kernel.array, kernel.channel_axis)
    except ModelError as error:
        assert error.where is not None and "hostile.tflite" in error.where
        assert error.received


def test_golden_files_are_here() -> None:
    assert len(FILES) == 24


@ALL
@given(st.sampled_from(sorted(FILES)), st.data())
def test_flipped_bytes(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.sampled_from(INTERESTING) | st.integers(0, 255))
    survive(bytes(content))


@ALL
@given(st.sampled_from(sorted(FILES)), st.data())
def test_overwritten_numbers(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = 4 * data.draw(st.integers(2, len(content) // 4 - 1))
        number = data.draw(st.integers(-40, 40) | st.sampled_from([2**31 - 1, -(2**31), 2**30, len(content), 65536]))
        struct.pack_into("<i", content, place, number)
    survive(bytes(content))


@ALL
@given(st.sampled_from(sorted(FILES)), st.floats(0, 1))
def test_truncated(name: str, part: float) -> None:
    content = FILES[name]
    survive(content[: int(part * len(content))])


@ALL
@given(st.binary(max_size=400))
def test_random_bytes_after_the_identifier(tail: bytes) -> None:
    survive(b"\x1c\x00\x00\x00TFL3" + tail)


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_half_of_a_file_is_refused(name: str) -> None:
    with pytest.raises(ModelError):
        parse_tflite(FILES[name][: len(FILES[name]) // 2], where="half.tflite")


def packed(change: Any) -> bytes:
    """The int8 golden file after a change to its unpacked form."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(FILES["int8"], 0)
    change(model)
    builder = flatbuffers.Builder(8192)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def refusal(change: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        parse_tflite(packed(change), where="changed.tflite")
    return caught.value


def test_packing_again_changes_nothing() -> None:
    assert parse_tflite(packed(lambda model: None), where="same").macs == parse_tflite(FILES["int8"], where="int8").macs


def test_weights_outside_the_file_are_refused_with_a_reason() -> None:
    def move(model: Any) -> None:
        model.buffers[3].data, model.buffers[3].offset, model.buffers[3].size = None, 1 << 32, 100

    assert "2 GB" in refusal(move).what


def test_external_buffers_are_refused_with_a_reason() -> None:
    def refer(model: Any) -> None:
        model.subgraphs[0].tensors[1].externalBuffer = 7

    assert "2 GB" in refusal(refer).what


def test_negative_dimension() -> None:
    def shrink(model: Any) -> None:
        model.subgraphs[0].tensors[0].shape = [1, -8, 8, 1]

    error = refusal(shrink)
    assert "tensors[0].shape" in str(error.where)
    assert "-8" in str(error.received)


def test_buffer_of_the_wrong_size() -> None:
    def cut(model: Any) -> None:
        kernel = model.subgraphs[0].operators[0].inputs[1]
        buffer = model.buffers[model.subgraphs[0].tensors[kernel].buffer]
        buffer.data = buffer.data[:-1]

    assert f"{3 * 3 * 4 - 1} bytes for int8 of shape (4, 3, 3, 1)" in str(refusal(cut).received)


@pytest.mark.parametrize("index", [-2, 999, 2**31 - 1])
def test_operator_of_a_tensor_that_is_not_there(index: int) -> None:
    def point(model: Any) -> None:
        model.subgraphs[0].operators[0].inputs = [index, 1, 2]

    assert f"tensor {index} of" in str(refusal(point).received)


def test_operator_code_that_is_not_there() -> None:
    def point(model: Any) -> None:
        model.subgraphs[0].operators[0].opcodeIndex = 99

    assert "operator code 99" in str(refusal(point).received)


def test_operator_newer_than_the_schema_is_read_and_named() -> None:
    def renew(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 9999

    assert parse_tflite(packed(renew), where="new").operators[0].name == "UNKNOWN_9999"


def test_no_subgraph() -> None:
    def empty(model: Any) -> None:
        model.subgraphs = []

    assert "no subgraph" in str(refusal(empty).received)


def test_one_long_vector_shared_by_many_tables_does_not_keep_the_reader_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand operators that are one table, whose inputs are a vector of ten thousand numbers."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    count = 10_000
    builder = flatbuffers.Builder(1 << 20)
    inputs = builder.CreateNumpyVector(np.zeros(count, np.int32))
    schema.OperatorStart(builder)
    schema.OperatorAddInputs(builder, inputs)
    operator = schema.OperatorEnd(builder)
    schema.TensorStart(builder)
    tensors = vector(builder, schema.SubGraphStartTensorsVector, [schema.TensorEnd(builder)])
    operators = vector(builder, schema.SubGraphStartOperatorsVector, [operator] * count)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    schema.SubGraphAddOperators(builder, operators)
    subgraphs = vector(builder, schema.ModelStartSubgraphsVector, [schema.SubGraphEnd(builder)])
    schema.OperatorCodeStart(builder)
    codes = vector(builder, schema.ModelStartOperatorCodesVector, [schema.OperatorCodeEnd(builder)])
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddOperatorCodes(builder, codes)
    schema.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    content, read, claim = bytes(builder.Output()), [], FlatBuffer.claim

    def counted(self: FlatBuffer, position: int, size: int, name: str) -> None:
        claim(self, position, size, name)
        read.append(size)

    monkeypatch.setattr(FlatBuffer, "claim", counted)
    with pytest.raises(ModelError) as caught:
        parse_tflite(content, where="shared.tflite")
    assert "over and over" in str(caught.value.received)
    assert len(content) < sum(read) <= 4 * len(content) + 65_536 < 4 * count * count


def vector(builder: Any, start: Any, offsets: list[int]) -> int:
    """A vector of offsets in a flatbuffer that is being built."""
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    end: int = builder.EndVector()
    return end
