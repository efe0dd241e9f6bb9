"""The golden files, read: exact facts with their arithmetic, as tools/make_golden.py builds the network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"

WEIGHTS = 3 * 3 * 1 * 4 + 3 * 3 * 4 + 6 * 6 * 4 * 8 + 8 * 3
BIASES = 4 + 4 + 8 + 3
MACS = 6 * 6 * 4 * (3 * 3 * 1) + 6 * 6 * 4 * (3 * 3) + 6 * 6 * 4 * 8 + 8 * 3
LAYERS = ["CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX"]
RESHAPE_TARGET_BYTES = 2 * 4
NETWORKS = ["float32", "float16", "dynamic_range", "int8", "int8_float_io", "int16x8", "pruned_int8",
            "pruned_sparse_encoding", "clustered_float32", "clustered_int8", "quantization_aware_int8"]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_every_form_of_the_network_has_its_parameters_and_macs(name: str) -> None:
    model = read_tflite(GOLDEN / f"{name}.tflite")
    assert model.parameters == WEIGHTS + BIASES
    assert model.macs == MACS


@pytest.mark.parametrize("name", ["float32", "int8", "int16x8", "dynamic_range"])
def test_operators_stand_in_order_of_execution(name: str) -> None:
    assert [operator.name for operator in read_tflite(GOLDEN / f"{name}.tflite").operators] == LAYERS


def test_each_operator_has_its_own_macs() -> None:
    by_operator = [operator.macs for operator in read_tflite(GOLDEN / "int8.tflite").operators]
    assert by_operator == [6 * 6 * 4 * 3 * 3 * 1, 6 * 6 * 4 * 3 * 3, 0, 6 * 6 * 4 * 8, 8 * 3, 0]


def test_float_file_stores_four_bytes_a_weight() -> None:
    model = read_tflite(GOLDEN / "float32.tflite")
    assert model.weight_bytes == 4 * (WEIGHTS + BIASES) + RESHAPE_TARGET_BYTES
    assert model.size_bytes == (GOLDEN / "float32.tflite").stat().st_size


def test_int8_file_stores_one_byte_a_weight_and_four_a_bias() -> None:
    assert read_tflite(GOLDEN / "int8.tflite").weight_bytes == WEIGHTS + 4 * BIASES + RESHAPE_TARGET_BYTES


def test_int16x8_biases_are_64_bit() -> None:
    assert read_tflite(GOLDEN / "int16x8.tflite").weight_bytes == WEIGHTS + 8 * BIASES + RESHAPE_TARGET_BYTES


def test_float16_file_stores_two_bytes_a_weight() -> None:
    assert read_tflite(GOLDEN / "float16.tflite").weight_bytes == 2 * (WEIGHTS + BIASES) + RESHAPE_TARGET_BYTES


def test_activations_are_the_tensors_between_operators() -> None:
    elements = 8 * 8 * 1 + 6 * 6 * 4 + 6 * 6 * 4 + 6 * 6 * 4 + 8 + 3 + 3
    assert read_tflite(GOLDEN / "int8.tflite").activation_bytes == elements
    assert read_tflite(GOLDEN / "int16x8.tflite").activation_bytes == 2 * elements
    assert read_tflite(GOLDEN / "float32.tflite").activation_bytes == 4 * elements


def test_inputs_and_outputs_carry_their_quantization() -> None:
    model = read_tflite(GOLDEN / "int8.tflite")
    (image,), (classes,) = model.input_tensors, model.output_tensors
    assert (image.shape, image.shape_signature, image.dtype) == ((1, 8, 8, 1), (-1, 8, 8, 1), "int8")
    assert image.scale == pytest.approx(1 / 255, rel=0.01)  # images from 0 to 1
    assert image.zero_point == -128
    assert (classes.shape, classes.dtype, classes.scale, classes.zero_point) == ((1, 3), "int8", 1 / 256, -128)


def test_float_inputs_have_no_quantization() -> None:
    (image,) = read_tflite(GOLDEN / "int8_float_io.tflite").input_tensors
    assert (image.dtype, image.scale, image.zero_point) == ("float32", None, None)


def test_per_channel_scales_lie_along_the_output_channels() -> None:
    model = read_tflite(GOLDEN / "int8.tflite")
    convolution, depthwise = (model.tensors[operator.inputs[1]] for operator in model.operators[:2])
    assert (convolution.shape, convolution.quantized_dimension, len(convolution.scales)) == ((4, 3, 3, 1), 0, 4)
    assert (depthwise.shape, depthwise.quantized_dimension, len(depthwise.scales)) == ((1, 3, 3, 4), 3, 4)
    assert convolution.scale is None
    assert convolution.zero_points == (0, 0, 0, 0)


def test_user_names_come_from_the_signature() -> None:
    model = read_tflite(GOLDEN / "two_inputs.tflite")
    assert [model.name_of(index) for index in model.inputs] == ["left", "right"]
    assert sorted(model.name_of(index) for index in model.outputs) == ["product", "total"]


def test_product_of_two_activations_counts() -> None:
    model = read_tflite(GOLDEN / "two_inputs.tflite")
    assert model.macs == 3 * 4 * 2 + 3 * 2 * 1
    assert model.parameters == 3 * 2 * 1


def test_transposed_convolution_counts_its_input() -> None:
    model = read_tflite(GOLDEN / "upsampled.tflite")
    assert model.macs == 4 * 4 * 2 * (2 * 2 * 3)
    assert model.parameters == 2 * 2 * 2 * 3


def test_recurrent_layer_multiplies_all_its_matrices_each_step() -> None:
    model = read_tflite(GOLDEN / "lstm.tflite")
    assert model.macs == 5 * 4 * (2 * 4 + 4 * 4) + 4 * 2
    assert model.input_tensors[0].shape_signature == (1, 5, 2)  # no free dimension: it cannot be resized
    assert sum(tensor.variable for tensor in model.tensors) == 2  # hidden and cell state


def test_body_of_a_loop_is_a_subgraph_and_counts_once() -> None:
    model = read_tflite(GOLDEN / "loop.tflite")
    assert model.subgraphs == 3
    assert model.operators[0].name == "WHILE"
    assert model.macs == 4 * 4
    assert [tensor.index for tensor in model.tensors] == list(range(len(model.tensors)))


def test_missing_file_is_named() -> None:
    with pytest.raises(ModelError) as caught:
        read_tflite(GOLDEN / "none.tflite")
    assert "none.tflite" in str(caught.value.where)


def test_other_kind_of_file_is_told_what_it_begins_with(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError) as caught:
        read_tflite(tmp_path / "model.tflite")
    assert caught.value.what == "not a .tflite file"
    assert "HDF" in str(caught.value.received)
    assert caught.value.next_step


def test_reading_needs_no_numpy_and_no_interpreter() -> None:
    script = (
        "import sys; from edgekit.tflite.reader import read_tflite; "
        f"read_tflite({str(GOLDEN / 'int8.tflite')!r}); "
        "print([name for name in ('numpy', 'flatbuffers', 'ai_edge_litert', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
