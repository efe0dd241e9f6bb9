"""Sizes that do not go together are told as the data's or the file's fault where onnxruntime does not run them either."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError, ModelError, RefusedOperators

pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
pytestmark = pytest.mark.tf


def test_data_too_small_for_a_layer_are_told_with_the_layer(small, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model = small()
    x = model.node("Conv", model.entry("N", 3, "h", "w"), model.weight(4, 3, 3, 3), name="first")
    path = model.saved(tmp_path, model.node("Conv", x, model.weight(2, 4, 5, 5), name="second"))
    with pytest.raises(DataError, match="does not run on samples of the data's sizes") as caught:
        imported(path, tools.keras3, {"x": (3, 5, 5)})
    assert "x: 1 x 3 x 5 x 5" in str(caught.value.received) and "Conv 'second'" in str(caught.value.received)
    assert caught.value.exit_code == 2 and caught.value.next_step
    assert imported(path, tools.keras3, {"x": (3, 7, 7)}).outputs[0].shape == (1, 2, 1, 1)


def test_data_for_another_dense_layer_are_told(small, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model = small()
    x = model.node("Flatten", model.node("Relu", model.entry("N", 3, "h", "w")))
    path = model.saved(tmp_path, model.node("MatMul", x, model.weight(48, 2), name="dense"))
    with pytest.raises(DataError, match="data's sizes") as caught:
        imported(path, tools.keras3, {"x": (3, 5, 5)})
    assert "MatMul 'dense': 75 numbers times a matrix of 48 rows" in str(caught.value.received)


def test_layers_that_do_not_go_together_are_the_files_fault(small, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model = small()
    x = model.node("Flatten", model.node("Relu", model.entry(1, 3, 5, 5)))
    path = model.saved(tmp_path, model.node("Add", x, model.constant(np.ones((1, 74), np.float32)), name="sum"))
    with pytest.raises(ModelError, match="onnxruntime") as caught:
        imported(path, tools.keras3)
    assert not isinstance(caught.value, RefusedOperators)
    assert "sum" in str(caught.value.received)


def test_a_free_size_of_one_name_has_one_value(small, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model = small()
    both = [model.entry("N", "steps", 4, name=name) for name in ("x", "mask")]
    path = model.saved(tmp_path, model.node("Add", *both))
    with pytest.raises(DataError, match="one free size of the model two values") as caught:
        imported(path, tools.keras3, {"x": (6, 4), "mask": (1, 4)})
    assert caught.value.received == "'steps' is 6 in x[1] and 1 in mask[1]"
    assert imported(path, tools.keras3, {"x": (6, 4), "mask": (6, 4)}).outputs[0].shape == (1, 6, 4)


def test_signs_that_are_no_names_may_have_several_sizes(small, imported_alike):
    """As in the classifier of rapidocr, whose height and width are both "?"."""
    model = small()
    x = model.node("Conv", model.entry("N", 3, "?", "?"), model.weight(4, 3, 3, 3))
    assert imported_alike(model, x, sizes={"x": (3, 6, 9)}).inputs[0].keras_shape == (6, 9, 3)


def test_an_operator_that_only_edgekit_cannot_express_stays_refused(small, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model = small()
    path = model.saved(tmp_path, model.node("Det", model.entry("N", "n", "n"), name="det"))
    with pytest.raises(RefusedOperators, match="Det"):
        imported(path, tools.keras3, {"x": (3, 3)})
