"""What a file has not as the standard of ONNX wants it is told with its place before any library stumbles over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.onnx_graph.read import graph_of

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
node = onnx.helper.make_node


def model(*nodes: Any, opset: int = 17) -> Any:
    """Nodes on an input `x` of [1, 3, 8, 8], with a kernel `w`; the last one makes the output."""
    entry = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])
    kernel = onnx.numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")
    end = onnx.helper.make_empty_tensor_value_info(nodes[-1].output[0])
    graph = onnx.helper.make_graph(list(nodes), "g", [entry], [end], [kernel])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])


def conv(**attributes: Any) -> Any:
    return node("Conv", ["x", "w"], ["y"], name="c", **attributes)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([conv(strides=[0, 1])], "Conv 'c': strides is [0, 1], and counts from 1"),
        ([conv(dilations=[1, -1])], "Conv 'c': dilations is [1, -1], and counts from 1"),
        ([conv(kernel_shape=[0, 3])], "Conv 'c': kernel_shape is [0, 3], and counts from 1"),
        ([conv(group=0)], "Conv 'c': group is 0, and counts from 1"),
        ([conv(pads="1,1")], "Conv 'c': pads is of STRING and not of INTS"),
        ([conv(strides=[1.5, 1.5])], "Conv 'c': strides is of FLOATS and not of INTS"),
        ([conv(auto_pad="same")], "Conv 'c': auto_pad is 'same' and not one of NOTSET"),
        ([conv(padding=[1, 1])], "Conv 'c': it has no attribute 'padding' in opset 17"),
        ([node("Concat", ["x", "x"], ["y"], name="j")], "Concat 'j': its attribute 'axis' is missing"),
        ([node("Add", ["x"], ["y"], name="a")], "Add 'a': it has 1 inputs, and takes 2"),
        ([node("LeakyRelu", ["x"], ["y"], alpha="0.1")], "LeakyRelu 'y': alpha is of STRING and not of FLOAT"),
        ([node("Relu", ["x"], ["a"], name="r"), node("Relu", ["a"], ["y"], name="r")], "2 nodes have the name 'r'"),
    ],
)
def test_a_node_that_is_not_as_the_standard_has_it_is_told_with_its_place(nodes, said):
    with pytest.raises(ModelError, match="as the standard of ONNX has") as caught:
        graph_of(model(*nodes), "net.onnx")
    assert said in str(caught.value.received)
    assert (caught.value.where, caught.value.exit_code) == ("net.onnx", 2)
    assert caught.value.allowed and caught.value.next_step


def test_all_faults_are_told_at_once_and_operators_that_nobody_knows_are_left_to_the_import():
    nodes = [
        node("Own", ["x"], ["a"], sides="3"),
        node("Conv", ["a", "w"], ["b"], group=0, strides=[0, 0]),
        conv(pads=""),
    ]
    with pytest.raises(ModelError, match="3 nodes are not") as caught:
        graph_of(model(*nodes), "net.onnx")
    assert "Own" not in str(caught.value.received)
    assert len(graph_of(model(node("Own", ["x"], ["y"], sides="3")), "net.onnx").nodes) == 1


def test_constants_may_share_a_name():
    held = [node("Constant", [], [name], name="anon", value_float=1.0) for name in "ab"]
    nodes = graph_of(model(*held, node("Sum", ["x", "a", "b"], ["y"])), "net.onnx").nodes
    assert [one.operator for one in nodes] == ["Sum"]


def test_an_opset_of_the_future_is_told():
    with pytest.raises(ModelError, match="has an opset that the installed package onnx does not know") as caught:
        graph_of(model(conv(), opset=99), "net.onnx")
    assert caught.value.received == "opset 99" and str(onnx.defs.onnx_opset_version()) in str(caught.value.allowed)


def test_what_the_opset_has_is_taken():
    assert graph_of(model(node("Squeeze", ["x"], ["y"], axes=[0]), opset=11), "net.onnx").nodes
    with pytest.raises(ModelError, match="as the standard of ONNX has"):
        graph_of(model(node("Squeeze", ["x"], ["y"], axes=[0]), opset=13), "net.onnx")


def test_a_size_of_minus_one_is_free():
    given = model(conv())
    given.graph.input[0].type.tensor_type.shape.dim[2].dim_value = -1
    assert graph_of(given, "net.onnx").inputs[0].shape == (1, 3, "", 8)


def test_a_value_that_is_made_twice_is_told():
    nodes = [
        node("Relu", ["x"], ["a"], name="first"),
        node("Neg", ["x"], ["a"], name="second"),
        node("Abs", ["a"], ["y"]),
    ]
    with pytest.raises(ModelError, match="not sound") as caught:
        graph_of(model(*nodes), "net.onnx")
    assert "Neg 'second' makes 'a'" in str(caught.value.received)
