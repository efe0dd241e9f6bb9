"""Operator tables: what the runtimes answered, and what golden files lack on them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgekit.errors import ProfileError
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.operators import load_table, table_names, unsupported
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS

GOLDEN = Path(__file__).parent.parent / "golden"
PACKED, CODED = GOLDEN / "lookup_tables_int8.tflite", GOLDEN / "coded_int8.tflite"
TABLES = ("litert-2.3", "tflite-micro-2026-10", "tflite-runtime-2.14")


def test_tables_are_the_files_of_the_folder() -> None:
    assert table_names() == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_tables_know_only_operators_of_the_schema(name: str) -> None:
    table = load_table(name)
    assert set(table.operators) <= set(BUILTIN_OPERATORS)
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= set(table.operators)
    assert table.basis == "measured" and table.source
    assert all((version >= 1) == table.versions_checked for version in table.operators.values())
    assert all(1 < first <= table.operators[operator] for operator, first in table.oldest.items())


@pytest.mark.parametrize("path", sorted(set(GOLDEN.glob("*.tflite")) - {PACKED, CODED}), ids=lambda path: path.stem)
def test_litert_takes_every_golden_file(path: Path) -> None:
    assert unsupported(read_tflite(path), load_table("litert-2.3")) == ()


def test_older_runtime_refuses_a_newer_version() -> None:
    (refused,) = unsupported(read_tflite(GOLDEN / "dynamic_range.tflite"), load_table("tflite-runtime-2.14"))
    assert (refused.operator, refused.version) == ("FULLY_CONNECTED", 12)
    assert "not version 12" in refused.reason and "tflite-runtime 2.14.0" in refused.reason


def test_microcontroller_runtime_lacks_the_sparse_encoding() -> None:
    (refused,) = unsupported(read_tflite(GOLDEN / "pruned_sparse_encoding.tflite"), load_table("tflite-micro-2026-10"))
    assert refused.operator == "DENSIFY"


def test_microcontroller_runtime_takes_the_int8_network() -> None:
    assert unsupported(read_tflite(GOLDEN / "int8.tflite"), load_table("tflite-micro-2026-10")) == ()


def test_custom_operator_is_named() -> None:
    model = read_tflite(GOLDEN / "int8.tflite")
    custom = msgspec.structs.replace(model.operators[0], name="FlexErf", custom=True)
    changed = msgspec.structs.replace(model, operators=(custom, *model.operators[1:]))
    (refused,) = unsupported(changed, load_table("litert-2.3"))
    assert "custom operator 'FlexErf'" in refused.reason


def retyped(stem: str, old: str, new: str) -> TfliteModel:
    """A golden model with the tensors of one dtype in another."""
    model = read_tflite(GOLDEN / f"{stem}.tflite")
    tensors = [msgspec.structs.replace(one, dtype=new) if one.dtype == old else one for one in model.tensors]
    return msgspec.structs.replace(model, tensors=tuple(tensors))


def test_a_table_that_knows_dtypes_names_each_operator_that_is_refused_for_them() -> None:
    refused = unsupported(retyped("int8", "int8", "uint8"), load_table("tflite-micro-2026-10"))
    assert [(one.operator, one.number) for one in refused] == [
        ("CONV_2D", 0), ("DEPTHWISE_CONV_2D", 1), ("FULLY_CONNECTED", 3), ("SOFTMAX", 5),
    ]  # fmt: skip
    assert "uint8 uint8 > uint8" in refused[0].reason and "int8 int8 > int8" in refused[0].reason


def test_float_activations_with_integer_weights_are_refused() -> None:
    (refused,) = unsupported(read_tflite(GOLDEN / "dynamic_range.tflite"), load_table("tflite-micro-2026-10"))
    assert refused.operator == "FULLY_CONNECTED" and "float32 int8 > float32" in refused.reason


def test_dtypes_that_were_not_asked_are_for_the_runtime_to_refuse() -> None:
    assert unsupported(retyped("int8", "int8", "float64"), load_table("tflite-micro-2026-10")) == ()
    assert unsupported(retyped("int8", "int8", "uint8"), load_table("litert-2.3")) == ()


def test_no_combination_is_both_taken_and_refused() -> None:
    table = load_table("tflite-micro-2026-10")
    assert {"CONV_2D", "CAST", "QUANTIZE", "SOFTMAX"} <= set(table.refused)
    assert all(not set(refused) & set(table.dtypes.get(name, ())) for name, refused in table.refused.items())
    assert set(table.refused) | set(table.dtypes) <= set(table.operators)


def test_unknown_table_suggests_the_nearest() -> None:
    with pytest.raises(ProfileError) as caught:
        load_table("litert-2.4")
    assert caught.value.next_step == "did you mean 'litert-2.3'?"


def test_look_up_tables_are_for_tflite_micro_alone():
    model = read_tflite(PACKED)
    assert unsupported(model, load_table("tflite-micro-2026-10")) == ()
    (refused,) = unsupported(model, load_table("litert-2.3"))
    assert "no custom operator 'TFLM_DECODE'" in refused.reason


def test_tflite_micro_does_not_widen_weights_of_float16():
    (told,) = unsupported(read_tflite(GOLDEN / "float16.tflite"), load_table("tflite-micro-2026-10"))
    assert told.operator == "DEQUANTIZE" and "does not take float16 > float32" in told.reason
