"""Dynamic range written into a float file: the same integers and scales as TensorFlow's converter stores, in a file that LiteRT runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.tflite.flat.tree import Table, read_tree
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.int8_weights import with_int8_weights
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLE = np.random.default_rng(3).random((1, 8, 8, 1), np.float32)
FLOAT = (GOLDEN / "float32.tflite").read_bytes()


def run(content: bytes) -> Any:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    return litert.Interpreter(model_content=content).get_signature_runner()(image=SAMPLE)["classes"]


def test_the_integers_and_the_scales_are_those_of_the_converter():
    found = parse_tflite(with_int8_weights(FLOAT, where="net"), where="made")
    wanted = read_tflite(GOLDEN / "dynamic_range.tflite")
    theirs = {one.name: one for one in kernels(wanted)}
    for kernel in kernels(found):
        other = theirs[kernel.name]
        assert kernel.dtype == other.dtype and np.array_equal(kernel.array, other.array)
        assert found.tensors[kernel.index].scales == wanted.tensors[other.index].scales
    assert [one.dtype for one in kernels(found)].count("int8") == 1, "the kernel of 1,152 weights"
    assert np.array_equal(run(found.content), run(wanted.content))


def test_a_constant_that_something_else_takes_too_stays_in_float():
    def shared(root: Table) -> Table:
        graph = root.tables("subgraphs")[0]
        (kernel,) = [place for place, one in enumerate(graph.tables("tensors")) if one.numbers("shape") == (8, 144)]
        operators = [*graph.tables("operators")]
        operators[2] = operators[2].with_fields(inputs=(kernel, operators[2].numbers("inputs")[1]))
        return root.with_fields(subgraphs=(graph.with_fields(operators=tuple(operators)),))

    content = write_tree(shared(read_tree(FLOAT, "net").root))
    found = parse_tflite(with_int8_weights(content, where="net"), where="made")
    assert {one.dtype for one in kernels(found)} == {"float32"}


@pytest.mark.parametrize(("first", "dtype"), [(b"\0\0\0\0", "int8"), (b"\0\0\xc0\x7f", "float32")])
def test_a_kernel_with_a_weight_that_is_no_number_stays_in_float(first, dtype):
    model = parse_tflite(FLOAT, where="net")
    (hidden,) = [one for one in kernels(model) if one.array.size == 1152]
    start, _ = model.tensors[hidden.index].span
    content = FLOAT[:start] + first + FLOAT[start + 4 :]
    found = parse_tflite(with_int8_weights(content, where="net"), where="made")
    assert {one.dtype for one in kernels(found) if one.array.size == 1152} == {dtype}


def test_an_empty_channel_has_a_scale_that_divides_nothing_by_zero():
    (hidden,) = [one for one in kernels(parse_tflite(FLOAT, where="net")) if one.array.size == 1152]
    start, length = parse_tflite(FLOAT, where="net").tensors[hidden.index].span
    content = bytearray(FLOAT)
    content[start : start + length // 8] = bytes(length // 8)
    found = parse_tflite(with_int8_weights(bytes(content), where="net"), where="made")
    (kernel,) = [one for one in kernels(found) if one.dtype == "int8"]
    assert not kernel.array[0].any() and found.tensors[kernel.index].scales[0] == 1.0
    assert np.isfinite(run(found.content)).all()
