"""Whatever factors the classes of channels have, a file's answers stay; and what has to keep its values has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.tflite.channels.classes import channel_classes, components
from edgekit.tflite.channels.factors import rescaled_channels
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernels

PLANE = (1, 4, 4)
RELU6 = 3
POOL = {"kind": "Pool2DOptions", "stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2}


def layers(net: Any) -> int:
    x = net.add("RELU", (*PLANE, 6), net.convolution(net.input, 6))
    x = net.add("MAX_POOL_2D", (1, 2, 2, 6), x, **POOL)
    x = net.add(
        "DEPTHWISE_CONV_2D", (1, 2, 2, 12), x, net.numbers(1, 1, 1, 12), net.numbers(12),
        kind="DepthwiseConv2DOptions", stride_w=1, stride_h=1, depth_multiplier=2,
    )  # fmt: skip
    x = net.convolution(net.convolution(x, 4, groups=2), 5)
    kernel, whole = net.numbers(6, 3, 3, 5), net.constant([1, 4, 4, 6])
    x = net.add("TRANSPOSE_CONV", (*PLANE, 6), whole, kernel, x, kind="TransposeConvOptions", stride_w=2, stride_h=2)
    x = net.add("RESHAPE", (1, 96), x, net.constant([1, 96]))
    return net.add("FULLY_CONNECTED", (1, 3), x, net.numbers(3, 96), kind="FullyConnectedOptions")


def parts(net: Any) -> int:
    one, other = net.convolution(net.input, 3), net.convolution(net.input, 5)
    both = net.add("CONCATENATION", (*PLANE, 8), one, other, kind="ConcatenationOptions", axis=3)
    left, right = net.add_several("SPLIT", [(*PLANE, 4)] * 2, net.constant(3), both, kind="SplitOptions", num_splits=2)
    some = net.add("SLICE", (*PLANE, 2), both, net.constant([0, 0, 0, 5]), net.constant([1, 4, 4, 2]))
    start, stop, step = (net.constant(one) for one in ([0, 0, 0, -2], [1, 4, 4, 8], [1, 1, 1, 1]))
    last = net.add("STRIDED_SLICE", (*PLANE, 2), both, start, stop, step, kind="StridedSliceOptions")
    halves = net.add("CONCATENATION", (1, 8, 4, 4), left, right, kind="ConcatenationOptions", axis=1)
    x = net.convolution(halves, 2)
    x = net.add("SLICE", (*PLANE, 2), x, net.constant([0, 2, 0, 0]), net.constant([1, 4, 4, 2]))
    x = net.add("ADD", (*PLANE, 2), x, net.convolution(some, 2))
    return net.convolution(net.add("SUB", (*PLANE, 2), x, net.convolution(last, 2)), 2)


def by_channel(net: Any) -> int:
    x = net.add("MUL", (*PLANE, 4), net.convolution(net.input, 4), net.numbers(4))
    x = net.add("ADD", (*PLANE, 4), x, net.numbers(4, 4, 4), kind="AddOptions", fused_activation_function=1)
    x = net.add("MUL", (*PLANE, 4), net.constant(0.5), x)
    x = net.add("SUB", (*PLANE, 4), net.numbers(1, 1, 4), x)
    x = net.add("MAXIMUM", (*PLANE, 4), x, net.convolution(net.input, 4))
    return net.convolution(net.add("PRELU", (*PLANE, 4), x, net.numbers(1, 1, 4)), 2)


def gate(net: Any) -> int:
    x = net.convolution(net.input, 4)
    mean = net.add("MEAN", (1, 4), x, net.constant([1, 2]), kind="ReducerOptions")
    mean = net.add("FULLY_CONNECTED", (1, 4), mean, net.numbers(4, 4), kind="FullyConnectedOptions")
    mean = net.add("RESHAPE", (1, 1, 1, 4), net.add("LOGISTIC", (1, 4), mean), net.constant([1, 1, 1, 4]))
    x = net.add("SPACE_TO_DEPTH", (1, 2, 2, 16), net.add("MUL", (*PLANE, 4), x, mean), kind="SpaceToDepthOptions", block_size=2)  # fmt: skip
    x = net.add("TRANSPOSE", (1, 2, 2, 16), x, net.constant([0, 2, 1, 3]))
    x = net.add("PAD", (1, 3, 2, 16), x, net.constant([[0, 0], [1, 0], [0, 0], [0, 0]]))
    return net.convolution(x, 2)


# Of each network, how many classes of channels are free.
FREE: dict[str, tuple[Callable[[Any], int], int]] = {
    "layers": (layers, 6 + 12 + 4 + 5 + 6),
    "parts": (parts, 4 + 2),
    "by channel": (by_channel, 4 + 4),
    "gate": (gate, 4),
}


@pytest.mark.parametrize("name", sorted(FREE))
def test_the_answers_stay_whatever_the_factors_are(name: str, network: Any) -> None:
    build, free = FREE[name]
    net = network(*PLANE, 3)
    model = net.file(build(net))
    classes = channel_classes(model)
    assert classes.total - 1 == free
    factors = np.random.default_rng(1).uniform(0.1, 10, classes.total)
    factors[0] = 1
    made = rescaled_channels(model, classes, factors)
    x = np.random.default_rng(2).normal(size=(*PLANE, 3)).astype("float32")
    wanted = answer(model.content, x)
    assert made != model.content and np.abs(answer(made, x) - wanted).max() < 1e-5 * np.abs(wanted).max()


def answer(content: bytes, x: np.ndarray) -> np.ndarray:
    found: Any = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    found.allocate_tensors()
    found.set_tensor(found.get_input_details()[0]["index"], x)
    found.invoke()
    return np.array(found.get_tensor(found.get_output_details()[0]["index"]))


def shared_kernel(net: Any) -> int:
    kernel = net.numbers(3, 1, 1, 3)
    x = net.input
    for _ in range(2):
        x = net.add("CONV_2D", (*PLANE, 3), x, kernel, kind="Conv2DOptions", stride_w=1, stride_h=1)
    return x


FIXED: dict[str, Callable[[Any], int]] = {
    "a bound of six": lambda net: net.convolution(net.convolution(net.input, 4, fused_activation_function=RELU6), 2),
    "a curve": lambda net: net.convolution(net.add("TANH", (*PLANE, 4), net.convolution(net.input, 4)), 2),
    "a number added": lambda net: net.convolution(net.add("ADD", (*PLANE, 4), net.convolution(net.input, 4), net.constant([0.5])), 2),
    "a mean of channels": lambda net: net.add("MEAN", (*PLANE, 1), net.convolution(net.input, 4), net.constant([3]), kind="ReducerOptions", keep_dims=1),
    "the input added": lambda net: net.convolution(net.add("ADD", (*PLANE, 3), net.convolution(net.input, 3), net.input), 2),
    "channels turned round": lambda net: net.convolution(net.add("TRANSPOSE", (1, 4, 4, 4), net.convolution(net.input, 4), net.constant([0, 1, 3, 2])), 2),
    "an axis cut off": lambda net: net.add("STRIDED_SLICE", PLANE, net.convolution(net.input, 4), *(net.constant(one) for one in ([0, 0, 0, 0], [1, 4, 4, 1], [1, 1, 1, 1])), kind="StridedSliceOptions", shrink_axis_mask=8),
    "a kernel of two layers": shared_kernel,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_has_to_keep_its_values_has_no_factor(name: str, network: Any) -> None:
    net = network(*PLANE, 3)
    x = FIXED[name](net)
    classes = channel_classes(net.file(x))
    assert classes.total == 1 and classes.of == {}


def test_a_value_that_nothing_makes_has_no_classes(network: Any) -> None:
    net = network(*PLANE, 3)
    left = net.unmade(4)
    x = net.convolution(net.input, 4)
    assert [*channel_classes(net.file(net.convolution(x, 2))).of] == [x] and left != x


def test_zeros_stay_zeros_and_a_file_whose_factors_are_one_stays(network: Any) -> None:
    net = network(*PLANE, 3)
    model = net.file(layers(net))
    classes = channel_classes(model)
    assert rescaled_channels(model, classes, np.ones(classes.total)) == model.content
    sparse = {one.index: np.where(one.array > 0, one.array, 0).astype("float32") for one in kernels(model)}
    pruned = parse_tflite(patched(model.content, model, sparse), where="pruned")
    made = parse_tflite(rescaled_channels(pruned, classes, np.linspace(0.1, 10, classes.total)), where="made")
    for before, after in zip(kernels(pruned), kernels(made), strict=True):
        assert ((before.array == 0) == (after.array == 0)).all()


def test_components_are_those_of_a_search_from_each_number() -> None:
    random, count = np.random.default_rng(0), 200
    for edges in (0, 60, 150, 400):
        one, other = random.integers(0, count, (2, edges), dtype=np.int32)
        beside = {number: {number} for number in range(count)}
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            joined = beside[a] | beside[b]
            beside.update(dict.fromkeys(joined, joined))
        assert components(count, one, other).tolist() == [min(beside[number]) for number in range(count)]


def test_a_long_chain_in_any_order_is_one_component() -> None:
    order = np.random.default_rng(0).permutation(5000).astype(np.int32)
    assert not components(5000, order[1:], order[:-1]).any()
