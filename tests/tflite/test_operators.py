"""Operator tables: what the runtimes answered, and what golden files lack on them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgekit.errors import ProfileError
from edgekit.tflite.operators import load_table, table_names, unsupported
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS

GOLDEN = Path(__file__).parent.parent / "golden"
PACKED = GOLDEN / "lookup_tables_int8.tflite"
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


@pytest.mark.parametrize("path", sorted(set(GOLDEN.glob("*.tflite")) - {PACKED}), ids=lambda path: path.stem)
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


def test_unknown_table_suggests_the_nearest() -> None:
    with pytest.raises(ProfileError) as caught:
        load_table("litert-2.4")
    assert caught.value.next_step == "did you mean 'litert-2.3'?"


def test_look_up_tables_are_for_tflite_micro_alone():
    model = read_tflite(PACKED)
    assert unsupported(model, load_table("tflite-micro-2026-10")) == ()
    (refused,) = unsupported(model, load_table("litert-2.3"))
    assert "no custom operator 'TFLM_DECODE'" in refused.reason
