"""Files taken apart and written again: nothing is lost by an independent reader, data are aligned, equal things shared."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.tflite.flat import tree
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.reader import parse_tflite

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
FILES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.tflite"))}


def written(content: bytes) -> bytes:
    return write_tree(read_tree(content, "test").root)


def plain(value: Any) -> Any:
    """An object of the bindings as lists and dicts; fields by name."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {type(value).__name__: {name: plain(item) for name, item in vars(value).items()}}
    return value


def by_the_bindings(content: bytes) -> Any:
    bindings = pytest.importorskip("ai_edge_litert.schema_py_generated")
    return plain(bindings.ModelT.InitFromPackedBuf(content, 0))


@pytest.mark.parametrize("name", FILES)
def test_the_bindings_read_the_same_model(name: str) -> None:
    assert by_the_bindings(written(FILES[name])) == by_the_bindings(FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_writing_again_changes_nothing_and_the_file_ends_where_the_tree_does(name: str) -> None:
    once = written(FILES[name])
    assert written(once) == once and len(once) <= len(FILES[name])
    tree = read_tree(once, "test")
    assert tree.end == len(once) and not tree.strangers and not tree.repeated


@pytest.mark.parametrize("name", FILES)
def test_data_are_aligned_to_16_bytes(name: str) -> None:
    model = parse_tflite(written(FILES[name]), where="test")
    assert {tensor.span[0] % 16 for tensor in model.tensors if tensor.span} == {0}


@pytest.mark.parametrize("name", FILES)
def test_every_number_is_aligned_to_its_width(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier of flatbuffers, which Android runs before it opens a file, refuses anything else."""
    places, found = tree._Reader._places, []

    def noted(self: Any, position: int, kind: Any) -> Any:
        for field, place in places(self, position, kind):
            found.append((field.item_bytes if field.form == "number" else 4, place))
        assert position % 4 == 0 and (position - struct.unpack_from("<i", content, position)[0]) % 2 == 0
        return places(self, position, kind)

    content = written(FILES[name])
    monkeypatch.setattr(tree._Reader, "_places", noted)
    read_tree(content, "test")
    assert len(found) > 50 and [one for one in found if one[1] % one[0]] == []


def a_model(**fields: Any) -> Table:
    tensor = table("Tensor", shape=(1, 2), name="x")
    graph = table("SubGraph", tensors=(tensor,), inputs=(0,), outputs=(0,), operators=())
    return table("Model", version=3, subgraphs=(graph,), buffers=(table("Buffer"),), operator_codes=()).with_fields(
        **fields
    )


def quantized(zeros: int, scale: float) -> Table:
    quantization = table("QuantizationParameters", zero_point=(0,) * zeros, scale=(scale,) * zeros)
    return table("Tensor", shape=(zeros,), quantization=quantization)


def test_equal_vectors_and_tables_are_stored_once() -> None:
    """A second tensor that differs in its scales costs those, three tables and no zero points; an equal one an offset."""

    def size(*tensors: Table) -> int:
        return len(write_tree(a_model(subgraphs=(table("SubGraph", tensors=tensors),))))

    one, other = quantized(100, 0.5), quantized(100, 0.25)
    assert size(one, one, one) - size(one) == 2 * 4
    assert 400 <= size(one, other) - size(one) <= 400 + 4 + 40 < 800


def test_a_number_that_is_its_default_is_left_out() -> None:
    with_defaults = table("Conv2DOptions", stride_w=0, dilation_wfactor=1, dilation_hfactor=1)
    operator = table("Operator", builtin_options_type=1, builtin_options=with_defaults)
    content = write_tree(a_model(subgraphs=(table("SubGraph", operators=(operator,)),)))
    (graph,) = read_tree(content, "test").root.tables("subgraphs")
    (found,) = graph.tables("operators")
    assert found.fields["builtin_options"].fields == {}
    assert found.fields["builtin_options"].number("dilation_wfactor") == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=70), st.text(max_size=9), st.integers(0, 2**63)), max_size=12))
def test_any_mix_of_sizes_reads_back(parts: list[tuple[bytes, str, int]]) -> None:
    buffers = tuple(table("Buffer", data=data, offset=number) for data, _, number in parts)
    notes = tuple(table("Metadata", name=name, buffer=at) for at, (_, name, _) in enumerate(parts))
    content = write_tree(a_model(buffers=buffers, metadata=notes))
    root = read_tree(content, "test").root
    assert [buffer.fields["data"] for buffer in root.tables("buffers")] == [data for data, _, _ in parts]
    assert [buffer.number("offset") for buffer in root.tables("buffers")] == [number for _, _, number in parts]
    assert [note.fields["name"].decode() for note in root.tables("metadata")] == [name for _, name, _ in parts]
    for data, _, _ in parts:
        assert len(data) < 8 or any(content[at : at + len(data)] == data for at in range(0, len(content), 16))


def test_a_field_that_the_schema_does_not_have_is_told() -> None:
    content = bytearray(written(FILES["int8"]))
    (root,) = struct.unpack_from("<I", content, 0)
    vtable = root - struct.unpack_from("<i", content, root)[0]
    more = struct.pack("<HH20H", 44, 8, *([0] * 19), 4)  # slot 19 of a model that has ten
    content += bytes(len(content) % 2)
    struct.pack_into("<i", content, root, root - len(content))
    content += more
    assert vtable > 0 and read_tree(bytes(content), "test").strangers == ("field 19 of Model",)


def test_a_file_that_shares_without_end_is_refused_in_time() -> None:
    """A million graphs that are one graph with a million tensors that are one tensor."""
    graph = table("SubGraph", tensors=(table("Tensor"),) * 10_000)
    content = write_tree(a_model(subgraphs=(graph,) * 10_000))
    assert len(content) < 100_000
    with pytest.raises(ModelError) as caught:
        read_tree(content, "test")
    assert "as they are shared" in str(caught.value.received)
