"""No technique's name stands where techniques are planned, costed, searched, measured or written: they are asked, never named.

Some names are also those of an arithmetic or a dtype (`int8`), which these rooms may well name: such a name is looked for where it
would stand for a technique. Nor does anything ask whether a technique has an attribute: the interface has a default for each.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import edgekit
from edgekit.cost.graph import Arithmetic
from edgekit.techniques import techniques
from edgekit.techniques.interface import Conversion, Technique, TrainingTechnique

PACKAGE = Path(edgekit.__file__).parent
ROOMS = ("cost", "planner", "search", "measure", "emit")
KINDS_OF_NUMBERS = {*get_args(Arithmetic), "float16"}
STANDS_FOR_A_TECHNIQUE = re.compile(r"technique|candidate|conversion|\bsteps?\b|\.name\b|label|method", re.IGNORECASE)
# These look at what a package offers, and ask every technique in one place.
REGISTRY = ("techniques/__init__.py", "techniques/offered.py", "techniques/guarded.py")


def named(source: str) -> list[str]:
    """The lines in which a technique is named, each with its number."""
    return _lines(source, lambda tree: {*_names(tree), *_modules(tree), *_compared(tree), *_held(tree)})


def probed(source: str) -> list[str]:
    """The lines that ask whether a technique has an attribute, or take one that it may not have."""
    return _lines(source, lambda tree: set(_probes(tree)))


def _lines(source: str, find) -> list[str]:
    lines = source.splitlines()
    return [f"{number}: {lines[number - 1].strip()}" for number in sorted(find(ast.parse(source)))]


def _names(tree: ast.Module) -> Iterator[int]:
    """Identifiers, and texts that are no prose, with a technique's name in them; not the names that are also kinds of numbers."""
    wanted = "|".join(sorted(set(techniques()) - KINDS_OF_NUMBERS, key=len, reverse=True))
    name = re.compile(rf"(?<![a-z0-9])({wanted})(?![a-z0-9])")
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in prose and any(name.search(text) for text in _texts(node)):
            yield node.lineno  # type: ignore[attr-defined]


def _texts(node: ast.AST) -> list[str]:
    """The identifiers of a node in small letters with underscores, and its text where that is no prose: a word, or words that are split."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        text = node.value if isinstance(node.value, str) else node.value.decode("latin1")
        return [text.lower()] * (" " not in text.strip())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
        return [ast.unparse(node.func.value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [part.value for part in (node.left, node.right) if isinstance(part, ast.Constant)]
        return ["".join(parts)] if len(parts) == 2 and all(isinstance(part, str) for part in parts) else []
    fields = ("id", "attr", "arg", "name", "asname", "kwd_attrs", "rest")
    found = [getattr(node, field, None) for field in fields]
    return [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower() for text in found if isinstance(text, str)]


def _modules(tree: ast.Module) -> Iterator[int]:
    """Imports of a technique's file, whatever its name."""
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        if any(
            re.fullmatch(r"(edgekit\.)?techniques\.(\w+)", one) and one.split(".")[-1] in techniques() for one in found
        ):
            yield node.lineno  # type: ignore[attr-defined]


def _compared(tree: ast.Module) -> Iterator[int]:
    """Names that are also kinds of numbers, where they are compared with, looked up by or given as a technique."""
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            parts = [node.value, node.slice]
        elif isinstance(node, ast.Call):
            parts = [node.func, *node.args, *(word.value for word in node.keywords)]
        elif isinstance(node, ast.Match):
            cases = [
                part.value for case in node.cases for part in ast.walk(case.pattern) if isinstance(part, ast.MatchValue)
            ]
            if _stands_for_one(ast.unparse(node.subject)):
                yield from (case.lineno for case in cases if _constants(case))
            continue
        others = [ast.unparse(part) for part in parts if not isinstance(part, ast.Constant)]
        if any(map(_constants, parts)) and any(map(_stands_for_one, others)):
            yield node.lineno  # type: ignore[attr-defined]


def _held(tree: ast.Module) -> Iterator[int]:
    """Names that are also kinds of numbers, where something that stands for a technique has one, is given one or returns one."""
    for node in ast.walk(tree):
        held: list[tuple[str, ast.AST | None]] = []
        if isinstance(node, ast.Assign):
            held = [(ast.unparse(target), node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            held = [(ast.unparse(node.target), node.value)]
        elif isinstance(node, ast.keyword):
            held = [(node.arg or "", node.value)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given, words = node.args.args, node.args.kwonlyargs
            defaults = node.args.defaults
            held = [*zip((one.arg for one in given[len(given) - len(defaults) :]), defaults, strict=True)]
            held += zip((one.arg for one in words), node.args.kw_defaults, strict=True)
            held += [(node.name, one.value) for one in ast.walk(node) if isinstance(one, ast.Return)]
        yield from (
            value.lineno for name, value in held if value is not None and _stands_for_one(name) and _constants(value)
        )  # type: ignore[attr-defined]


def _stands_for_one(text: str) -> bool:
    return STANDS_FOR_A_TECHNIQUE.search(text) is not None


def _constants(node: ast.AST) -> list[str]:
    """The names of techniques that a constant is, that a tuple, list, set or dict holds, or that parts of a candidate's name are."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [name for part in node.elts for name in _constants(part)]
    if isinstance(node, ast.Dict):
        return [name for part in (*node.keys, *node.values) if part is not None for name in _constants(part)]
    if isinstance(node, ast.JoinedStr):
        return [name for part in node.values for name in _constants(part)]
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return [name for name in text.split("+") if name in techniques()]


def _probes(tree: ast.Module) -> Iterator[int]:
    """`getattr`, `hasattr`, `vars` and `__dict__` of a technique."""
    attributes = {
        name for kind in (Technique, TrainingTechnique, Conversion) for name in {*vars(kind), *kind.__annotations__}
    }
    own = {name for name in attributes if not name.startswith("_")} - {"name", "kind", "scope", "label"}
    method = re.compile(r"\b(technique|method|conversion|training|steps?)\b")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "__dict__" and method.search(ast.unparse(node.value)):
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "getattr",
            "hasattr",
            "vars",
            "operator.attrgetter",
            "attrgetter",
        ):
            asked = {one.value for one in node.args if isinstance(one, ast.Constant)}
            if asked & own or (node.args and method.search(ast.unparse(node.args[0]))):
                yield node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_no_technique_is_named(room):
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if (lines := named(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_no_technique_is_asked_whether_it_has_an_attribute():
    found = {
        name: lines
        for path in sorted(PACKAGE.rglob("*.py"))
        if (name := str(path.relative_to(PACKAGE))) not in REGISTRY
        if (lines := probed(path.read_text(encoding="utf-8")))
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
        'name = f"pruning_{percent}"',
        'name = f"{before}+clustering_{count}"',
        'if label.startswith("pruning_"): pass',
        'kind = "Pruning".lower()',
        'known = b"pruning"',
        'names = "fine_tuning,float32"',
        'names = "pruning clustering".split()',
        'name = "prun" + "ing"',
        'pattern = re.compile("pruning_[0-9]+")',
        "def after_pruning(model): pass",
        "class Clustering: pass",
        "def f(pruning): pass",
        "f(pruning=1)",
        "from edgekit.techniques.int8 import Int8",
        "import edgekit.techniques.int8 as usual",
        "from edgekit.techniques import float16",
        "from ..techniques import clustering as other",
        'BY_TECHNIQUE = {"int8": 1, "float16": 2}',
        'CONVERSIONS = ["int8", "float16"]',
        'conversion: str = "int8"',
        'def f(*, conversion="int8"): pass',
        'def usual_conversion(): return "int8"',
        'f(step="int8")',
        'name = f"{candidate}+int8" if candidate.name == f"{part}+int8" else ""',
    ],
)
def test_a_planted_name_is_found(planted):
    assert len(named(f'"""Words may say pruning."""\n\n{planted}\n')) == 1


@pytest.mark.parametrize(
    "planted",
    [
        'match step.technique.name:\n    case "int8" | "float16":\n        pass',
        'match name:\n    case "pruning":\n        pass',
    ],
)
def test_a_name_in_a_match_is_found(planted):
    assert [line.split()[1] for line in named(planted)] == ["case"]


def test_dtypes_and_words_are_no_techniques():
    text = 'rates = {"int8": 1}\nif node.arithmetic == "int8" or dtype in ("float32", "float16"):\n    x = "zeros by pruning"\n'
    text += 'match node.arithmetic:\n    case "int8":\n        y = f"{x} by pruning"\ndef dtype(io="float32"): return "int8"\n'
    assert named(f'"""Pruning and int8."""\n\n{text}') == []


@pytest.mark.parametrize(
    "planted",
    [
        'getattr(technique, "strength", None)',
        'if hasattr(step.technique, "keeps"): pass',
        'getattr(found, "place_in_chain", 0)',
        'places = [getattr(one, "calibrated", False) for one in found]',
        "vars(method)",
        "type(step.technique).__dict__",
        'operator.attrgetter("after_training")',
    ],
)
def test_a_planted_question_is_found(planted):
    assert len(probed(planted)) == 1


def test_other_attributes_may_be_asked_for():
    assert probed('getattr(layer, "activation", None)\ngetattr(node, name)\nhasattr(answer, "save")\nvars(model)') == []
