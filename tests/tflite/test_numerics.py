"""The arithmetic that each golden file asks for, operator by operator."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from edgekit.techniques.integer import whole_integer
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.numerics import arithmetic, casts_of_inputs, dominant_arithmetic, float_operators
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"


def golden(name: str) -> TfliteModel:
    return read_tflite(GOLDEN / f"{name}.tflite")


def by_name(name: str) -> dict[str, str]:
    model = golden(name)
    return {operator.name: kind for operator, kind in zip(model.operators, arithmetic(model), strict=True)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("float32", "float32"),
        ("float16", "float16"),
        ("int8", "int8"),
        ("int8_float_io", "int8"),
        ("int8_float_fallback", "int8"),
        ("int16x8", "int16x8"),
        ("pruned_int8", "int8"),
        ("pruned_sparse_encoding", "float32"),
        ("quantization_aware_int8", "int8"),
        ("lstm", "float32"),
    ],
)
def test_most_of_the_work_is_of_one_kind(name: str, kind: str) -> None:
    assert dominant_arithmetic(golden(name)) == kind


def test_dynamic_range_is_hybrid_where_weights_are_integers() -> None:
    model = golden("dynamic_range")
    kinds = [kind for operator, kind in zip(model.operators, arithmetic(model), strict=True) if operator.macs]
    assert kinds == ["float32", "float32", "hybrid", "float32"]


def test_fallback_leaves_one_operator_in_float() -> None:
    kinds = by_name("int8_float_fallback")
    assert (kinds["COS"], kinds["CONV_2D"], kinds["FULLY_CONNECTED"]) == ("float32", "int8", "int8")
    assert [operator.name for operator in float_operators(golden("int8_float_fallback"))] == ["COS"]


@pytest.mark.parametrize("name", ["int8", "int8_float_io", "int16x8", "pruned_int8", "quantization_aware_int8"])
def test_integer_files_have_no_float_operator(name: str) -> None:
    assert not float_operators(golden(name))


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "int8_float_fallback", "loop"])
def test_other_files_do(name: str) -> None:
    assert float_operators(golden(name))


@pytest.mark.parametrize(("more", "casts"), [((), 1), (("ABS",), 0)])
def test_a_cast_that_quantizes_an_input_of_bytes(more: tuple[str, ...], casts: int) -> None:
    """A file that takes float32, made to take uint8; an operator inside that takes the float values too makes it another matter."""
    model = golden("int8_float_io")
    (entry,), pixels = model.inputs, len(model.tensors)
    tensor = replace(model.tensors[entry], index=pixels, dtype="uint8", span=None)
    cast = Operator(name="CAST", version=1, inputs=(pixels,), outputs=(entry,))
    inside = tuple(Operator(name=name, version=1, inputs=(entry,), outputs=()) for name in more)
    made = replace(
        model, tensors=(*model.tensors, tensor), inputs=(pixels,), operators=(cast, *model.operators, *inside)
    )
    assert len(casts_of_inputs(made)) == casts and casts_of_inputs(model) == ()
    whole, detail = whole_integer(made)
    assert whole is bool(casts) and ("but the CAST of an input" in detail) is whole
