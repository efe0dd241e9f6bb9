"""The code of the interpreter and of operators in flash, against what others published of it."""

from __future__ import annotations

from pathlib import Path

from edgekit.cost.kernels_flash import code_bytes, firmware_bytes, kernel_table
from edgekit.tflite.operators import load_table
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"
KIB = 1024
MICRO_SPEECH = ("DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX")


def test_every_operator_of_the_runtime_is_in_the_table():
    table = load_table("tflite-micro-2026-10")
    assert set(kernel_table().operators) == {*table.operators, *table.custom}
    assert min(kernel_table().operators.values()) > 200 and kernel_table().framework > 10 * KIB


def test_the_framework_is_that_which_tflite_micro_publishes():
    """9,732 B on a Cortex-M3 in 2021 (TFLM Code Size FAQ); it has grown since: 26.9 KB of x86-64 code for 20.4 KB."""
    found = code_bytes([])
    assert found.low < 9732 < found.high


def test_published_keyword_spotters_lie_in_the_interval():
    """22 KB on a Cortex-M3 (README of 2019), 48 KB of text of micro_speech_test (tensorflow/tensorflow issue 32345)."""
    found = code_bytes(MICRO_SPEECH)
    assert found.low < 22 * KIB < 48 * KIB < found.high


def test_more_operators_take_more_and_each_counts_once():
    less, more = code_bytes(MICRO_SPEECH), code_bytes([*MICRO_SPEECH, *MICRO_SPEECH, "CONV_2D"])
    assert abs(more.value - less.value - 0.477 * kernel_table().operators["CONV_2D"]) <= 1
    assert code_bytes(["CONV_2D"]) == code_bytes(["CONV_2D", "CONV_2D"])


def test_the_firmware_is_the_file_and_the_code():
    model = read_tflite(GOLDEN / "int8.tflite")
    code = code_bytes({operator.name for operator in model.operators})
    found = firmware_bytes(model)
    assert found.value == model.size_bytes + code.value and found.low < found.value < found.high


def test_of_an_unknown_operator_nothing_is_known():
    assert code_bytes(["CONV_2D", "NO_SUCH_OPERATOR"]) is None
