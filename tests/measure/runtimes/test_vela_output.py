"""Vela's tables as text: names with commas and line ends, tables of another version, rows put together by operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.measure.runtimes.vela_output import _COLUMNS, layer_cycles, read_summary, reasons
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parents[2] / "golden"
SUMMARY = {
    "cycles_total": "4229", "cycles_npu": "2818", "sram_memory_used": "0.40625", "dram_memory_used": "0.0",
    "on_chip_flash_memory_used": "0.0", "off_chip_flash_memory_used": "2.875", "total_original_weights": "1280",
    "total_npu_encoded_weights": "1584", "network": "model",
}  # fmt: skip


def table(*rows: str) -> str:
    return "\n".join([",".join(_COLUMNS), *rows])


def row(name: str, cycles: int, *, target: str = "NPU", original: str = "Conv2D") -> str:
    return f"{original},Conv2D,{target},16,1.5,{cycles},2.5,{cycles},3,0,0,7,11,1.0,1.0,{name}"


def summary(**changed: str | None) -> str:
    cells = {name: value for name, value in {**SUMMARY, **changed}.items() if value is not None}
    return f"{','.join(cells)}\n{','.join(cells.values())}\n"


def test_memory_is_given_in_kib():
    found = read_summary(summary())
    assert (found.sram_bytes, found.flash_bytes, found.dram_bytes) == (416, 2944, 0)
    assert (found.cycles, found.weight_bytes, found.encoded_bytes) == (4229, 1280, 1584)


@pytest.mark.parametrize(
    "text", ["", "a,b\n", summary(cycles_total=None), summary(cycles_npu="nan"), summary(sram_memory_used="much")]
)
def test_another_table_is_none(text):
    assert read_summary(text) is None


def test_steps_up_to_an_operators_output_are_that_operators():
    model = read_tflite(GOLDEN / "int8.tflite")
    first, second = (model.tensors[one.outputs[0]].name for one in model.operators[:2])
    found = layer_cycles(table(row("a_step", 5), row(first, 10), row(first, 1), row(second, 20)), model)
    assert [(one.operator, one.cycles, one.memory_cycles) for one in found] == [
        ("CONV_2D", 5 + 10 + 1, 3 * 7),
        ("DEPTHWISE_CONV_2D", 20, 7),
    ]
    assert [one.name for one in found] == ["convolution", "depthwise"]


def test_names_with_commas_and_rows_that_are_none_are_passed_over():
    model = read_tflite(GOLDEN / "int8.tflite")
    first = model.tensors[model.operators[0].outputs[0]].name
    broken = ["a,b", '",,,', row("left", 99, target="CPU"), row("with,a,comma", 2), row(first, 10)]
    (found,) = layer_cycles(table(*broken), model)
    assert (found.operator, found.cycles) == ("CONV_2D", 12)
    assert layer_cycles("another,table\n1,2\n", model) == () == layer_cycles("", model)


def test_figures_that_no_table_has_count_as_nothing():
    model = read_tflite(GOLDEN / "int8.tflite")
    first = model.tensors[model.operators[0].outputs[0]].name
    (found,) = layer_cycles(table(row(first, 10).replace(",10,", f",{'9' * 5000},", 1)), model)
    assert found.cycles == 0


def test_reasons_are_read_without_the_names_of_tensors_in_them():
    text = (
        "Warning (supported operators) operator: QUANTIZE, ofm: 'tfl.quantize'\n"
        "Reason: Operation has tensor with unsupported DataType Float32 (\x1b[31mimage)\n"
        "Reason: not of any operator\n"
        "Warning (supported operators) operator: COS, ofm: 'x'y'\nReason: Unsupported opType\n"
    )
    assert reasons(text) == {
        "tfl.quantize": "Operation has tensor with unsupported DataType Float32",
        "x'y": "Unsupported opType",
    }
