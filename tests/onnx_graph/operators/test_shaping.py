"""Pieces, reductions and softmax: axes are ONNX's, wherever the Keras tensor has them."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def test_pieces_of_a_picture_are_cut_where_they_stand(small, imported_alike, kinds):
    model = small()
    x = model.node("Conv", model.entry(1, 3, 6, 7), model.weight(6, 3, 1, 1))
    parts = model.node("Split", x, model.constant(np.array([2, 4])), outputs=2, axis=1)
    numbers = [model.constant(np.array(one)) for one in ([1, -1], [6, -8], [2, 3], [2, -2])]
    made = [
        model.node("Slice", x, *numbers),
        model.node("Concat", *reversed(parts), axis=1),
        model.node("Pad", x, model.constant(np.array([0, 0, 1, 2, 0, 0, 3, 0]))),
        model.node("Pad", x, model.constant(np.array([0, 0, 1, 2, 0, 0, 3, 0])), mode="reflect"),
        model.node("Pad", x, model.constant(np.array([0, 1, 2, 0, 0, 0, 0, 1])), mode="edge"),
        model.node("Tile", x, model.constant(np.array([1, 1, 2, 1]))),
        model.node("Gather", x, model.constant(np.array([3, 0, -1])), axis=1),
    ]
    found = kinds(imported_alike(model, *made).model)
    assert "Permute" not in found and "Split" not in found  # of slices, each channel can be followed


def test_softmax_before_opset_13_is_over_all_axes_behind(small, imported_alike):
    for opset in (11, 13):
        model = small(opset)
        x = model.node("Conv", model.entry(1, 3, 4, 5), model.weight(2, 3, 1, 1))
        imported_alike(
            model, model.node("Softmax", x, axis=1), model.node("LogSoftmax", x, axis=2), model.node("Softmax", x)
        )


def test_reductions_take_axes_as_attribute_or_input(small, imported_alike, kinds):
    model = small()
    x = model.node("Conv", model.entry(1, 3, 4, 5), model.weight(2, 3, 1, 1))
    made = [
        model.node("ReduceMean", x, axes=[2, 3], keepdims=0), model.node("ReduceL2", x, axes=[1]), model.node("ReduceMax", x, axes=[-1, 1], keepdims=0),
        model.node("ReduceSum", x, model.constant(np.array([2]))), model.node("ReduceLogSumExp", x, axes=[1, 2, 3]),
        model.node("ArgMax", x, axis=1, keepdims=0),
    ]  # fmt: skip
    listed = kinds(imported_alike(model, *made).model)
    assert listed.count("GlobalAveragePooling2D") == 1 and listed.count("Permute") == 0


def test_attention_as_exporters_write_it(small, imported_alike, kinds):
    model = small()
    x = model.entry("N", 6, 8)
    heads = model.constant(np.array([-1, 6, 2, 4]))

    def part(perm):
        made = model.node("Add", model.node("MatMul", x, model.weight(8, 8)), model.weight(8))
        return model.node("Transpose", model.node("Reshape", made, heads), perm=perm)

    query, key, value = part([0, 2, 1, 3]), part([0, 2, 3, 1]), part([0, 2, 1, 3])
    shares = model.node(
        "Softmax", model.node("Mul", model.node("MatMul", query, key), model.constant(np.float32(0.5))), axis=-1
    )
    mixed = model.node("Transpose", model.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    mixed = model.node("Reshape", mixed, model.constant(np.array([-1, 6, 8])))
    made = model.node("MatMul", mixed, model.weight(8, 8))
    listed = kinds(imported_alike(model, model.node("Einsum", made, x, equation="bij,bkj->bik")).model)
    assert (listed.count("Dense"), listed.count("Matmul"), listed.count("Permute")) == (4, 2, 4)


def test_shapes_that_a_model_computes_are_known_beforehand(small, imported_alike, kinds):
    model = small()
    x = model.node("Conv", model.entry("N", 3, 4, 4), model.weight(2, 3, 1, 1))
    batch = model.node("Gather", model.node("Shape", x), model.constant(np.array([0])), axis=0)
    shape = model.node("Concat", batch, model.constant(np.array([-1])), axis=0)
    made = model.node("Gemm", model.node("Reshape", x, shape), model.weight(32, 3))
    token = model.node("Expand", model.weight(1, 1, 3), model.constant(np.array([1, 2, 1])))
    rows = model.node("Concat", token, model.node("Unsqueeze", made, model.constant(np.array([1]))), axis=1)
    found = imported_alike(model, made, rows)
    assert kinds(found.model)[:3] == ["Conv2D", "Flatten", "Dense"]


def test_recurrent_layers_in_every_direction(small, imported_alike):
    for operator, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        model = small()
        x = model.entry(5, 1, 3)
        made = []
        for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            weights = [model.weight(count, gates * 4, size) for size in (3, 4)] + [model.weight(count, gates * 8)]
            extra = {"linear_before_reset": count - 1} if operator == "GRU" else {}
            found = model.node(operator, x, *weights, outputs=2, hidden_size=4, direction=direction, **extra)
            made += [model.node("Squeeze", found[0], model.constant(np.array([2]))), found[1]]
        assert imported_alike(model, *made).inputs[0].keras_shape == (5, 3)


def test_normalizations_and_tables(small, imported_alike):
    model = small()
    x = model.node("Conv", model.entry(1, 3, 4, 5), model.weight(4, 3, 1, 1))
    places = model.entry(1, 3, name="places", dtype="int64")
    made = [
        model.node("InstanceNormalization", x, model.weight(4), model.weight(4)), model.node("LRN", x, size=3), model.node("LpNormalization", x, axis=1),
        model.node("LayerNormalization", x, model.weight(4, 5), model.weight(4, 5), axis=2), model.node("Gather", model.weight(7, 6), places),
    ]  # fmt: skip
    found = imported_alike(model, *made)
    assert "Embedding" in [type(layer).__name__ for layer in found.model.layers]


def test_a_local_response_over_the_usual_powers_has_roots_and_no_power(small, imported_alike, kinds):
    for exponent, roots, powers in ((0.75, 2, 0), (0.5, 1, 0), (0.6, 0, 1)):
        model = small()
        made = model.node("LRN", model.entry(1, 4, 3, 5), size=3, alpha=2.0, beta=exponent, bias=1.5)
        listed = kinds(imported_alike(model, made).model)
        assert (listed.count("Rsqrt"), listed.count("Power")) == (roots, powers)


def test_a_slice_of_a_tensor_of_six_axes_is_one_of_five(small, imported_alike):
    """As PaddleOCR writes attention: queries, keys and values in one tensor, cut along their own axis."""
    model = small()
    x = model.node("Reshape", model.entry(2, 20, 24), model.constant(np.array([2, 20, 3, 1, 4, 2])))
    ends = [model.constant(np.array(one)) for one in ([1, 0], [2, 3], [2, 4])]
    found = imported_alike(
        model,
        model.node("Slice", x, *ends),
        model.node("Slice", x, *(model.constant(np.array(one)) for one in ([2], [0], [4], [-1]))),
    )
    cut = {layer.output.shape for layer in found.model.layers if layer.name.startswith("slice")}
    assert cut == {(None, 40, 3, 4, 2), (None, 120, 4, 2)}
