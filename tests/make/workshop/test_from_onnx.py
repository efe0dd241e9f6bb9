"""Models in ONNX are opened in the worker as Keras files are, compared with onnxruntime, and refused with all reasons at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import DataError, ModelError, RefusedOperators

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
pytestmark = pytest.mark.tf
DIGITS = Path(__file__).resolve().parents[3] / "examples" / "onnx" / "digits.onnx"


def saved(path: Path, nodes: list, shape: list, **constants: np.ndarray) -> str:
    """A model from `x` to `y`."""
    entry = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)
    held = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = onnx.helper.make_graph(nodes, "g", [entry], [onnx.helper.make_empty_tensor_value_info("y")], held)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    return str(path)


def test_an_image_model_has_its_channels_last_keeps_its_names_and_agrees_with_onnxruntime(shop):
    found = shop.load(str(DIGITS))
    (entry,), (logits,) = found.inputs, found.outputs
    assert (entry.name, entry.shape, entry.onnx_axes, entry.onnx_shape) == ("image", (8, 8, 1), (1, 2, 0), (1, 8, 8))
    assert (logits.name, logits.shape, logits.layout) == ("logits", (10,), "")
    assert found.format == "ONNX, opset 17" and found.rebuilt_error is not None and found.rebuilt_error < 1e-5
    assert any("agrees with onnxruntime" in note for note in found.notes)
    assert [layer.kind for layer in found.layers].count("Conv2D") == 4


def test_free_sizes_become_those_of_the_data_in_either_order(shop, tmp_path):
    model = onnx.load(DIGITS)
    for axis, name in ((2, "height"), (3, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    onnx.save(model, tmp_path / "free.onnx")
    for sizes in ([[1, 12, 10]], [[12, 10, 1]]):
        assert shop.load(str(tmp_path / "free.onnx"), sizes=sizes).inputs[0].shape == (12, 10, 1)
    with pytest.raises(ModelError, match="sizes free"):
        shop.load(str(tmp_path / "free.onnx"))
    with pytest.raises(DataError, match="another number of inputs"):
        shop.load(str(tmp_path / "free.onnx"), sizes=[[1, 12, 10], [3]])


def test_every_operator_that_cannot_be_expressed_is_named_at_once(shop, tmp_path):
    node = onnx.helper.make_node
    nodes = [node("Det", ["x"], ["a"], name="first"), node("Relu", ["x"], ["b"]), node("Unique", ["b"], ["c"], name="second"), node("Add", ["a", "c"], ["y"])]  # fmt: skip
    with pytest.raises(RefusedOperators) as caught:
        shop.load(saved(tmp_path / "odd.onnx", nodes, ["n", 4, 4]))
    said = str(caught.value)
    assert "Det" in said and "first" in said and "Unique" in said and "second" in said
    assert caught.value.exit_code == 2 and caught.value.next_step


def test_an_import_that_answers_otherwise_is_refused_with_the_operator(tools, monkeypatch):
    """A weight that is changed behind the import's back stands for a mistake of the import."""
    from edgekit.make.workshop.from_onnx import load_onnx

    found = load_onnx(tools, DIGITS, {})
    assert "agrees with onnxruntime" in found.told(tools)[0]
    layer = next(one for one in found.found.model.layers if type(one).__name__ == "Conv2D" and "second" in one.name)
    layer.set_weights([array * 1.5 for array in layer.get_weights()])
    with pytest.raises(ModelError, match="second") as caught:
        found.told(tools)
    assert "relative error" in str(caught.value.received)


def test_a_weight_that_is_no_number_is_said_to_be_that(shop, tmp_path):
    weight = np.full((4, 3), np.nan, np.float32)
    with pytest.raises(ModelError, match="no finite number"):
        shop.load(
            saved(tmp_path / "nan.onnx", [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], ["n", 4], w=weight)
        )


def test_odd_names_are_kept_for_the_report_and_what_stands_for_them_is_noted(shop, tmp_path):
    """In the file they are identifiers; a reader of the report finds the model's own."""
    entry = onnx.helper.make_tensor_value_info("my img/x:0", onnx.TensorProto.FLOAT, ["n", 4])
    ends = [onnx.helper.make_tensor_value_info("out 1", onnx.TensorProto.FLOAT, ["n", 5])]
    nodes = [onnx.helper.make_node("MatMul", ["my img/x:0", "w"], ["out 1"], name="dense (1)")]
    weight = onnx.numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    graph = onnx.helper.make_graph(nodes, "g", [entry], ends, [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "odd.onnx")
    found = shop.load(str(tmp_path / "odd.onnx"))
    assert [one.name for one in (*found.inputs, *found.outputs)] == ["my img/x:0", "out 1"]
    (said,) = [note for note in found.notes if "does not accept are replaced" in note]
    assert "'my img/x:0' is my_img_x_0" in said and "'out 1' is out_1" in said
    assert "'dense (1)' is dense__1_" in said
    (declared,) = [note for note in found.notes if "declares the output" in note]
    assert declared == "model: the file declares the output 'out 1' as [n, 5], and its nodes make [1, 3]"


def answered(folder: Path, scale: float = 1.0, batch: int = 3) -> Path:
    """A folder with random input of a batch and what onnxruntime answers, which stands for the PyTorch model that a file came from."""
    onnxruntime = pytest.importorskip("onnxruntime")
    given = np.random.default_rng(0).standard_normal((1, batch, 1, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(DIGITS.as_posix(), providers=["CPUExecutionProvider"])
    np.save(folder / "x_0.npy", given)
    np.save(folder / "y_0.npy", scale * session.run(None, {"image": given[0]})[0][None])
    return folder


def test_a_file_from_pytorch_is_held_against_the_answers_of_its_original(shop, tmp_path):
    job = {"answers": str(answered(tmp_path)), "kind": "PyTorch 2.13.0, program", "named": "net.pt2"}
    found = shop.load(str(DIGITS), **job)
    assert found.format == "PyTorch 2.13.0, program"
    assert found.inputs[0].layout == "channels last, and not first as in the PyTorch model"
    assert shop.load(str(DIGITS)).inputs[0].layout.endswith("as in the ONNX model")
    assert found.notes[0].startswith("model: it agrees with the PyTorch model on random input: relative error")
    assert "onnxruntime" in found.notes[1]
    with pytest.raises(ModelError, match="differently than in PyTorch") as caught:
        shop.load(str(DIGITS), **{**job, "answers": str(answered(tmp_path, scale=1.01))})
    assert caught.value.where == "net.pt2" and "relative error 0.0099" in caught.value.received


def test_answers_for_other_sizes_are_not_compared(shop, tmp_path):
    """Sizes that the file leaves free became those of the data."""
    answered(tmp_path)
    np.save(tmp_path / "x_0.npy", np.zeros((1, 1, 1, 9, 9), np.float32))
    found = shop.load(str(DIGITS), answers=str(tmp_path), kind="PyTorch", named="net.pt2")
    assert not any("PyTorch model" in note for note in found.notes)


def with_rate(folder: Path) -> str:
    """The digits' network with an input `rate` that scales its logits: by 0 where it is not 2."""
    model, helper = onnx.load(DIGITS), onnx.helper
    model.graph.input.insert(0, helper.make_tensor_value_info("rate", onnx.TensorProto.INT64, []))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.int64(2), "two"))
    (end,) = [node for node in model.graph.node if "logits" in node.output]
    end.output[0] = "unscaled"
    model.graph.node.extend([helper.make_node("Equal", ["rate", "two"], ["is"]), helper.make_node("Cast", ["is"], ["by"], to=1), helper.make_node("Mul", ["unscaled", "by"], ["logits"])])  # fmt: skip
    onnx.save(model, folder / "rate.onnx")
    return str(folder / "rate.onnx")


def test_an_input_that_is_held_is_in_the_facts_and_not_among_the_inputs(shop, tmp_path):
    found = shop.load(with_rate(tmp_path), held={"rate": 2})
    assert [one.name for one in found.inputs] == ["image"] and found.held == {"rate": "2"}
    assert "model: the input 'rate' is held at 2: the file does not have it" in found.notes
    assert any("agrees with onnxruntime" in note for note in found.notes)
    assert found.layers[-1].kind == "Dense" and not {"Cast", "Equal"} & {layer.kind for layer in found.layers}


def test_answers_of_pytorch_count_where_it_was_asked_with_the_held_value(shop, tmp_path):
    """By random input it was not; on the user's data it is."""
    answered(tmp_path)
    (tmp_path / "x_0.npy").rename(tmp_path / "x_1.npy")
    job = {"answers": str(tmp_path), "kind": "PyTorch", "named": "net.pt2", "held": {"rate": 2}}
    source = with_rate(tmp_path)
    for rate, is_compared in ((2, True), (1, False)):
        np.save(tmp_path / "x_0.npy", np.array([rate]))
        assert any("PyTorch model" in note for note in shop.load(source, **job).notes) == is_compared
