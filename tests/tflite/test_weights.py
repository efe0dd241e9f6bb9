"""Evidence in the bytes: zeros, distinct values, stored types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import (
    coded_bytes,
    distinct_values,
    entropy_bits,
    kernels,
    model_sparsity,
    sparsity,
    weights,
    zero_weights,
)

GOLDEN = Path(__file__).parent.parent / "golden"
SHAPES = [(4, 3, 3, 1), (1, 3, 3, 4), (8, 6 * 6 * 4), (3, 8)]
DEPTHWISE = 1
PRUNED = (3 * 3 * 4, 6 * 6 * 4 * 8, 3 * 8)  # TFMOT leaves the depthwise kernel alone
SPARSITY = 0.75
CLUSTERS = 4


def golden(name: str) -> TfliteModel:
    return read_tflite(GOLDEN / f"{name}.tflite")


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("float32", ["float32"] * 4),
        ("float16", ["float16"] * 4),
        ("dynamic_range", ["float32", "float32", "int8", "float32"]),  # below 1,024 elements it stays float
        ("int8", ["int8"] * 4),
        ("int16x8", ["int8"] * 4),
        ("quantization_aware_int8", ["int8"] * 4),
    ],
)
def test_kernels_are_found_with_shape_type_and_channel_axis(name: str, types: list[str]) -> None:
    found = kernels(golden(name))
    assert [kernel.array.shape for kernel in found] == SHAPES
    assert [kernel.dtype for kernel in found] == types
    assert [str(kernel.array.dtype) for kernel in found] == types
    assert [kernel.channel_axis for kernel in found] == [0, 3, 0, 0]


@pytest.mark.parametrize("name", ["pruned_int8", "pruned_sparse_encoding"])
def test_pruned_kernels_have_their_zeros(name: str) -> None:
    model = golden(name)
    found = [kernel for kernel in kernels(model) if kernel.operator.name != "DEPTHWISE_CONV_2D"]
    assert [kernel.sparsity for kernel in found] == [SPARSITY] * 3
    total = sum(PRUNED) + 3 * 3 * 4
    assert model_sparsity(model) == pytest.approx(SPARSITY * sum(PRUNED) / total, abs=0.001)


def test_sparse_encoding_stands_for_the_same_weights_as_the_dense_one() -> None:
    """The same pruned network twice: what int8 rounds, times its scale, is the float weight within half a step."""
    dense, encoded = golden("pruned_int8"), golden("pruned_sparse_encoding")
    for one, other in zip(kernels(dense), kernels(encoded), strict=True):
        scales = np.array(dense.tensors[one.index].scales, np.float32)
        shape = [1] * one.array.ndim
        shape[one.channel_axis] = len(scales)
        scales = scales.reshape(shape)
        assert np.all(np.abs(one.array * scales - other.array) <= 0.501 * scales)


def test_unpruned_kernels_have_next_to_none() -> None:
    assert model_sparsity(golden("float32")) == 0.0
    assert model_sparsity(golden("int8")) < 0.01  # what rounds to zero


def test_clustered_float_kernels_have_their_values() -> None:
    found = kernels(golden("clustered_float32"))
    assert [distinct_values(k.array) for i, k in enumerate(found) if i != DEPTHWISE] == [CLUSTERS] * 3
    assert distinct_values(found[DEPTHWISE].array) == 3 * 3 * 4


def test_clusters_survive_per_channel_scales_within_a_channel() -> None:
    found = kernels(golden("clustered_int8"))
    per_channel = [distinct_values(k.array, k.channel_axis) for i, k in enumerate(found) if i != DEPTHWISE]
    assert max(per_channel) == CLUSTERS
    assert distinct_values(found[0].array) > CLUSTERS  # over channels, each scale makes its own numbers


def test_unclustered_kernels_have_many_values() -> None:
    assert distinct_values(kernels(golden("int8"))[2].array) > 200


def test_recurrent_layer_has_eight_matrices() -> None:
    found = [k for k in kernels(golden("lstm")) if k.operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM"]
    assert [kernel.array.shape for kernel in found] == [(4, 2)] * 4 + [(4, 4)] * 4


def test_kernel_in_the_body_of_a_loop_is_found() -> None:
    (kernel,) = kernels(golden("loop"))
    assert np.array_equal(kernel.array, np.eye(4, dtype=np.float32) * 0.5)
    assert sparsity(kernel.array) == 12 / 16


def test_computed_tensor_has_no_array() -> None:
    model = golden("int8")
    with pytest.raises(ModelError, match="cannot be read as an array"):
        weights(model, model.inputs[0])


@pytest.mark.parametrize(
    ("dtype", "content", "values"),
    [
        ("int4", bytes([0x21, 0xF8, 0x07]), [1, 2, -8, -1, 7]),
        ("uint4", bytes([0x21, 0xF8, 0x07]), [1, 2, 8, 15, 7]),
        ("int2", bytes([0b11_10_01_00, 0b01]), [0, 1, -2, -1, 1]),
        ("bfloat16", bytes([0x80, 0x3F, 0x00, 0xC0]) + bytes(6), [1.0, -2.0, 0.0, 0.0, 0.0]),
    ],
)
def test_narrow_types_are_unpacked(dtype: str, content: bytes, values: list[float]) -> None:
    tensor = Tensor(
        index=0, subgraph=0, name="t", shape=(5,), shape_signature=(5,), dtype=dtype, span=(0, len(content))
    )
    assert tensor.size_bytes == len(content)
    model = TfliteModel(
        path="packed", description="", operators=(), tensors=(tensor,), inputs=(), outputs=(), content=content
    )
    assert weights(model, 0).tolist() == values


def test_zero_is_the_zero_point() -> None:
    assert sparsity(np.array([128, 128, 3, 128], np.uint8), 128) == 0.75


@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_an_array_without_elements_has_no_values(axis) -> None:
    """A file from anywhere may say that a kernel has no channels."""
    assert distinct_values(np.zeros((0, 3, 2), np.float32), axis) == 0


def test_distinct_values_along_an_axis_is_the_largest() -> None:
    array = np.array([[[1, 1], [1, 1]], [[1, 2], [3, 3]]])
    assert distinct_values(array) == 3
    assert distinct_values(array, 0) == 3
    assert distinct_values(array, 1) == 2


def test_zeros_are_counted_over_all_kernels() -> None:
    model = golden("pruned_int8")
    assert zero_weights(model) == round(model_sparsity(model) * sum(kernel.array.size for kernel in kernels(model)))


def test_an_ideal_code_leaves_little_of_repeated_weights_and_never_more_than_the_file() -> None:
    plain, pruned, clustered = (golden(name) for name in ("int8", "pruned_int8", "clustered_int8"))
    weight_bytes = sum(kernel.array.size for kernel in kernels(plain))
    assert coded_bytes(pruned) < coded_bytes(plain) <= plain.size_bytes
    assert coded_bytes(clustered) < coded_bytes(plain)
    assert coded_bytes(pruned) >= pruned.size_bytes - weight_bytes, "what is no weight stays"


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.float32])
def test_the_entropy_of_four_equal_shares_is_two_bits_in_any_type(dtype: type) -> None:
    assert entropy_bits(np.array([1, 2, 3, 4] * 5, dtype)) == pytest.approx(2.0)
    assert entropy_bits(np.array([], dtype)) == 0.0
