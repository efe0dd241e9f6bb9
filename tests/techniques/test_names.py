"""No technique's name stands where techniques are planned, costed, searched, measured or written: they are asked, never named.

Some names are also those of an arithmetic or a dtype (`int8`), which these rooms may well name: such a name is looked for where it
would stand for a technique.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import edgekit
from edgekit.cost.graph import Arithmetic
from edgekit.techniques import techniques

PACKAGE = Path(edgekit.__file__).parent
ROOMS = ("cost", "planner", "search", "measure", "emit")
KINDS_OF_NUMBERS = {*get_args(Arithmetic), "float16"}
STANDS_FOR_A_TECHNIQUE = ("technique", "candidate", "conversion", "steps", ".name", "label")


def named(source: str) -> list[str]:
    """The lines in which a technique is named, each with its number."""
    tree = ast.parse(source)
    lines = source.splitlines()
    found = {*_names(tree), *_compared(tree)}
    return [f"{number}: {lines[number - 1].strip()}" for number in sorted(found)]


def _names(tree: ast.Module) -> Iterator[int]:
    """Texts and identifiers that have a technique's name in them, but for names that are also kinds of numbers."""
    wanted = set(techniques()) - KINDS_OF_NUMBERS
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.alias):
            text = node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            text = node.value
        elif isinstance(node, ast.Name | ast.Attribute):
            text = (node.id if isinstance(node, ast.Name) else node.attr).lower()
        elif isinstance(node, ast.ImportFrom):
            text = (node.module or "").rpartition(".")[2]
        if text in wanted or any(name in text.split("+") for name in wanted):
            yield node.lineno  # type: ignore[attr-defined]


def _compared(tree: ast.Module) -> Iterator[int]:
    """Names that are also kinds of numbers, where they are compared with, looked up by or given as a technique."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            parts = [node.value, node.slice]
        elif isinstance(node, ast.Call):
            parts = [node.func, *node.args, *(word.value for word in node.keywords)]
            given = [word.value for word in node.keywords if word.arg == "technique"]
            if any(isinstance(one, ast.Constant) and one.value in techniques() for one in given):
                yield node.lineno
        constants = [
            one.value
            for part in parts
            for one in (part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part])
            if isinstance(one, ast.Constant)
        ]
        others = [ast.unparse(part) for part in parts if not isinstance(part, ast.Constant)]
        if any(value in techniques() for value in constants if isinstance(value, str)) and any(
            word in text for text in others for word in STANDS_FOR_A_TECHNIQUE
        ):
            yield node.lineno  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", ROOMS)
def test_no_technique_is_named(room):
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if (lines := named(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        'WIDTHS = {"int8_lookup_tables": 1}',
        'CONTROL = "fine_tuning+float32"',
        'if step.technique.name == "int8": pass',
        'usual = technique("float16")',
        'if candidate.conversion.name in ("int8", "float32"): pass',
        'Step(technique="float32")',
        'found = tried_by_technique["dynamic_range"]',
        "from edgekit.techniques import clustering",
        "from edgekit.techniques.pruning import Settings",
        "QUANTIZATION_AWARE = None",
        'zeros = step.settings.get("sparsity") if name == "pruning" else 0',
    ],
)
def test_a_planted_name_is_found(planted):
    assert len(named(f'"""Words may say pruning."""\n\n{planted}\n')) == 1


def test_dtypes_and_words_are_no_techniques():
    text = 'rates = {"int8": 1}\nif node.arithmetic == "int8" or dtype in ("float32", "float16"):\n    x = "zeros by pruning"\n'
    assert named(f'"""Pruning and int8."""\n\n{text}') == []
