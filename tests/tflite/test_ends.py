"""What a file's outputs end in, told by its operators and by the scale that TFLite prescribes for shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.tflite.ends import ends_of
from edgekit.tflite.model import Operator, Tensor, TfliteModel
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"


def tensor(index, shape=(1, 4), dtype="float32", scale=None, zero_point=0):
    return Tensor(
        index=index, subgraph=0, name=f"t{index}", shape=shape, shape_signature=shape, dtype=dtype,
        scales=() if scale is None else (scale,), zero_points=() if scale is None else (zero_point,),
    )  # fmt: skip


def model(operators, tensors, outputs):
    made = tuple(Operator(name=name, version=1, inputs=ins, outputs=outs) for name, ins, outs in operators)
    return TfliteModel(path="", description="", operators=made, tensors=tuple(tensors), inputs=(0,), outputs=outputs)


@pytest.mark.parametrize("name", ["float32", "int8", "int8_float_io", "dynamic_range", "float16"])
def test_a_real_file_ends_in_its_softmax(name):
    assert ends_of(read_tflite(GOLDEN / f"{name}.tflite")) == ("softmax",)


@pytest.mark.parametrize(
    ("operators", "wanted"),
    [
        ([("LOGISTIC", (0,), (1,))], "sigmoid"),
        ([("SOFTMAX", (0,), (2,)), ("RESHAPE", (2, 3), (1,))], "softmax"),
        ([("SOFTMAX", (0,), (4,)), ("RESHAPE", (4, 3), (1,))], "linear"),
        ([("LOGISTIC", (0,), (2,)), ("DEQUANTIZE", (2,), (1,))], "sigmoid"),
        ([("FULLY_CONNECTED", (0,), (1,))], "linear"),
        ([("LOGISTIC", (0,), (2,)), ("LOGISTIC", (0,), (3,)), ("CONCATENATION", (2, 3), (1,))], "sigmoid"),
        ([("LOGISTIC", (0,), (2,)), ("CONV_2D", (0,), (3,)), ("CONCATENATION", (2, 3), (1,))], "linear"),
        ([], "linear"),
    ],
)
def test_by_the_operators(operators, wanted):
    tensors = [tensor(0), tensor(1), tensor(2), tensor(3), tensor(4, (1, 2, 2))]
    assert ends_of(model(operators, tensors, (1,))) == (wanted,)


def test_by_the_scale_where_the_operator_is_not_known():
    custom = [("CUSTOM", (0,), (1,))]
    for dtype, scale, zero_point in (("int8", 1 / 256, -128), ("uint8", 1 / 256, 0), ("int16", 1 / 32768, 0)):
        assert ends_of(model(custom, [tensor(0), tensor(1, (1, 4), dtype, scale, zero_point)], (1,))) == ("softmax",)
        assert ends_of(model(custom, [tensor(0), tensor(1, (1, 1), dtype, scale, zero_point)], (1,))) == ("sigmoid",)
    assert ends_of(model(custom, [tensor(0), tensor(1, (1, 4), "int8", 0.1, -128)], (1,))) == ("linear",)


def test_a_circle_in_a_damaged_file_ends():
    circle = model(
        [("RESHAPE", (1,), (1,)), ("CONCATENATION", (1, 2), (2,))], [tensor(0), tensor(1), tensor(2)], (1, 2)
    )
    assert ends_of(circle) == ("linear", "linear")


def test_a_part_that_is_joined_twice_is_known_the_second_time():
    joined = [("LOGISTIC", (0,), (1,)), ("CONCATENATION", (1, 1), (2,)), ("CONCATENATION", (2, 1), (3,))]
    assert ends_of(model(joined, [tensor(index) for index in range(4)], (3,))) == ("sigmoid",)
