"""A graph that is not sound is refused with the node and the value that are at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.onnx_graph.read import graph_of

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
FLOAT = onnx.TensorProto.FLOAT


def graph(nodes, *, outputs=("y",), kind=FLOAT, shape=(1, 4)):
    """Nodes (operator, inputs, outputs) on the input `x`."""
    made = [
        onnx.helper.make_node(name, given.split(), found.split(), name=name.lower()) for name, given, found in nodes
    ]
    entry = onnx.helper.make_tensor_value_info("x", kind, shape)
    ends = [onnx.helper.make_empty_tensor_value_info(name) for name in outputs]
    return onnx.helper.make_model(
        onnx.helper.make_graph(made, "g", [entry], ends), opset_imports=[onnx.helper.make_opsetid("", 17)]
    )


def test_a_sound_graph_is_read():
    assert [node.operator for node in graph_of(graph([("Relu", "x", "y")]), "net.onnx").nodes] == ["Relu"]


@pytest.mark.parametrize(
    ("nodes", "outputs", "said"),
    [
        ([("Gemm", "x w", "y")], ("y",), "Gemm 'gemm' takes 'w'"),
        ([("Add", "x b", "a"), ("Relu", "a", "b"), ("Neg", "b", "y")], ("y",), "Add 'add' takes 'b'"),
        ([("Add", "x a", "a"), ("Neg", "a", "y")], ("y",), "Add 'add' takes 'a'"),
        ([("Neg", "a", "y"), ("Relu", "x", "a")], ("y",), "Neg 'neg' takes 'a'"),
        ([("Relu", "x", "y")], ("y", "z"), "no node makes the output 'z'"),
        ([("Relu", "x", "y")], (), "the model has no output"),
    ],
    ids=["no constant", "a cycle", "a cycle of one", "another order", "an output", "no output"],
)
def test_a_graph_that_is_not_sound_is_refused(nodes, outputs, said):
    with pytest.raises(ModelError, match="not sound") as caught:
        graph_of(graph(nodes, outputs=outputs), "net.onnx")
    assert said in str(caught.value.received) and caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("kind", "said"), [(onnx.TensorProto.STRING, "STRING"), (onnx.TensorProto.COMPLEX64, "COMPLEX64"), (99, "type 99"), (0, "type 0")]
)  # fmt: skip
def test_an_input_that_is_not_of_numbers_is_refused(kind, said):
    with pytest.raises(ModelError, match="'x' holds no numbers") as caught:
        graph_of(graph([("Identity", "x", "y")], kind=kind), "net.onnx")
    assert caught.value.received == said


def test_an_input_without_a_shape_is_refused():
    with pytest.raises(ModelError, match="'x' declares no shape"):
        graph_of(graph([("Relu", "x", "y")], shape=None), str(Path("net.onnx")))
