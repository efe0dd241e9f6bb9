"""What goes, what stays, and what is left alone: by edgekit's reader, by the bindings, and byte by byte."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.tflite.diet.names import without_names
from edgekit.tflite.diet.whole import NAMES, RANGES, SHARED, ZERO_POINTS, dieted
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
FILES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.tflite"))}
INT8 = FILES["int8"]


def root_of(content: bytes) -> Table:
    return read_tree(content, "test").root


def seen(model: TfliteModel) -> list[Any]:
    """All that computes: every tensor's facts and data, every operator, the ends and the signatures."""
    tensors = [
        (t.shape, t.shape_signature, t.dtype, t.scales, t.zero_points, t.quantized_dimension, t.variable, t.sparsity,
         t.coding, t.span and model.content[t.span[0] : sum(t.span)])
        for t in model.tensors
    ]  # fmt: skip
    return [tensors, model.operators, model.inputs, model.outputs, model.signatures, model.subgraphs]


@pytest.mark.parametrize("name", FILES)
def test_what_computes_stays_and_a_fifth_of_the_file_goes(name: str) -> None:
    before, found = parse_tflite(FILES[name], where="test"), dieted(FILES[name], where="test")
    after = parse_tflite(found.content, where="test")
    assert found.reason is None and seen(after) == seen(before)
    assert len(found.content) < 0.85 * len(FILES[name])
    assert sum(saving.saved_bytes for saving in found.savings) == len(FILES[name]) - len(found.content)
    assert {tensor.span[0] % 16 for tensor in after.tensors if tensor.span} <= {0}


@pytest.mark.parametrize("name", FILES)
def test_options_stay_by_the_bindings(name: str) -> None:
    """Options, custom options, intermediates: everything of an operator but the number of its code."""
    bindings = pytest.importorskip("ai_edge_litert.schema_py_generated")

    def operators(content: bytes) -> list[Any]:
        model = bindings.ModelT.InitFromPackedBuf(content, 0)
        found = []
        for graph in model.subgraphs:
            for one in graph.operators:
                code = model.operatorCodes[one.opcodeIndex]
                options = None if one.builtinOptions is None else vars(one.builtinOptions)
                given = {
                    key: str(value) for key, value in vars(one).items() if key not in ("opcodeIndex", "builtinOptions")
                }
                found.append((vars(code), given, {key: str(value) for key, value in (options or {}).items()}))
        return found

    assert operators(dieted(FILES[name], where="test").content) == operators(FILES[name])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep_names", [False, True])
def test_a_diet_is_its_own_diet(name: str, keep_names: bool) -> None:
    once = dieted(FILES[name], where="test", keep_names=keep_names)
    again = dieted(once.content, where="test", keep_names=keep_names)
    assert again.content == once.content and again.savings == () and again.reason == "it has nothing that can go"
    assert dieted(FILES[name], where="elsewhere", keep_names=keep_names) == once


def test_names_of_the_ends_stay_and_the_others_go() -> None:
    before, after = (parse_tflite(content, where="test") for content in (INT8, dieted(INT8, where="test").content))
    ends = {*before.inputs, *before.outputs}
    for one, other in zip(before.tensors, after.tensors, strict=True):
        assert other.name == (one.name if one.index in ends else "")
    assert all(tensor.name for tensor in before.tensors) and after.signatures == before.signatures


def test_names_of_every_graph_that_a_signature_calls_stay() -> None:
    root = root_of(FILES["loop"])
    calls = table("SignatureDef", inputs=(), outputs=(), signature_key="other", subgraph_index=2)
    content = write_tree(root.with_fields(signature_defs=(*root.tables("signature_defs"), calls)))
    graphs = root_of(dieted(content, where="test").content).tables("subgraphs")
    named = [{at for at, one in enumerate(graph.tables("tensors")) if one.fields.get("name")} for graph in graphs]
    assert named == [
        {*graphs[0].numbers("inputs"), *graphs[0].numbers("outputs")},
        set(),
        {*graphs[2].numbers("inputs"), *graphs[2].numbers("outputs")},
    ]


def test_names_can_be_kept() -> None:
    before, found = parse_tflite(INT8, where="test"), dieted(INT8, where="test", keep_names=True)
    after = parse_tflite(found.content, where="test")
    assert [tensor.name for tensor in after.tensors] == [tensor.name for tensor in before.tensors]
    assert NAMES not in {saving.kind for saving in found.savings}


def test_minimum_and_maximum_go_and_scales_of_biases_stay() -> None:
    before, found = root_of(FILES["int16x8"]), dieted(FILES["int16x8"], where="test")
    assert {saving.kind for saving in found.savings} >= {RANGES, SHARED, ZERO_POINTS}

    def quantization(root: Table) -> list[dict[str, Any]]:
        tensors = root.tables("subgraphs")[0].tables("tensors")
        return [tensor.fields["quantization"].fields if "quantization" in tensor.fields else {} for tensor in tensors]

    assert any("min" in fields for fields in quantization(before))
    for one, other in zip(quantization(before), quantization(root_of(found.content)), strict=True):
        assert {name: value for name, value in one.items() if name not in ("min", "max")} == other or not one.get(
            "scale"
        )


def test_metadata_that_steer_a_runtime_or_an_application_stay() -> None:
    root = root_of(INT8)
    names = ("OfflineMemoryAllocation", "model_control_dependencies", "TFLITE_METADATA", "something of one's own")
    first = len(root.tables("buffers"))
    buffers = tuple(table("Buffer", data=name.encode()) for name in names)
    notes = tuple(table("Metadata", name=name, buffer=first + at) for at, name in enumerate(names))
    content = write_tree(
        root.with_fields(buffers=root.tables("buffers") + buffers, metadata=root.tables("metadata") + notes)
    )
    found = dieted(content, where="test")
    after = root_of(found.content)
    kept = {note.fields["name"].decode(): note.number("buffer") for note in after.tables("metadata")}
    assert {name: after.tables("buffers")[at].fields["data"].decode() for name, at in kept.items()} == {
        n: n for n in names
    }
    assert found.notes == tuple(f"the metadata {name!r} are kept" for name in names)
    assert "min_runtime_version" in {note.fields["name"].decode() for note in root.tables("metadata")}


def test_equal_buffers_become_one_and_unused_ones_go() -> None:
    root = root_of(INT8)
    more = (
        table("Buffer", data=b"nobody asks for me" * 10),
        table("Buffer", data=root.tables("buffers")[4].fields["data"]),
    )
    codes = (*root.tables("operator_codes"), table("OperatorCode", builtin_code=BUILTIN_OPERATORS.index("GELU")))
    fuller = write_tree(root.with_fields(buffers=root.tables("buffers") + more, operator_codes=codes))
    assert dieted(fuller, where="test").content == dieted(INT8, where="test").content
    buffers = [one.fields.get("data", b"") for one in root_of(dieted(INT8, where="test").content).tables("buffers")]
    assert buffers[0] == b"" and len(set(buffers)) == len(buffers) == 10


def an_operator(**fields: Any) -> Table:
    return table("Operator", inputs=(0,), outputs=(1,), opcode_index=0, **fields)


def small(operators: tuple[Table, ...], **fields: Any) -> bytes:
    tensors = tuple(table("Tensor", shape=(1, 4), name=name, type=kind) for name, kind in (("a", 0), ("b", 13)))
    graph = table("SubGraph", tensors=tensors, inputs=(0,), outputs=(1,), operators=operators, name="main")
    code = table("OperatorCode", deprecated_builtin_code=32, custom_code="mine", builtin_code=32)
    model = table(
        "Model", version=3, description="a description that is long enough", operator_codes=(code,), subgraphs=(graph,)
    )
    return write_tree(model.with_fields(**{"buffers": (table("Buffer"),), **fields}))


def test_custom_operators_keep_their_options_and_resources_their_type() -> None:
    content = small((an_operator(custom_options=b"\x01\x02\x03", custom_options_format=0),))
    (graph,) = root_of(dieted(content, where="test").content).tables("subgraphs")
    assert graph.tables("operators")[0].fields["custom_options"] == b"\x01\x02\x03"
    assert [tensor.number("type") for tensor in graph.tables("tensors")] == [0, 13]


def test_graphs_of_validation_keep_their_name() -> None:
    """LiteRT tells by it which graphs are not for a delegate."""
    root = root_of(small((an_operator(),)))
    (graph,) = root.tables("subgraphs")
    both = root.with_fields(subgraphs=(graph, graph.with_fields(name="VALIDATION:main")))
    names = [graph.fields.get("name") for graph in without_names(both).tables("subgraphs")]
    assert names == [None, b"VALIDATION:main"]


def outside(content: bytes) -> tuple[bytes, bytes]:
    """A file whose weights and custom options lie behind its FlatBuffer, as above 2 GB; and what was put there."""
    root = root_of(content)
    data, options = bytes(range(16)), b"options of a large operator"

    def at(place: int) -> bytes:
        buffers = (table("Buffer"), table("Buffer", offset=place, size=len(data)))
        graph = root.tables("subgraphs")[0]
        tensors = (*graph.tables("tensors"), table("Tensor", shape=(4,), buffer=1, name="weights"))
        fields = {"large_custom_options_offset": place + len(data), "large_custom_options_size": len(options)}
        operators = tuple(one.with_fields(**fields) for one in graph.tables("operators"))
        return write_tree(
            root.with_fields(buffers=buffers, subgraphs=(graph.with_fields(tensors=tensors, operators=operators),))
        )

    place = -(-len(at(1 << 20)) // 16) * 16
    return at(place).ljust(place, b"\0") + data + options, data


def test_data_behind_the_flatbuffer_are_brought_inside() -> None:
    content, data = outside(small((an_operator(),)))
    with pytest.raises(ModelError):
        parse_tflite(content, where="test")
    found = dieted(content, where="test")
    model, root = parse_tflite(found.content, where="test"), root_of(found.content)
    assert found.reason is None and [tensor.span and tensor.span[1] for tensor in model.tensors] == [None, None, 16]
    assert root.tables("buffers")[1].fields == {"data": data}
    assert root.tables("subgraphs")[0].tables("operators")[0].fields["custom_options"] == b"options of a large operator"


def test_data_beyond_the_file_are_damage() -> None:
    content, _ = outside(small((an_operator(),)))
    with pytest.raises(ModelError) as caught:
        dieted(content[:-1], where="cut.tflite")
    assert caught.value.where == "cut.tflite"


def test_data_that_overlap_without_end_are_refused_before_they_fill_the_memory() -> None:
    """20,000 buffers of a megabyte each, all in one megabyte behind the model."""
    root, million = root_of(small((an_operator(),))), 1_000_000
    buffers = tuple(table("Buffer", offset=2 * million + at, size=million) for at in range(20_000))
    content = write_tree(root.with_fields(buffers=(table("Buffer"), *buffers))).ljust(3 * million + 20_000, b"\1")
    with pytest.raises(ModelError) as caught:
        dieted(content, where="hostile.tflite")
    assert caught.value.received == "the same bytes are used over and over"


def test_data_that_several_buffers_share_are_taken_once() -> None:
    root, place = root_of(small((an_operator(),))), 8192
    shared = tuple(table("Buffer", offset=place, size=1000) for _ in range(40))
    content = write_tree(root.with_fields(buffers=(table("Buffer"), *shared))).ljust(place + 1000, b"\1")
    assert dieted(content, where="test").reason is None


def zipped(*, before: bytes = b"") -> bytes:
    """An archive; with what stands before it its places count from there."""
    stream = io.BytesIO(before)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
        archive.writestr("more/vocabulary.txt", "a b c " * 50)
    return stream.getvalue()


@pytest.mark.parametrize("counted_from", ["the file's beginning", "the archive's beginning"])
def test_an_archive_behind_the_model_can_still_be_opened(counted_from: str) -> None:
    content = zipped(before=INT8) if counted_from.startswith("the file") else INT8 + zipped()
    found = dieted(content, where="test")
    assert len(found.content) < len(content) and "archive" in found.notes[0]
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.testzip() is None and archive.read("labels.txt") == b"cat\ndog\n"
    place = found.content.rfind(b"PK\x05\x06")
    size, offset = struct.unpack_from("<II", found.content, place + 12)
    assert offset == place - size - (0 if counted_from.startswith("the file") else found.content.find(b"PK\x03\x04"))
    assert seen(parse_tflite(found.content, where="test")) == seen(parse_tflite(INT8, where="test"))
    assert dieted(found.content, where="test").content == found.content


def test_an_archive_that_cannot_be_moved_keeps_the_file_as_it_is() -> None:
    content = zipped(before=INT8)[:-2] + b"\xff\xff"
    found = dieted(content, where="test")
    assert found.content == content and found.reason == "the archive behind the model cannot be moved"


def test_something_unknown_behind_the_model_stays_and_padding_goes() -> None:
    found = dieted(INT8 + b"signed by somebody", where="test")
    assert found.content == dieted(INT8, where="test").content + b"signed by somebody"
    assert found.notes == ("18 bytes behind the model are kept: what they are is not known",)
    padded = dieted(INT8 + bytes(4096), where="test")
    assert padded.content == dieted(INT8, where="test").content and "4096 zero bytes" in padded.notes[0]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"buffers": (table("Buffer", data=b"weights"),)},
            "its first buffer, which is empty by the schema, holds data",
        ),
        ({"subgraphs": "external"}, "it keeps weights in other files"),
        (
            {"subgraphs": "options"},
            "it has what the schema known here does not have: type 250 of builtin_options of Operator",
        ),
    ],
)
def test_what_cannot_be_rewritten_comes_back_as_it_is(changed: dict[str, Any], reason: str) -> None:
    root = root_of(small((an_operator(),)))
    (graph,) = root.tables("subgraphs")
    if changed.get("subgraphs") == "external":
        tensors = (*graph.tables("tensors"), table("Tensor", shape=(1,), external_buffer=1))
        changed = {"subgraphs": (graph.with_fields(tensors=tensors),)}
    elif changed.get("subgraphs") == "options":
        strange = an_operator(builtin_options_type=250, builtin_options=table("AddOptions"))
        changed = {"subgraphs": (graph.with_fields(operators=(strange,)),)}
    content = write_tree(root.with_fields(**changed))
    found = dieted(content, where="test")
    assert found.content == content and found.reason == reason and found.savings == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a .tflite file"), (b"short", "not a .tflite file"), (b"\x89PNG" + bytes(200), "not a .tflite file"),
        (INT8[:2000], "damaged"), (INT8[:4] + b"TFL2" + INT8[8:], "not a .tflite file"),
        (b"\xff\xff\xff\xff" + INT8[4:], "damaged"),
    ],
)  # fmt: skip
def test_what_is_no_tflite_is_said(content: bytes, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        dieted(content, where="bad.tflite")
    assert words in caught.value.what and "bad.tflite" in str(caught.value.where) and caught.value.received


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FILES)), st.data())
def test_damaged_files_are_refused_or_rewritten_soundly(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 5))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)))
        else:
            struct.pack_into("<I", content, place - place % 4, data.draw(st.integers(0, 2**32 - 1)))
    try:
        found = dieted(bytes(content), where="hostile.tflite")
    except ModelError as error:
        assert "hostile.tflite" in str(error.where) and error.received
        return
    assert len(found.content) <= len(content)
    assert dieted(found.content, where="hostile.tflite").content == found.content
