"""The code that a model brings into a microcontroller's firmware: the interpreter's, and that of the operators it uses.

    firmware = file + share * (framework + shared + sum over operators (code of the operator))

The bytes in brackets are those of tflite-micro's reference kernels on x86-64, counted in the package's own object code
(`tools/measure_kernels.py`). A Cortex-M's code is denser: tflite-micro publishes its framework as 20,411 B on x86-64
and 9,732 B on a Cortex-M3. An optimized library (CMSIS-NN, ESP-NN) has more kernels for one operator, which the high
end allows for. The C library, the start-up code and the application are not included. The test of this file has the
published points.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from pathlib import Path

from edgekit.documents.candidate import Estimate
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value, read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FILE = Path(__file__).with_name("kernels_tflm.toml")
# Low, usual, high share of the x86-64 bytes. Usual: 9,732 of 20,411 B (tflite-micro pull request 549, TFLM Code Size FAQ);
# low: a build with -Os throughout, as in the 22 KB of a keyword spotter on a Cortex-M3; high: optimized kernels beside
# the reference ones, which stay linked for the types that the library does not support.
SHARE = (0.30, 0.477, 1.1)
PUBLISHED = "https://github.com/tensorflow/tflite-micro/pull/549"
SOURCE = (
    "edgekit.cost.kernels_flash: the file, and {share} of the x86-64 code of tflite_micro {version}'s interpreter and of its {count} "
    f"operators, as a Cortex-M takes of it by {PUBLISHED}; without the C library and the application"
)


class KernelTable(Value):
    """Bytes of x86-64 code: the interpreter's, the code that many operators share, and what each operator adds."""

    version: str
    basis: str
    source: str
    framework: int
    shared: int
    operators: dict[str, int]


@functools.cache
def kernel_table() -> KernelTable:
    """The table beside this file."""
    return read(tomllib.loads(_FILE.read_text(encoding="utf-8")), KernelTable, where=_FILE.name)


def code_bytes(names: Iterable[str]) -> Estimate | None:
    """Bytes of flash for the code of the interpreter and these operators; None where one of them is not known."""
    table, wanted = kernel_table(), sorted(set(names))
    if any(name not in table.operators for name in wanted):
        return None
    total = table.framework + table.shared + sum(table.operators[name] for name in wanted)
    low, usual, high = (round(share * total) for share in SHARE)
    source = SOURCE.format(share=f"{SHARE[1]:.0%}", version=table.version, count=len(wanted))
    return Estimate(value=usual, low=low, high=high, source=source)


def firmware_bytes(model: TfliteModel) -> Estimate | None:
    """Bytes of flash for the file and the code that runs it; None where the code of an operator is not known."""
    code = code_bytes(operator.name for operator in model.operators)
    if code is None:
        return None
    size = model.size_bytes
    return Estimate(value=size + code.value, low=size + code.low, high=size + code.high, source=code.source)
