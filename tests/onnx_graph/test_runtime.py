"""What onnxruntime cannot run is told in edgekit's words, with the place and what would help."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import ModelError

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
make = onnx.helper


def saved(path, nodes, shape, *, kind=onnx.TensorProto.FLOAT, opset=17, ir_version=8, **constants):
    """A model from `x` to `y`."""
    entry = make.make_tensor_value_info("x", kind, shape)
    held = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = make.make_graph(nodes, "g", [entry], [make.make_empty_tensor_value_info("y")], held)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", opset)], ir_version=ir_version)
    onnx.save(model, path)
    return path.as_posix()


@pytest.fixture
def not_run(tmp_path):
    """The error that a model's session ends with."""
    from edgekit.onnx_graph.runtime import open_session

    def refused(*arguments, **settings) -> ModelError:
        path = saved(tmp_path / "net.onnx", *arguments, **settings)
        with pytest.raises(ModelError) as caught:
            open_session(path, path)
        assert (caught.value.where, caught.value.exit_code) == (path, 2)
        assert caught.value.allowed and caught.value.next_step
        assert "ONNXRuntimeError" not in str(caught.value)
        return caught.value

    return refused


def test_a_convolution_in_float64_is_told_by_its_name(not_run):
    node = make.make_node("Conv", ["x", "w"], ["y"], name="first")
    error = not_run([node], [1, 3, 8, 8], kind=onnx.TensorProto.DOUBLE, w=np.ones((2, 3, 3, 3)))
    assert "no kernel" in error.what and error.received == "Conv 'first'"
    assert "float32" in str(error.next_step)


def test_a_type_that_an_operator_does_not_take_is_told(not_run):
    node = make.make_node("Conv", ["x", "w"], ["y"], name="first")
    error = not_run([node], [1, 3, 8, 8], kind=onnx.TensorProto.INT32, w=np.ones((2, 3, 3, 3), np.int32))
    assert error.received == "Conv 'first': x is of tensor(int32)"


def test_a_recurrent_layer_with_the_batch_first_is_told(not_run):
    node = make.make_node("GRU", ["x", "w", "r"], ["", "y"], hidden_size=2, layout=1, name="gru")
    weights = {"w": np.ones((1, 6, 4), np.float32), "r": np.ones((1, 6, 2), np.float32)}
    error = not_run([node], [1, 5, 4], **weights)
    assert "batch comes first" in error.what and error.received == "layout = 1"


@pytest.mark.parametrize(
    ("settings", "said", "received"),
    [({"opset": 99}, "opset", "opset 99"), ({"ir_version": 99}, "version of the format", "IR version 99")],
)
def test_a_version_of_the_future_is_told(not_run, settings, said, received):
    error = not_run([make.make_node("Relu", ["x"], ["y"])], [1, 3], **settings)
    assert said in error.what and error.received == received and str(error.allowed).startswith("up to ")


def test_values_that_inputs_are_held_at_are_told_where_the_file_does_not_run_with_them(tmp_path):
    from edgekit.onnx_file.held import HeldInput
    from edgekit.onnx_graph.runtime import open_session, run_session

    path = saved(tmp_path / "net.onnx", [make.make_node("Gather", ["w", "x"], ["y"])], ["n"], kind=onnx.TensorProto.INT64, w=np.ones((2, 3), np.float32))  # fmt: skip
    held = HeldInput(name="x", dtype="int64", shape=(1,), value=[7])
    with pytest.raises(ModelError, match="cannot run the file") as caught:
        run_session(open_session(path, path), (), {}, ["y"], path, [held])
    assert caught.value.received.startswith("with x = [7], of sizes [1] in held of [model]: ")
    assert "these values first" in caught.value.next_step
