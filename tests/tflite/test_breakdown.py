"""Where the bytes and the memory of the golden files are, with the arithmetic of tools/make_golden.py's network."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from edgekit.tflite.breakdown import Breakdown, breakdown
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = sorted(GOLDEN.glob("*.tflite"))

IMAGE = 8 * 8 * 1
MAPS = 6 * 6 * 4
HIDDEN, CLASSES = 8, 3
RESHAPE_TARGET_BYTES = 2 * 4


def of(name: str) -> Breakdown:
    return breakdown(read_tflite(GOLDEN / f"{name}.tflite"))


def aligned(size: int) -> int:
    return (size + 15) // 16 * 16


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_rows_sum_to_the_file(path: Path) -> None:
    model = read_tflite(path)
    found = breakdown(model)
    assert [row.name for row in found.operators] == [operator.name for operator in model.operators]
    assert [row.index for row in found.operators] == list(range(len(model.operators)))
    assert found.flash_bytes == path.stat().st_size
    assert sum(row.flash_bytes for row in found.operators) + found.other_bytes == found.flash_bytes
    assert sum(row.flash_bytes for row in found.operators) == model.weight_bytes
    assert sum(row.macs for row in found.operators) == found.macs == model.macs
    assert sum(row.parameters for row in found.operators) == found.parameters == model.parameters
    assert found.peak_bytes == max(row.memory_bytes for row in found.operators)
    assert found.operators[found.peak_operator].memory_bytes == found.peak_bytes


def test_an_operators_flash_is_its_weights_and_bias() -> None:
    assert [row.flash_bytes for row in of("float32").operators] == [
        4 * (3 * 3 * 1 * 4 + 4),
        4 * (3 * 3 * 4 + 4),
        RESHAPE_TARGET_BYTES,
        4 * (MAPS * HIDDEN + HIDDEN),
        4 * (HIDDEN * CLASSES + CLASSES),
        0,
    ]
    assert [row.flash_bytes for row in of("int8").operators] == [
        3 * 3 * 1 * 4 + 4 * 4,
        3 * 3 * 4 + 4 * 4,
        RESHAPE_TARGET_BYTES,
        MAPS * HIDDEN + 4 * HIDDEN,
        HIDDEN * CLASSES + 4 * CLASSES,
        0,
    ]


def test_an_operators_memory_is_what_it_reads_and_writes_in_a_chain() -> None:
    def memory(width: int) -> list[int]:
        sizes = [IMAGE, MAPS, MAPS, MAPS, HIDDEN, CLASSES, CLASSES]
        return [aligned(width * read) + aligned(width * written) for read, written in pairwise(sizes)]

    assert [row.memory_bytes for row in of("int8").operators] == memory(1)
    assert [row.memory_bytes for row in of("int16x8").operators] == memory(2)
    assert [row.memory_bytes for row in of("float32").operators] == memory(4)
    assert (of("int8").peak_bytes, of("int8").peak_operator) == (2 * MAPS, 1)


def test_a_tensor_lives_until_its_last_reader_and_an_output_until_the_end() -> None:
    left, right, product, total = (4 * size for size in (3 * 4, 4 * 2, 3 * 2, 1))
    assert [row.memory_bytes for row in of("two_inputs").operators] == [
        aligned(left) + aligned(right) + aligned(product),
        aligned(product) + aligned(product),  # the reshaped copy
        aligned(product) + aligned(product) + aligned(total),  # the product is an output of the model
    ]
    small, large, target = 4 * 4 * 4 * 2, 4 * 8 * 8 * 3, 4 * 4
    upsampled = of("upsampled").operators[-1]  # it reads the input that SHAPE read before
    assert upsampled.memory_bytes == aligned(small) + aligned(target) + aligned(large)


def test_state_is_held_all_the_time() -> None:
    state, series, steps = 2 * aligned(4 * 4), aligned(4 * 5 * 2), aligned(4 * 5 * 4)
    sliced, output = aligned(4 * 4), aligned(4 * 2)
    memory = [row.memory_bytes for row in of("lstm").operators]
    assert memory == [state + series + steps, state + steps + sliced, state + sliced + output]


def test_packed_weights_count_for_the_layer_that_computes_with_them() -> None:
    rows = [row for row in of("float16").operators if row.name != "DEQUANTIZE"]
    assert rows[0].flash_bytes == 2 * (3 * 3 * 1 * 4 + 4)
    assert rows[0].parameters == 3 * 3 * 1 * 4 + 4
    assert rows[0].input_shapes == ((1, 8, 8, 1),)
    assert {row.flash_bytes for row in of("float16").operators if row.name == "DEQUANTIZE"} == {0}


def test_unpacked_weights_are_held_all_the_time() -> None:
    tensors = (3 * 3 * 1 * 4, 4, 3 * 3 * 4, 4, MAPS * HIDDEN, HIDDEN, HIDDEN * CLASSES, CLASSES)
    unpacked = sum(aligned(4 * size) for size in tensors)
    assert of("float16").operators[-1].memory_bytes == unpacked + 2 * aligned(4 * CLASSES)


def test_the_memory_of_a_loops_body_is_held_beside_the_loops() -> None:
    numbers, one, truth = aligned(4 * 4), aligned(4), aligned(1)
    loop, condition, body = 2 * numbers, max(numbers + one, one + truth), 2 * numbers
    rows = of("loop").operators
    assert rows[0].memory_bytes == rows[3].memory_bytes == loop + condition + body
    assert rows[1].memory_bytes == loop + (numbers + one) + body


def test_labels_are_the_layers_of_the_users_model() -> None:
    assert [row.label for row in of("int8").operators] == [
        "convolution",
        "depthwise",
        "flat",
        "hidden",
        "classes",
        "classes",
    ]
    assert [row.label for row in of("quantization_aware_int8").operators][:2] == ["convolution", "depthwise"]
    fallback = [row.label for row in of("int8_float_fallback").operators]
    assert fallback == ["quantize", "convolution", "dequantize", "cosine", "quantize", "flat", "classes", "classes"]


def test_the_arithmetic_is_the_operators_own() -> None:
    assert [row.dtype for row in of("dynamic_range").operators][3:5] == ["hybrid", "float32"]
    assert {row.dtype for row in of("int16x8").operators} == {"int16x8"}


def test_a_breakdown_loads_no_numpy() -> None:
    code = (
        "import sys; from edgekit.tflite.breakdown import breakdown; from edgekit.tflite.reader import read_tflite;"
        f"breakdown(read_tflite({str(GOLDEN / 'int8.tflite')!r})); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
