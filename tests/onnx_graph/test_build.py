"""Whole networks: the same numbers as onnxruntime, and no data moved that need not be."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import ModelError, RefusedOperators

pytestmark = pytest.mark.tf


def test_a_residual_network_agrees_and_moves_nothing(residual, imported_alike, kinds):
    found = imported_alike(*residual)
    listed = kinds(found.model)
    assert not {"Permute", "Transpose", "Moveaxis"} & set(listed)
    assert [listed.count(kind) for kind in ("Conv2D", "DepthwiseConv2D", "BatchNormalization", "Dense", "Add")] == [
        1,
        1,
        2,
        2,
        1,
    ]
    assert listed[-1] == "Dense"  # the product's bias is no addition of its own
    assert found.inputs[0].keras_shape == (16, 16, 3)
    assert found.notes == ("'x' is [batch, 3, 16, 16] in ONNX and [batch, 16, 16, 3] here: channels come last",)
    assert "stem" in [layer.name for layer in found.model.layers]
    assert len(found.model.trainable_variables) == 1 + 1 + 2 * 2 + 2 * 2


def test_an_input_in_tensorflows_order_stays_as_it_is(small, imported_alike, kinds):
    model = small()
    x = model.node("Transpose", model.entry(1, 8, 9, 3), perm=[0, 3, 1, 2])
    x = model.node("Transpose", model.node("Conv", x, model.weight(4, 3, 3, 3)), perm=[0, 2, 3, 1])
    found = imported_alike(model, x)
    assert kinds(found.model) == ["Conv2D"]
    assert found.inputs[0].keras_shape == (8, 9, 3) and found.notes == ()


def test_a_channel_shuffle_moves_once(small, imported_alike, kinds):
    model = small()
    x = model.node("Conv", model.entry(1, 3, 6, 6), model.weight(8, 3, 1, 1))
    x = model.node("Reshape", x, model.constant(np.array([1, 2, 4, 6, 6])))
    x = model.node("Reshape", model.node("Transpose", x, perm=[0, 2, 1, 3, 4]), model.constant(np.array([1, 8, 6, 6])))
    found = imported_alike(model, model.node("Conv", x, model.weight(4, 8, 1, 1)))
    assert kinds(found.model).count("Permute") == 1


def test_patches_become_a_sequence_without_moving(small, imported_alike, kinds):
    model = small()
    x = model.node("Conv", model.entry(1, 3, 8, 8), model.weight(6, 3, 4, 4), strides=[4, 4])
    x = model.node("Transpose", model.node("Reshape", x, model.constant(np.array([0, 6, -1]))), perm=[0, 2, 1])
    found = imported_alike(model, model.node("MatMul", x, model.weight(6, 5)))
    assert kinds(found.model) == ["Conv2D", "Dense", "Reshape"]  # the sequence has its name at the end alone


def test_free_sizes_are_all_named_and_can_be_given(small, tools, tmp_path, imported_alike):
    from edgekit.onnx_graph.build import imported

    model = small()
    x = model.node("Conv", model.entry("N", 3, "height", "width"), model.weight(4, 3, 3, 3))
    with pytest.raises(ModelError, match="sizes free") as caught:
        imported(model.saved(tmp_path, x), tools.keras3)
    assert "x[2] 'height'" in caught.value.received and "x[3] 'width'" in caught.value.received
    assert imported_alike(model, x, sizes={"x": (3, 8, 9)}).inputs[0].keras_shape == (8, 9, 3)


def test_all_that_cannot_be_expressed_is_named_at_once(small, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model = small(18)
    x = model.node("Conv", model.entry(1, 3, 8, 8), model.weight(4, 3, 3, 3))
    x = model.node(
        "Resize",
        x,
        "",
        model.constant(np.array([1, 1, 2, 2], np.float32)),
        mode="linear",
        antialias=1,
        name="/up/Resize",
    )
    x = model.node("Det", model.node("Relu", x), name="/det/Det")
    with pytest.raises(RefusedOperators) as caught:
        imported(model.saved(tmp_path, x), tools.keras3)
    assert caught.value.what.startswith("2 operators")
    assert "Resize '/up/Resize': a resize with antialias" in caught.value.received
    assert "Det '/det/Det'" in caught.value.received
    assert "without antialias" in caught.value.next_step


def test_a_batch_that_the_file_fixes_becomes_free(small, imported_alike):
    model = small()
    x = model.node("Conv", model.entry(4, 3, 8, 8), model.weight(2, 3, 3, 3))
    found = imported_alike(model, model.node("Flatten", x))
    assert found.model.output_shape == (None, 72)


def test_a_state_has_its_batch_where_the_file_names_it(small, imported_alike):
    model = small()
    x, state = model.entry("batch", 6), model.entry(2, "batch", 6, name="state")
    made = model.node("Add", state, x)
    found = imported_alike(model, made)
    assert [port.keras_shape for port in found.inputs] == [(6,), (2, 6)]


def test_data_fill_the_sizes_around_a_batch_that_is_not_the_first_axis(small, imported_alike):
    model = small()
    x, state = model.entry("batch", "width"), model.entry(2, "batch", "width", name="state")
    found = imported_alike(model, model.node("Add", state, x), sizes={"x": (6,), "state": (2, 6)})
    assert [port.keras_shape for port in found.inputs] == [(6,), (2, 6)]
    model = small()
    weights = model.weight(1, 12, 4), model.weight(1, 12, 3)
    made, _ = model.node("LSTM", model.entry("steps", "batch", 4), *weights, outputs=2, hidden_size=3)
    assert imported_alike(model, made, sizes={"x": (7, 4)}).inputs[0].keras_shape == (7, 4)


def test_a_branch_whose_condition_is_known_is_taken(small, imported_alike, kinds):
    """As exporters write a squeeze that depends on a size; the branch takes a value from around it."""
    helper = pytest.importorskip("onnx").helper
    model = small()
    x = model.node("Conv", model.entry("N", 3, 4, 4), model.weight(2, 3, 4, 4))
    size = model.node("Gather", model.node("Shape", x), model.constant(np.array(2)))
    condition = model.node("Equal", size, model.constant(np.array(1)))
    branches = {
        name: helper.make_graph(
            [helper.make_node(operator, [x], [f"{name}_end"])],
            name,
            [],
            [helper.make_empty_tensor_value_info(f"{name}_end")],
        )
        for name, operator in (("then_branch", "Relu"), ("else_branch", "Sigmoid"))
    }
    found = imported_alike(model, model.node("If", condition, **branches))
    assert kinds(found.model) == ["Conv2D", "ReLU"]


def test_a_difference_is_found_at_its_operator(small, tools, tmp_path):
    pytest.importorskip("onnxruntime")
    from edgekit.onnx_graph.build import imported
    from edgekit.onnx_graph.compare import compare_with_onnxruntime, random_samples

    model = small()
    x = model.node("Relu", model.node("Conv", model.entry(1, 3, 8, 8), model.weight(4, 3, 3, 3), name="first"))
    x = model.node("Sigmoid", model.node("Conv", x, model.weight(4, 4, 3, 3), name="second"))
    path = model.saved(tmp_path, x)
    found = imported(path, tools.keras3)
    kernel = found.model.get_layer("second").kernel
    kernel.assign(kernel.numpy() * 1.5)
    compared = compare_with_onnxruntime(path, found, random_samples(found, 2))
    assert not compared.agrees and compared.first.startswith("Conv 'second'")
