"""Kernels in the sparse encoding: LiteRT answers to the bit as for the plain file, with its delegate and without."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.densify import with_sparse_kernels
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.flat.tree import read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).parent.parent / "golden"
MAKER = Path(__file__).parent.parent.parent / "tools" / "make_golden.py"
INPUTS = 200

litert = pytest.importorskip("ai_edge_litert.interpreter")


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.tflite").read_bytes()


def parsed(content: bytes) -> TfliteModel:
    return parse_tflite(content, where="a file")


def with_zeros(content: bytes, share: float = 0.9) -> bytes:
    """The file with the smallest weights of each kernel set to zero."""
    model = parsed(content)
    changed = {}
    for kernel in kernels(model):
        cut = np.quantile(abs(kernel.array.astype("float64")), share)
        changed[kernel.index] = np.where(abs(kernel.array) > cut, kernel.array, 0).astype(kernel.array.dtype)
    return patched(content, model, changed)


def answers(content: bytes, *, xnnpack: bool) -> np.ndarray:
    kinds = litert.OpResolverType
    kind = kinds.AUTO if xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    (port,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    generator, found = np.random.default_rng(0), []
    for _ in range(INPUTS):
        plain = generator.random(port["shape"])
        array = plain if port["dtype"] is np.float32 else np.round(plain * 255 - 128)
        interpreter.set_tensor(port["index"], array.astype(port["dtype"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(made["index"]))
    return np.stack(found)


@pytest.mark.parametrize("name", ["float32", "float16", "int8", "int8_float_io", "int8_per_tensor", "pruned_int8"])
def test_the_answers_are_the_same_to_the_bit_and_the_file_is_smaller(name: str) -> None:
    plain = golden(name) if name.startswith("pruned") else with_zeros(golden(name))
    made = with_sparse_kernels(plain, where=name)
    assert made is not None
    assert len(dieted(made, where=name).content) < len(dieted(plain, where=name).content)
    assert any(tensor.sparsity for tensor in parsed(made).tensors)
    for mine, theirs in zip(kernels(parsed(made)), kernels(parsed(plain)), strict=True):
        np.testing.assert_array_equal(mine.array.reshape(theirs.array.shape), theirs.array)
    for xnnpack in (True, False):
        np.testing.assert_array_equal(answers(made, xnnpack=xnnpack), answers(plain, xnnpack=xnnpack))


def test_dense_layers_of_int8_become_convolutions_and_those_of_float_stay() -> None:
    """LiteRT's delegate fails on the ones, and takes the others."""
    small = parsed(with_sparse_kernels(with_zeros(golden("int8")), where="t") or b"")
    names = [operator.name for operator in small.operators]
    assert names == [
        "DENSIFY", "CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "RESHAPE", "CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    assert small.macs == parsed(golden("int8")).macs and small.parameters == parsed(golden("int8")).parameters
    floats = [
        one.name for one in parsed(with_sparse_kernels(with_zeros(golden("float32")), where="t") or b"").operators
    ]
    assert floats.count("FULLY_CONNECTED") == 2 and floats[0] == "DENSIFY"


def test_the_places_count_as_bytes_of_their_operator() -> None:
    """288 values, 288 places and 9 ends of rows; with its 8 biases of 4 bytes."""
    found = breakdown(parsed(golden("sparse_int8")))
    dense = next(row for row in found.operators if row.name == "CONV_2D" and row.parameters == 144 * 8 + 8)
    assert dense.flash_bytes == 288 + 288 + 2 * 9 + 4 * 8
    assert found.flash_bytes == found.other_bytes + sum(row.flash_bytes for row in found.operators)


def test_layers_after_one_another_need_no_reshape_between() -> None:
    """Two dense layers of 64 that both get smaller."""
    plain = two_dense(64)
    made = with_sparse_kernels(plain, where="t")
    assert made is not None
    names = [operator.name for operator in parsed(made).operators]
    assert names == ["DENSIFY", "DENSIFY", "RESHAPE", "CONV_2D", "CONV_2D", "RESHAPE"]
    for xnnpack in (True, False):
        np.testing.assert_array_equal(answers(made, xnnpack=xnnpack), answers(plain, xnnpack=xnnpack))


def test_a_kernel_that_two_layers_share_is_written_out_once() -> None:
    plain = two_dense(64, is_shared=True)
    made = with_sparse_kernels(plain, where="t")
    assert made is not None
    assert [operator.name for operator in parsed(made).operators].count("DENSIFY") == 1
    for xnnpack in (True, False):
        np.testing.assert_array_equal(answers(made, xnnpack=xnnpack), answers(plain, xnnpack=xnnpack))


def test_what_does_not_shrink_stays_and_what_is_sparse_is_not_encoded_again() -> None:
    assert with_sparse_kernels(golden("int8"), where="t") is None
    assert with_sparse_kernels(golden("sparse_int8"), where="t") is None
    assert with_sparse_kernels(golden("pruned_sparse_encoding"), where="t") is None


def test_a_dense_layer_of_int8_without_a_bias_stays() -> None:
    """An int8 convolution must have one."""
    assert with_sparse_kernels(two_dense(64, has_bias=False), where="t") is None


@pytest.mark.tf
def test_the_golden_file_is_what_the_encoder_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, MAKER, "sparse_int8", "--out", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "sparse_int8.tflite").read_bytes() == golden("sparse_int8")


def two_dense(width: int, *, is_shared: bool = False, has_bias: bool = True) -> bytes:
    """An int8 file of two dense layers, nine tenths of whose weights are zero, from a golden one's own tables."""
    tree = read_tree(golden("int8"), "int8")
    graph, root = tree.root.tables("subgraphs")[0], tree.root
    dense = next(one for one in graph.tables("operators") if name_of(root, one) == "FULLY_CONNECTED")
    generator = np.random.default_rng(1)
    buffers: list[Any] = [table("Buffer")]
    tensors: list[Any] = []

    def tensor(shape: tuple[int, ...], kind: int, scale: float, data: bytes | None = None) -> int:
        scales = {"scale": np.float32(scale).tobytes(), "zero_point": (0,)}
        if data is not None:
            buffers.append(table("Buffer", data=data))
        tensors.append(
            table(
                "Tensor", shape=shape, type=kind, buffer=len(buffers) - 1 if data is not None else 0,
                name=f"t{len(tensors)}", quantization=table("QuantizationParameters", **scales),
            )
        )  # fmt: skip
        return len(tensors) - 1

    int8, int32 = 9, 2
    values = [tensor((1, width), int8, 0.1) for _ in range(3)]
    operators, kernel = [], -1
    for given, made in itertools.pairwise(values):
        if kernel < 0 or not is_shared:
            weights = generator.integers(-127, 128, (width, width)) * (generator.random((width, width)) > 0.9)
            kernel = tensor((width, width), int8, 0.02, weights.astype("int8").tobytes())
        bias = tensor((width,), int32, 0.002, generator.integers(-500, 500, width).astype("int32").tobytes())
        operators.append(
            dense.with_fields(opcode_index=0, inputs=(given, kernel, bias if has_bias else -1), outputs=(made,))
        )
    code = root.tables("operator_codes")[dense.number("opcode_index")]
    main = table(
        "SubGraph", tensors=tuple(tensors), inputs=(values[0],), outputs=(values[-1],), operators=tuple(operators)
    )
    return write_tree(table("Model", version=3, operator_codes=(code,), subgraphs=(main,), buffers=tuple(buffers)))


def name_of(root: Any, operator: Any) -> str:
    code = root.tables("operator_codes")[operator.number("opcode_index")]
    return BUILTIN_OPERATORS[max(code.number("builtin_code"), code.number("deprecated_builtin_code"))]
