"""Inputs held at values: a name, a type and sizes that the file's inputs have, and one input at least that is left to feed."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import ProjectError
from edgekit.onnx_file.held import holdable, not_held
from edgekit.onnx_file.outline import Outline, Port
from edgekit.onnx_file.tensor import Tensor

PORTS = (
    Port(name="audio", shape=("batch", "samples"), dtype="float32"),
    Port(name="sr", shape=(), dtype="int64"),
    Port(name="mask", shape=("batch", 3), dtype="int8"),
    Port(name="state", shape=(2, "batch", 1), dtype="float32"),
    Port(name="wide", shape=("rows", 3), dtype="int8"),
    Port(name="training", shape=(1,), dtype="bool"),
    Port(name="half", shape=(2, 2), dtype="float16"),
    Port(name="text", shape=(), dtype="string"),
    Port(name="brain", shape=(), dtype="bfloat16"),
    Port(name="any", shape=(), dtype="float32", has_shape=False),
)
OUTLINE = Outline(
    opset=17, producer="", inputs=PORTS, outputs=(), operators={}, tensors=(Tensor(name="gain", bytes=4),)
)


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("sr", 16000, np.int64(16000)),
        ("mask", [[1, 0, 1]], np.array([[1, 0, 1]], np.int8)),
        ("mask", 1, np.ones((1, 3), np.int8)),
        ("state", 0.5, np.full((2, 1, 1), 0.5, np.float32)),
        ("wide", [[1, 1, 1], [0, 0, 0]], np.array([[1, 1, 1], [0, 0, 0]], np.int8)),
        ("training", False, np.array([False])),
        ("half", 1.5, np.full((2, 2), 1.5, np.float32)),
        ("any", [[1], [2]], np.array([[1], [2]], np.float32)),
        ("any", 3, np.float32(3)),
    ],
)
def test_a_value_becomes_the_tensor_that_the_file_declares(name, value, made):
    (found,) = holdable(OUTLINE, {name: value})
    array = found.array()
    assert (array.dtype, array.shape) == (made.dtype, made.shape)
    np.testing.assert_array_equal(array, made)
    assert [port.name for port in not_held(OUTLINE, {name: value})] == [one.name for one in PORTS if one.name != name]


@pytest.mark.parametrize(
    ("name", "value", "what", "allowed", "next_step"),
    [
        ("srr", 1, "no input 'srr'", "audio, sr", "did you mean 'sr'?"),
        ("sr", 16000.0, "cannot be held", "whole numbers from -9223372036854775808", "without a fraction: 16000"),
        ("sr", 0.5, "cannot be held", "whole numbers", "a value of that type"),
        ("sr", True, "cannot be held", "of int64", "as 1 for true"),
        ("mask", [[1, 2, 128]], "cannot be held", "whole numbers from -128 to 127", "a value of that type"),
        ("training", [1], "cannot be held", "true or false", "write true or false"),
        ("half", 1e5, "cannot be held", "65504", "a value of that type"),
        ("text", 1, "cannot be held", "it holds string", "without that input"),
        ("brain", 1.5, "cannot be held", "it holds bfloat16", "with numbers in float32"),
        ("gain", 2.0, "'gain' is a constant of the file", "audio, sr", "the value that the file has"),
        ("sr", [16000], "another shape", "[]: one value", "without brackets: sr = 1"),
        ("mask", [1, 0, 1], "another shape", "[batch, 3] (free: any size)", "or one value alone"),
        ("mask", [[1, 0]], "another shape", "[batch, 3]", "nested lists"),
        ("mask", [[1, 0, 1]] * 2, "the values of 2 samples", "[1, 3]: 'batch' is the batch", "of one sample"),
        ("state", [[[0.0]] * 4] * 2, "the values of 4 samples", "[2, 1, 1]: 'batch'", "of one sample"),
        ("audio", 0, "another shape", "[batch, samples]", "a size of your own where one is free"),
    ],
)  # fmt: skip
def test_another_name_type_or_shape_is_told_with_what_is_allowed(name, value, what, allowed, next_step):
    with pytest.raises(ProjectError, match=what) as caught:
        holdable(OUTLINE, {name: value})
    problem = caught.value
    assert problem.where == f"edgekit.toml: model.held.{name}" and problem.received and problem.exit_code == 2
    assert allowed in str(problem.allowed) and next_step in str(problem.next_step)


def test_what_changes_is_left_to_the_device():
    with pytest.raises(ProjectError, match="nothing is left that a device feeds") as caught:
        holdable(
            OUTLINE,
            {
                "audio": [[0.0]],
                "sr": 1,
                "mask": 1,
                "state": [[[0.0]]] * 2,
                "wide": 1,
                "training": True,
                "half": 1,
                "text": 1,
                "brain": 1,
                "any": 1,
            },
        )
    assert caught.value.received == "audio, sr, mask, state, wide, training, half, text, brain, any"
    assert caught.value.next_step == "take out the one that changes, such as 'audio'"


def test_a_long_value_is_cut_for_a_reader():
    (found,) = holdable(OUTLINE, {"wide": [[1, 0, 1]] * 50})
    assert found.words.startswith("[[1, 0, 1], [") and found.words.endswith("...") and len(found.words) < 80
