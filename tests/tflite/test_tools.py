"""The tools that made the tables and the golden files still make them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edgekit.tflite.operators import load_table
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def probe(name: str = "probe_operators") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["FULLY_CONNECTED", "BROADCAST_TO", "STABLEHLO_LOGISTIC"])
def test_litert_answers_as_its_table_says(name: str, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    table, tool = load_table("litert-2.3"), probe()
    if tool.installed(sys.executable, "ai-edge-litert") != table.version:
        pytest.skip("the table was made with another version")
    answered = tool.versions_of_code(sys.executable, "litert", tmp_path, BUILTIN_OPERATORS.index(name))
    expected = range(table.oldest.get(name, 1), table.operators[name] + 1) if name in table.operators else range(0)
    assert answered == list(expected)


@pytest.mark.micro
@pytest.mark.parametrize("name", ["CONV_2D", "DENSIFY"])
def test_tflite_micro_answers_as_its_table_says(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    tool = probe()
    known = tool.knows_used(sys.executable, "tflite-micro", tmp_path, BUILTIN_OPERATORS.index(name))
    assert known == (name in load_table("tflite-micro-2026-10").operators)


@pytest.mark.micro
@pytest.mark.parametrize("name", ["CONV_2D", "SOFTMAX"])
def test_tflite_micro_takes_and_refuses_the_dtypes_of_its_table(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    tool, table = probe("probe_dtypes"), load_table("tflite-micro-2026-10")
    for dtypes in tool.questions()[name][1:4]:
        runs = tool.runs(sys.executable, tool.written(tmp_path / "one.tflite", name, dtypes))
        assert (tool.pattern(name, dtypes) in table.dtypes[name]) == runs
        assert (tool.pattern(name, dtypes) in table.refused[name]) == (not runs)


@pytest.mark.tf
@pytest.mark.slow
def test_golden_files_are_made_again_with_the_same_facts(tmp_path: Path) -> None:
    """Facts and not bytes: initial weights may differ between processors and versions."""
    names = ["float32", "int8", "lstm"]
    tool = str(ROOT / "tools" / "make_golden.py")
    subprocess.run([sys.executable, tool, "--out", str(tmp_path), *names], check=True, capture_output=True)
    for name in names:
        made, kept = (read_tflite(folder / f"{name}.tflite") for folder in (tmp_path, GOLDEN))
        assert [(op.name, op.inputs, op.outputs, op.macs) for op in made.operators] == [
            (op.name, op.inputs, op.outputs, op.macs) for op in kept.operators
        ]
        assert (made.parameters, made.weight_bytes) == (kept.parameters, kept.weight_bytes)
