"""The schema's numbers against the bindings that LiteRT ships."""

from __future__ import annotations

import pytest

from edgekit.tflite.schema import BUILTIN_OPERATORS, TENSOR_TYPES


def test_operator_codes_are_those_of_the_bindings() -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    assert [names[code] for code in range(len(BUILTIN_OPERATORS))] == list(BUILTIN_OPERATORS)


def test_tensor_types_are_those_of_the_bindings() -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    names = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    assert [names[code] for code in range(len(TENSOR_TYPES))] == list(TENSOR_TYPES)
