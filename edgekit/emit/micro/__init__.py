"""Files for a microcontroller's firmware that go with a model: the array, the operators, a test vector, an example.

Each file of this folder makes the text of one of them; here it is decided which of them a result has. Each build overwrites
them, so a project should copy a file before changing it. The C++ is C++17 without the standard library's allocating parts.
"""

from __future__ import annotations

from edgekit.documents.report import Chosen
from edgekit.documents.test_vector import TestVector
from edgekit.emit.c_array import c_header, c_source
from edgekit.emit.micro.example import example
from edgekit.emit.micro.operators import STATEFUL, operators_header
from edgekit.emit.micro.test_vector import vector_header, vector_source
from edgekit.tflite.model import TfliteModel

__all__ = ["TestVector", "firmware_files"]


def firmware_files(
    model: bytes, parsed: TfliteModel, chosen: Chosen, *, device: str, vector: TestVector | None
) -> dict[str, str]:
    """The texts by file name, `parsed` being what the bytes of `model` say; without a `vector` there is nothing to compare with, and no example."""
    files = {
        "model_data.h": c_header(model, chosen, device=device),
        "model_data.cc": c_source(model),
        "model_operators.h": operators_header(parsed),
    }
    if vector is not None:
        files |= {"model_test.h": vector_header(vector), "model_test.cc": vector_source(vector)}
    if vector is not None and not any(operator.name in STATEFUL for operator in parsed.operators):
        files["model_main.cc"] = example(vector, device=device)
    return files
