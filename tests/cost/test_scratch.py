"""What a board's kernels may need beyond the arena that was taken here, by the libraries' own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.cost.scratch import library_of, margin_bytes
from edgekit.profile import load_profile, profile_ids
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"


def test_the_largest_scratch_counts_and_a_record_for_each():
    """Convolution 4x3x3x1: 4 * 9 B; depthwise 1x3x3x4: MVE's 4 blocks of 124 channels * 9; dense 8 and 3: 4 B an output."""
    model = read_tflite(GOLDEN / "int8.tflite")
    assert margin_bytes(model, "CMSIS-NN") == 4464 + 4 * 32 + 16
    assert margin_bytes(read_tflite(GOLDEN / "float32.tflite"), "CMSIS-NN") == 16, "float kernels have no scratch"


def test_esp_nn_copies_kernel_and_input():
    """Convolution: 16 * 3 * 3 * 4 + (8+3) * (8+3) * 1 + 4 * 4 + 16 * 16 + 32 = 1001, depthwise: 2 * (36 + 9 * 9 * 4) + 64 = 784."""
    assert margin_bytes(read_tflite(GOLDEN / "int8.tflite"), "ESP-NN") == 1008 + 2 * 32 + 16


@pytest.mark.parametrize("device", [one for one in profile_ids() if load_profile(one).kind == "microcontroller"])
def test_every_microcontroller_has_a_library(device):
    assert library_of(load_profile(device)) == ("ESP-NN" if device.startswith("esp32") else "CMSIS-NN")
