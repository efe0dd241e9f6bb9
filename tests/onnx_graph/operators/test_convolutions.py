"""Convolutions and pools: every way of padding, striding, dilating and grouping that a Keras layer has another idea of."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def test_convolutions_of_every_kind(small, imported_alike, kinds):
    """Each has its own input channels, so that one model holds them all."""
    model = small()
    x = model.entry(1, 4, 9, 10)
    made = [
        model.node("Conv", x, model.weight(6, 2, 3, 3), group=2, pads=[1, 1, 1, 1]),
        model.node("Conv", x, model.weight(8, 1, 3, 3), model.weight(8), group=4, pads=[0, 1, 2, 1]),
        model.node("Conv", x, model.weight(4, 1, 3, 3), group=4, strides=[1, 2]),
        model.node("Conv", x, model.weight(5, 4, 3, 3), dilations=[2, 2], strides=[2, 2], pads=[2, 2, 2, 2]),
        model.node("Conv", x, model.weight(5, 4, 2, 3), auto_pad="SAME_LOWER", strides=[2, 2]),
        model.node(
            "ConvTranspose",
            x,
            model.weight(4, 3, 3, 3),
            model.weight(3),
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            output_padding=[1, 1],
        ),
        model.node("ConvTranspose", x, model.weight(4, 2, 2, 2), group=2, strides=[2, 2]),
        model.node("ConvTranspose", x, model.weight(4, 3, 3, 3), dilations=[2, 2]),
        model.node(
            "ConvTranspose", x, model.weight(4, 2, 2, 2), model.weight(2), strides=[3, 3], output_padding=[1, 1]
        ),
    ]
    listed = kinds(imported_alike(model, *made).model)
    assert listed.count("DepthwiseConv2D") == 2
    assert listed.count("Conv2DTranspose") == 5  # one for each of the two groups
    assert "Permute" not in listed


def test_depthwise_strides_that_differ_by_axis_are_the_layers_own(small, imported_alike, kinds):
    """Padding of a network's own, none, and the uneven one of TensorFlow's "same", which at stride 1 would be another."""
    model = small()
    x = model.entry(1, 4, 8, 11)
    made = [
        model.node("Conv", x, model.weight(4, 1, 3, 3), model.weight(4), group=4, strides=[2, 1], pads=[1, 1, 1, 1]),
        model.node("Conv", x, model.weight(8, 1, 2, 3), group=4, strides=[1, 3]),
        model.node("Conv", x, model.weight(4, 1, 3, 5), group=4, strides=[2, 1], pads=[0, 2, 1, 2]),
        model.node("Conv", x, model.weight(4, 1, 3, 3), group=4, strides=[4, 2], auto_pad="SAME_UPPER"),
    ]
    found = imported_alike(model, *made).model
    assert sorted(kinds(found)) == [*["DepthwiseConv2D"] * 4, "ZeroPadding2D"]
    layers = [layer for layer in found.layers if hasattr(layer, "strides")]
    assert sorted((layer.strides, layer.padding) for layer in layers) == [
        ((1, 3), "valid"), ((2, 1), "same"), ((2, 1), "valid"), ((4, 2), "same"),
    ]  # fmt: skip


def test_zeros_put_around_what_a_convolution_takes_are_its_own_padding(small, imported_alike, kinds):
    """As PyTorch's exporter writes `F.pad` before a convolution, with the padding in which TensorFlow's "same" is uneven."""
    model = small(18)
    x, kernel = model.entry(1, 3, 8, 10), model.weight(4, 3, 3, 3)
    uneven, axes = model.constant(np.array([0, 0, 0, 0, 0, 0, 1, 1])), model.constant(np.array([-1, 2]))
    padded = model.node("Pad", x, uneven, model.constant(np.float32(0)))
    listed = model.node("Pad", x, model.constant(np.array([0, 0, 1, 1])), "", axes)
    made = [
        model.node("Conv", padded, kernel, strides=[2, 2]),
        model.node("Conv", listed, model.weight(3, 1, 3, 3), strides=[2, 2], auto_pad="VALID", group=3),
        model.node("Conv", padded, kernel, pads=[1, 1, 0, 0]),
    ]
    found = imported_alike(model, *made).model
    assert sorted(kinds(found)) == ["Conv2D", "Conv2D", "DepthwiseConv2D"]
    assert {layer.padding for layer in found.layers if hasattr(layer, "padding")} == {"same"}


def test_a_pad_that_does_more_than_a_convolutions_padding_stays(small, imported_alike, kinds):
    model = small()
    x = model.entry(1, 3, 8, 10)
    around, cut = (model.constant(np.array([0, 0, start, 0, 0, 0, 1, 1])) for start in (0, -1))
    wider = model.constant(np.array([0, 1, 0, 0, 0, 0, 0, 0]))
    padded = [
        model.node("Pad", x, around, model.constant(np.float32(2))),
        model.node("Pad", x, around, mode="reflect"),
        model.node("Pad", x, cut),
    ]
    made = [model.node("Conv", one, model.weight(4, 3, 3, 3)) for one in padded]
    made.append(model.node("Conv", model.node("Pad", x, wider), model.weight(4, 4, 3, 3)))
    listed = kinds(imported_alike(model, *made).model)
    assert listed.count("Conv2D") == 4 and sum("Pad" in kind for kind in listed) == 4


def test_a_sequence_in_channels_first_moves_once_each_way(small, imported_alike, kinds):
    model = small()
    x = model.node("Relu", model.node("Conv", model.entry(1, 3, 12), model.weight(6, 3, 3), pads=[1, 1]))
    x = model.node("MaxPool", x, kernel_shape=[2], strides=[2])
    listed = kinds(imported_alike(model, model.node("Conv", x, model.weight(6, 1, 3), group=6)).model)
    assert listed.count("Permute") == 2
    assert {"Conv1D", "MaxPooling1D", "DepthwiseConv1D"} <= set(listed)


def test_pools_pad_with_nothing_that_counts(small, imported_alike, kinds):
    """The input has numbers below zero: zeros beside them would be the largest."""
    model = small(19)
    x = model.node("Sub", model.entry(1, 3, 9, 10), model.constant(np.full((1, 3, 1, 1), 5, np.float32)))
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    made = [
        model.node("MaxPool", x, **window, pads=[1, 1, 1, 1]),
        model.node("MaxPool", x, **window, ceil_mode=1),
        model.node("MaxPool", x, kernel_shape=[2, 2], dilations=[2, 3]),
        model.node("AveragePool", x, **window, pads=[1, 1, 1, 1]),
        model.node("AveragePool", x, **window, pads=[1, 1, 1, 1], count_include_pad=1),
        model.node("AveragePool", x, **window, pads=[1, 0, 1, 1], ceil_mode=1),
        model.node("GlobalMaxPool", x),
    ]
    listed = kinds(imported_alike(model, *made).model)
    assert listed.count("Pad") == 2 and "Permute" not in listed  # mirrored borders


def test_resizes_that_tensorflow_has_are_its_own(small, imported_alike, kinds):
    model = small(13)
    x = model.entry(1, 2, 4, 6)
    double, odd = model.constant(np.array([1, 1, 2, 2], np.float32)), model.constant(np.array([1, 2, 7, 9], np.int64))
    whole = [
        model.node(
            "Resize", x, "", double, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        ),
        model.node("Resize", x, "", double, mode="linear"),
    ]
    assert kinds(imported_alike(model, *whole).model) == ["UpSampling2D", "UpSampling2D"]
    others = [
        model.node("Resize", x, "", "", odd, mode="linear"),
        model.node("Resize", x, "", "", odd, mode="linear", coordinate_transformation_mode="align_corners"),
        model.node(
            "Resize",
            x,
            "",
            "",
            odd,
            mode="nearest",
            coordinate_transformation_mode="align_corners",
            nearest_mode="ceil",
        ),
        model.node("Resize", x, "", double, mode="cubic"),
    ]
    assert "Permute" not in kinds(imported_alike(model, *others).model)


def test_depth_becomes_space_in_either_order(small, imported_alike, kinds):
    model = small()
    x = model.node("Conv", model.entry(1, 3, 4, 5), model.weight(8, 3, 1, 1))
    made = [model.node("DepthToSpace", x, blocksize=2, mode=mode) for mode in ("DCR", "CRD")]
    made.append(model.node("SpaceToDepth", made[0], blocksize=2))
    listed = kinds(imported_alike(model, *made).model)
    assert listed.count("Permute") == 1  # CRD alone


def test_a_factor_and_an_offset_by_channel_are_part_of_what_is_before_them(small, imported_alike, kinds):
    """As Caffe's Scale becomes; one by place along the width is none of these."""
    model = small()
    x = model.entry("N", 3, 5, 5)
    y = model.node("Conv", x, model.weight(5, 3, 1, 1), model.weight(5))
    y = model.node("Add", model.node("Mul", y, model.weight(5, 1, 1)), model.weight(1, 5, 1, 1))
    ones = [model.constant(np.linspace(0.5, 1.5, 5, dtype=np.float32)) for _ in range(4)]
    y = model.node("Conv", y, model.weight(5, 5, 1, 1))
    y = model.node("BatchNormalization", y, *ones)
    y = model.node("Add", model.weight(5, 1, 1), model.node("Mul", model.weight(5, 1, 1), y))
    listed = kinds(imported_alike(model, model.node("Relu", y)).model)
    assert sorted(listed) == ["BatchNormalization", "Conv2D", "Conv2D", "ReLU"], listed
    other = small()
    z = other.node("Conv", other.entry("N", 3, 5, 5), other.weight(5, 3, 1, 1))
    listed = kinds(imported_alike(other, other.node("Mul", z, other.weight(5)), z).model)
    assert "Multiply" in listed


def test_so_they_are_behind_a_normalization_of_what_is_joined(small, imported_alike, kinds):
    """As in DenseNet, whose normalizations stand behind a concatenation or a pool and before any convolution."""
    model = small()
    x = model.node("Conv", model.entry("N", 3, 6, 6), model.weight(5, 3, 1, 1))
    x = model.node("Concat", model.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), model.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), axis=1)  # fmt: skip
    ones = [model.constant(np.linspace(0.5, 1.5, 10, dtype=np.float32)) for _ in range(4)]
    y = model.node("BatchNormalization", x, *ones)
    y = model.node("Add", model.node("Mul", y, model.weight(10, 1, 1)), model.weight(10, 1, 1))
    listed = kinds(imported_alike(model, model.node("Relu", y)).model)
    assert listed.count("BatchNormalization") == 1
    assert "Multiply" not in listed, listed
    assert "Add" not in listed, listed


def _block(model, x, factor, offset):
    """A learnable affine block of PP-LCNet: one factor and one offset for all channels."""
    y = model.node("Mul", model.constant(np.array([factor], np.float32)), x)
    return model.node("Add", y, model.constant(np.array(offset, np.float32)))


def test_one_factor_and_offset_are_part_of_the_convolutions_after_them(small, imported_alike, kinds):
    """The offset stays before one that pads, for it sees zeros there."""
    model = small()
    x = _block(model, model.node("HardSwish", model.entry("N", 4, 6, 6)), 1.7, -0.4)
    y = model.node("Conv", x, model.weight(6, 4, 1, 1), model.weight(6))
    listed = kinds(imported_alike(model, y, model.node("Conv", x, model.weight(4, 1, 3, 3), group=4)).model)
    assert "Multiply" not in listed
    assert "Rescaling" not in listed
    assert "Add" not in listed, listed
    other = small()
    x = _block(other, other.node("HardSwish", other.entry("N", 4, 6, 6)), -0.6, 0.3)
    padded = other.node("Conv", x, other.weight(4, 1, 3, 3), group=4, pads=[1, 1, 1, 1])
    listed = kinds(imported_alike(other, padded, other.node("Conv", x, other.weight(6, 4, 1, 1))).model)
    assert "Multiply" not in listed, listed
    assert listed.count("Add") == 1, listed


@pytest.mark.parametrize("case", ["output", "another user", "large", "kernel"])
def test_a_factor_that_something_else_needs_stays(small, imported_alike, kinds, case):
    model = small()
    entry = model.entry("N", 4, 6, 6)
    x = model.node("Mul", model.node("Relu", entry), model.constant(np.float32(40 if case == "large" else 3)))
    outputs = [model.node("Conv", x, model.weight(5, 4, 1, 1))]
    if case == "output":
        outputs.append(x)
    if case == "another user":
        outputs.append(model.node("Sigmoid", x))
    if case == "kernel":
        outputs = [model.node("MatMul", x, x)]
    assert "Multiply" in kinds(imported_alike(model, *outputs).model)
