"""The outline of an ONNX file: ports, operators and constants are counted, and a model made to exhaust a reader is refused."""

from __future__ import annotations

import pytest

from edgekit.errors import ModelError
from edgekit.onnx_file.outline import DEEPEST, Port, is_onnx, outline_of, read_outline
from edgekit.onnx_file.wire import Malformed


def test_ports_operators_and_constants_are_read_and_a_constant_that_is_listed_as_an_input_is_none(written):
    branch = written.message((1, "then_branch"), (6, written.graph()))
    model = written.model(
        (1, written.node("If", branch)),
        (11, written.port("x", "batch", 3, 8, 8)), (11, written.port("w", 2)), (12, written.port("y", "batch", 10)),
        (5, written.tensor("w", 2, raw=bytes(8))),
    )  # fmt: skip
    found = outline_of(memoryview(model))
    assert (found.opset, found.producer, found.operators) == (17, "writer", {"Relu": 2, "If": 1})
    assert found.inputs == (Port(name="x", shape=("batch", 3, 8, 8), dtype="float32"),)
    assert found.outputs == (Port(name="y", shape=("batch", 10), dtype="float32"),)
    assert [(one.name, one.bytes) for one in found.tensors] == [("w", 8)] and found.files == ()


def test_a_scalar_is_told_from_an_input_without_a_shape_and_an_unknown_type_has_no_name(written):
    def port(name: str, *kind: tuple[int, object]) -> tuple[int, bytes]:
        return 11, written.message((1, name), (2, written.message((1, written.message(*kind)))))

    model = written.model(port("sr", (1, 7), (2, b"")), port("any", (1, 9)), port("odd", (1, 99), (2, b"")))
    assert outline_of(memoryview(model)).inputs == (
        Port(name="sr", shape=(), dtype="int64"),
        Port(name="any", shape=(), dtype="bool", has_shape=False),
        Port(name="odd", shape=()),
    )


def nested(written, depth: int) -> bytes:
    graph = written.graph()
    for _ in range(depth):
        graph = written.message((1, written.node("If", written.message((6, graph)))))
    return written.message((7, graph))


def test_graphs_lie_in_each_other_only_so_deep(written):
    assert outline_of(memoryview(nested(written, DEEPEST))).operators["If"] == DEEPEST
    for depth in (DEEPEST + 1, 3000):
        with pytest.raises(Malformed, match="graphs in each other"):
            outline_of(memoryview(nested(written, depth)))


def function(written, name: str, *calls: str) -> tuple[int, bytes]:
    nodes = [(7, written.node(one, domain="own")) for one in calls]
    return 25, written.message((1, name), (10, "own"), *nodes)


def test_functions_that_call_themselves_or_grow_without_end_are_refused(written):
    call = (1, written.node("f0", domain="own"))
    with pytest.raises(Malformed, match="calls itself"):
        outline_of(memoryview(written.model(call, more=(function(written, "f0", "f1"), function(written, "f1", "f0")))))
    doubling = tuple(function(written, f"f{n}", *[f"f{n + 1}"] * 10) for n in range(8))
    with pytest.raises(Malformed, match="more than 1000000 nodes"):
        outline_of(memoryview(written.model(call, more=doubling)))
    outline_of(memoryview(written.model(call, more=doubling[:3])))


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        ({"dims": (3,), "raw": bytes(8)}, "has 8 bytes, and not 12"),
        ({"dims": (2**40, 2**40), "raw": b""}, "more than 1099511627776 elements"),
        ({"dims": (-1,), "raw": b""}, "a negative size"),
        ({"dims": (2,), "location": "a", "length": "9"}, "9 bytes in another file, and not 8"),
        ({"dims": (2,), "location": "a", "offset": "-1"}, "no number as its offset"),
        ({"dims": (2,), "location": "a", "length": "1e3"}, "no number as its length"),
    ],
)
def test_sizes_that_contradict_the_bytes_are_refused(written, tensor, says):
    constant = written.tensor("w", *tensor.pop("dims"), **tensor)
    with pytest.raises(Malformed, match=says):
        outline_of(memoryview(written.model((5, constant))))


@pytest.mark.parametrize("content", [b"", b"junk", b"Ein Text.\n" * 50, b"PK\x03\x04" + bytes(90), bytes(100)])
def test_what_is_no_model_is_refused_with_its_place(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not an ONNX model") as caught:
        read_outline(path)
    assert caught.value.where == str(path) and caught.value.exit_code == 2


def test_a_truncated_model_is_refused_wherever_it_ends(tmp_path, written):
    content = written.model((11, written.port("x", 1, 3)), (5, written.tensor("w", 2, raw=bytes(8))))
    path = tmp_path / "net.onnx"
    for end in range(1, len(content)):
        path.write_bytes(content[:end])
        try:
            assert read_outline(path).operators, "only a whole graph is taken, where what is missing stands behind it"
        except ModelError as problem:
            assert problem.received


def test_a_name_tells_onnx_and_a_folder_is_none(tmp_path):
    (tmp_path / "saved.onnx").mkdir()
    assert is_onnx(tmp_path / "Net.ONNX") and not is_onnx(tmp_path / "net.keras")
    assert not is_onnx(tmp_path / "saved.onnx")
