"""The floors of docs/architecture.md, read from the imports: a file imports only from its own floor and those below.

`workshop/` and `runtimes/` share a floor and never see each other; TensorFlow is behind the workshop's door alone.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "edgekit"
FLOORS = {
    0: ("errors", "units"),
    1: (
        "values", "child", "jobs", "report", "candidate", "facts", "artifact", "dataset", "metric_spec", "project",
        "project_file", "userfunction", "profile", "profile_file", "profile_resolve", "host", "tflite",
        "schema", "extras", "lockfile", "liveness", "compiled", "inspection", "health", "installed", "probe", "wording", "comparison",
        "bench_document", "bench_result", "overlay", "documents", "devices",
    ),
    2: ("techniques", "planner", "cost", "metrics", "agreement", "intervals", "match", "ingest", "gate", "gate_verdict", "starter", "verdict", "sanity"),
    3: ("workshop", "runtimes", "bench"),
    4: ("builder", "planning", "opening", "making", "judging", "request", "search", "checker", "conclude", "emit", "cache", "emulating", "bench_arguments", "objects", "pool", "inputs", "trials", "comparer", "inspector", "diagnosis", "lock", "lock_inputs", "lock_keeper", "fleet", "firmware", "turns", "cluster", "devices_file", "benching", "measurements", "reread", "findings", "watching"),
    5: ("cli", "render", "views", "__main__"),
}  # fmt: skip
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names}
APART = {("workshop", "runtimes"), ("runtimes", "workshop"), ("workshop", "bench"), ("bench", "workshop")}
HEAVY = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}
FILES = sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    """The part of the package that a file belongs to: its folder, or its own name at the top."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[tuple[str, ...]]:
    """Every module that a file imports anywhere in it, as its parts; relative imports are resolved."""
    found = set()
    inside = ("edgekit", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = inside[: -node.level] if node.level else ()
            module = base + tuple((node.module or "").split(".") if node.module else ())
            # `from edgekit import units` imports a module; `from edgekit.units import parse_size` does not
            found |= {(*module, alias.name) for alias in node.names} if module == ("edgekit",) else {module}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_nothing_from_a_floor_above_its_own(path):
    mine = part(path)
    if mine == "__init__":
        return  # the lazy names of the API
    assert mine in FLOOR_OF, f"{mine} stands on no floor: give it one in this test and in docs/architecture.md"
    for module in imported(path):
        if module[0] != "edgekit" or len(module) < 2 or module[1] == mine:
            continue
        other = module[1]
        if other.startswith("__") and other != "__main__":
            continue  # the package's own facts, as its version
        assert other in FLOOR_OF, f"{path}: {'.'.join(module)} stands on no floor"
        assert FLOOR_OF[other] <= FLOOR_OF[mine], f"{path}: {mine} is below {other}"
        assert (mine, other) not in APART, f"{path}: {mine} must not see {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_tensorflow_lives_in_the_workshop_and_nowhere_else(path):
    heavy = {module[0] for module in imported(path)} & HEAVY
    assert not heavy or part(path) == "workshop", f"{path} imports {', '.join(sorted(heavy))}"


def test_one_module_alone_finds_another_by_its_name():
    """An import by name runs past the floors: values find their views that way, and nothing else does."""
    found = {path for path in FILES if 'import_module("edgekit' in path.read_text(encoding="utf-8")}
    assert found == {PACKAGE / "documents" / "views.py"}


def test_the_parts_of_the_floors_are_there():
    """A part that is renamed must not leave the floors unguarded."""
    there = {part(path) for path in FILES}
    assert {"errors", "units", "values", "workshop", "runtimes", "cli", "render", "emit"} <= there


def test_the_reader_of_imports_sees_them_all(tmp_path):
    text = (
        "import edgekit.cli\nfrom edgekit import units\nfrom . import files\nfrom ..plan import Plan\n"
        "def f():\n    import tensorflow as tf\n"
    )
    path = PACKAGE / "emit" / "nowhere.py"

    class Fake(type(path)):
        def read_text(self, encoding=None):
            return text

    assert imported(Fake(path)) == {
        ("edgekit", "cli"), ("edgekit", "units"), ("edgekit", "emit"), ("edgekit", "plan"), ("tensorflow",)
    }  # fmt: skip
