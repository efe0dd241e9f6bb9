"""A test vector as C++ arrays: the model's inputs, and the outputs that must follow.

The values are stored ones (quantized as the model takes them), from the interpreter that stands in for the board here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.documents.test_vector import C_TYPES, TestVector
from edgekit.emit.c_array import one_line

if TYPE_CHECKING:
    import numpy as np

_WIDTH = 110

_HEADER = """\
// A test vector of {count}: {source}. Made by edgekit.
#ifndef EDGEKIT_MODEL_TEST_H_
#define EDGEKIT_MODEL_TEST_H_

#include <stdint.h>

#define EDGEKIT_TEST_SAMPLES {samples}

{declarations}
#endif  // EDGEKIT_MODEL_TEST_H_
"""
_SOURCE = """\
#include "model_test.h"

{definitions}
"""


def vector_header(vector: TestVector) -> str:
    """The text of `model_test.h` (C++)."""
    lines = [f"extern const {_declared(name, array)};" for name, array in vector.arrays()]
    return _HEADER.format(
        count="one sample" if vector.samples == 1 else f"{vector.samples} samples",
        source=one_line(vector.source),
        samples=vector.samples,
        declarations="".join(f"{line}\n" for line in lines),
    )


def vector_source(vector: TestVector) -> str:
    """The text of `model_test.cc`."""
    parts = [f"const {_declared(name, array)} = {{\n{_rows(array)}}};" for name, array in vector.arrays()]
    return _SOURCE.format(definitions="\n\n".join(parts))


def _declared(name: str, array: np.ndarray) -> str:
    return f"{C_TYPES[array.dtype.name]} {name}[EDGEKIT_TEST_SAMPLES][{array.shape[1]}]"


def _rows(array: np.ndarray) -> str:
    return "".join(f"    {{\n{_wrapped([_literal(value) for value in row])}    }},\n" for row in array)


def _wrapped(values: list[str]) -> str:
    lines, line = [], "       "
    for value in values:
        if len(line) + len(value) + 2 > _WIDTH:
            lines.append(line)
            line = "       "
        line += f" {value},"
    return "".join(f"{each}\n" for each in [*lines, line])


def _literal(value: np.generic) -> str:
    """A value as a C++ literal that gives exactly the same bits."""
    import numpy as np

    if isinstance(value, np.floating):
        number = float(value)
        if not np.isfinite(number):
            return "0.0f / 0.0f" if np.isnan(number) else f"{'-' if number < 0 else ''}1.0f / 0.0f"
        return f"{number.hex()}f"
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    return (
        "(-9223372036854775807LL - 1)"
        if int(value) == -(2**63)
        else str(int(value)) + ("LL" if value.itemsize == 8 else "")
    )
