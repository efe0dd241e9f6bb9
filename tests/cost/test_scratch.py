"""What a board's kernels may need beyond the arena that was taken here, by the libraries' own rules."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgekit.cost.scratch import library_of, margin_bytes
from edgekit.devices.bundled import profile_ids
from edgekit.devices.profile import load_profile
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"


def test_the_largest_scratch_counts_and_a_record_for_each():
    """Convolution 4x3x3x1: 4 * 9 B; depthwise 1x3x3x4: MVE's 4 blocks of 124 channels * 9; dense 8 and 3: 4 B an output."""
    model = read_tflite(GOLDEN / "int8.tflite")
    assert margin_bytes(model, "CMSIS-NN") == 4464 + 4 * 32 + 16
    assert margin_bytes(read_tflite(GOLDEN / "float32.tflite"), "CMSIS-NN") == 16, "float kernels have no scratch"


def test_esp_nn_copies_kernel_and_input():
    """Convolution: 16 * 3 * 3 * 4 + (8+3) * (8+3) * 1 + 4 * 4 + 16 * 16 + 32 = 1001, depthwise: 2 * (36 + 9 * 9 * 4) + 64 = 784,
    softmax: 4 B for each of 3."""
    assert margin_bytes(read_tflite(GOLDEN / "int8.tflite"), "ESP-NN") == 1008 + 3 * 32 + 16


def test_operators_without_a_kernel_ask_for_scratch_too():
    """Average pooling of 8x8x4 with CMSIS-NN: a sum of 4 B for each of 4 channels, in the place of the convolution's scratch."""
    model = read_tflite(GOLDEN / "int8.tflite")
    convolution = next(operator for operator in model.operators if operator.name == "CONV_2D")
    tensor = model.tensors[convolution.outputs[0]]
    pooling = msgspec.structs.replace(convolution, name="AVERAGE_POOL_2D", inputs=(tensor.index,))
    alone = msgspec.structs.replace(model, operators=(pooling,))
    assert tensor.shape[-1] == 4
    assert margin_bytes(alone, "CMSIS-NN") == 4 * 4 + 32 + 16
    assert margin_bytes(alone, "ESP-NN") == 16, "its pooling has none"


@pytest.mark.parametrize("device", [one for one in profile_ids() if load_profile(one).kind == "microcontroller"])
def test_every_microcontroller_has_a_library(device):
    assert library_of(load_profile(device)) == ("ESP-NN" if device.startswith("esp32") else "CMSIS-NN")
