"""Vela's tables and messages as values.

Tensor names stand in them as they are in the file, even with commas, quotes and line ends: so a line of the table is
split only at its first commas, and lines that do not belong to the table are skipped. Nothing here runs anything.
"""

from __future__ import annotations

import csv
import io
import math
import re

from edgekit.documents.compiled import LayerCycles
from edgekit.tflite.labels import labels, printable
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

_WARNING = re.compile(r"^Warning \(supported operators\) operator: (\w+), ofm: '(.*)'$")
_REASON = "Reason: "
_SAID = 120
_DIGITS = 16
_COLUMNS = (
    "Original Operator", "NNG Operator", "Target", "Staging Usage", "Peak% (Staging)", "Op Cycles", "Network% (cycles)",
    "NPU", "SRAM AC", "DRAM AC", "OnFlash AC", "OffFlash AC", "MAC Count", "Network% (MAC)", "Util% (MAC)", "Name",
)  # fmt: skip
_CYCLES, _NPU, _SRAM, _MEMORY, _MACS = 5, 7, 8, (9, 10, 11), 12


class Summary(Value):
    """The figures of a whole network: cycles of an inference, bytes by memory, weights before and after encoding."""

    cycles: int
    npu_cycles: int
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    weight_bytes: int
    encoded_bytes: int


def read_summary(text: str) -> Summary | None:
    """The summary's one row; None if a column is missing or not a number. Vela gives memory in KiB."""
    rows = list(csv.DictReader(io.StringIO(text)))
    try:
        found = {name: float(value) for name, value in rows[-1].items() if _is_number(value)}
        flash = found["off_chip_flash_memory_used"] + found["on_chip_flash_memory_used"]
        return Summary(
            cycles=round(found["cycles_total"]),
            npu_cycles=round(found["cycles_npu"]),
            sram_bytes=round(1024 * found["sram_memory_used"]),
            dram_bytes=round(1024 * found["dram_memory_used"]),
            flash_bytes=round(1024 * flash),
            weight_bytes=round(found["total_original_weights"]),
            encoded_bytes=round(found["total_npu_encoded_weights"]),
        )
    except (IndexError, KeyError, ValueError):
        return None


def layer_cycles(text: str, plain: TfliteModel) -> tuple[LayerCycles, ...]:
    """The table of layers, its rows summed by operator of the plain file; empty if the table has another form.

    Vela splits an operator into several steps (a softmax into thirty), each named after the tensor that it writes: all steps
    up to the one that writes an operator's output belong to that operator.
    """
    lines = text.splitlines()
    if not lines or lines[0].split(",") != list(_COLUMNS):
        return ()
    named = zip(plain.operators, labels(plain), strict=True)
    names = {plain.tensors[index].name: (label, one.name) for one, label in named for index in one.outputs}
    found: list[LayerCycles] = []
    open_rows: list[tuple[str, list[int]]] = []
    closed = ""
    for row in (_row(line) for line in lines[1:]):
        if row is None:
            continue
        original, name, numbers = row
        if not open_rows and found and closed == name:
            found[-1] = _layer(found[-1].name, found[-1].operator, [_numbers(found[-1]), numbers])
            continue
        open_rows.append((original, numbers))
        if name in names:
            found.append(_layer(*names[name], [each for _, each in open_rows]))
            open_rows, closed = [], name
    if open_rows:
        found.append(_layer("", printable(open_rows[-1][0]), [each for _, each in open_rows]))
    return tuple(found)


def reasons(text: str) -> dict[str, str]:
    """Why operators are left to the processor, by the name of the tensor that they write."""
    found: dict[str, str] = {}
    name: str | None = None
    for line in text.splitlines():
        warned = _WARNING.match(line)
        if warned:
            name = warned.group(2)
        elif name is not None and line.startswith(_REASON):
            found.setdefault(name, _said(line.removeprefix(_REASON)))
            name = None
    return found


def _said(text: str) -> str:
    """A reason without the tensor name at its end, which is the file's own text."""
    text = text.partition(" (")[0].strip()[:_SAID]
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _row(line: str) -> tuple[str, str, list[int]] | None:
    """A line of the table: the operator's name, the tensor's, and [cycles, NPU, SRAM, memory, MACs]."""
    cells = line.split(",", len(_COLUMNS) - 1)
    if len(cells) != len(_COLUMNS) or cells[2] != "NPU":
        return None
    at = [int(cell) if cell.isascii() and cell.isdigit() and len(cell) < _DIGITS else 0 for cell in cells[:-1]]
    return cells[0], cells[-1], [at[_CYCLES], at[_NPU], at[_SRAM], sum(at[place] for place in _MEMORY), at[_MACS]]


def _layer(name: str, operator: str, rows: list[list[int]]) -> LayerCycles:
    cycles, npu, sram, memory, macs = (sum(row[place] for row in rows) for place in range(5))
    return LayerCycles(
        name=name, operator=operator, cycles=cycles, npu_cycles=npu, sram_cycles=sram, memory_cycles=memory, macs=macs
    )


def _numbers(layer: LayerCycles) -> list[int]:
    return [layer.cycles, layer.npu_cycles, layer.sram_cycles, layer.memory_cycles, layer.macs]


def _is_number(text: object) -> bool:
    try:
        return math.isfinite(float(str(text)))
    except ValueError:
        return False
