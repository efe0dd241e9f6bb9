"""The walls of docs/architecture.md, read from the imports of every module, wherever in the module they stand.

The folders are the floors, in one list: nothing imports a floor above its own. No modules import each other in a circle,
of any length. `make` and `measure` never see each other. TensorFlow is behind one door, PyTorch behind another. Nothing inside imports the
package's own face. What lays out (`emit`, `cli/render`, `views`) imports nothing that computes. Each rule is held
against a planted violation too.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "edgekit"
FACE = "edgekit"
# From the ground up. A name is a folder of the package, or a module at its top.
FLOORS = (
    "errors", "version", "units", "values", "progress", "interrupts", "files", "paths", "first_bytes", "toml_text",
    "onnx_file", "torch_file", "tflite", "documents", "machine", "devices", "verdict", "jobs", "project", "pytorch", "ingest", "sanity", "cost", "keras_graph", "onnx_graph", "passes", "techniques", "planner",
    "boards", "make", "measure", "emit", "watching", "findings", "search", "diff", "api", "cli", "views", "__main__",
)  # fmt: skip
APART = (("make", "measure"), ("make", "boards"))
HEAVY = frozenset({"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"})
DOOR = "edgekit.make.workshop."
# PyTorch's packages, and the room that runs in a Python which may have nothing else: what it imports of edgekit must need no more.
OF_PYTORCH = frozenset({"torch", "onnxscript"})
PYTORCH = "edgekit.pytorch."
WITH_PYTORCH = frozenset({
    "edgekit.errors", "edgekit.progress", "edgekit.jobs.child", "edgekit.project.userfunction", "edgekit.project.user_errors",
})  # fmt: skip
# What only lays out: it is told every figure. It may know the values, and what says them in words.
LAYING_OUT = ("edgekit.emit.", "edgekit.cli.render.", "edgekit.views.")
TOLD_BY = frozenset({
    "errors", "version", "units", "values", "progress", "interrupts", "files", "paths", "toml_text", "onnx_file", "tflite", "documents", "machine", "devices", "verdict",
    "project", "emit", "watching", "views",
})  # fmt: skip
# Within these floors, what computes a figure or reads a model: modules, and folders with all that is in them.
COMPUTING = (
    "edgekit.verdict.metrics.", "edgekit.verdict.drop.", "edgekit.verdict.decisions.", "edgekit.verdict.intervals.",
    "edgekit.verdict.agreement.", "edgekit.verdict.limits.", "edgekit.tflite.reader.",
)  # fmt: skip
# Views know each other.
TOGETHER = (
    ("edgekit.views.", "edgekit.cli.render."),
    ("edgekit.cli.render.", "edgekit.cli.render."),
)  # fmt: skip
BY_NAME = frozenset({"import_module", "__import__", "resolve_name", "run_module", "exec", "eval"})
# Who imports by a name that is not written out: the face its own parts, the commands, the techniques, the passes and the operators of ONNX those of their
# own folders, and three what is not edgekit's: a user's modules, an interpreter, whatever is installed.
HIDDEN = {
    "edgekit", "edgekit.cli.main", "edgekit.techniques", "edgekit.passes", "edgekit.onnx_graph.operators", "edgekit.project.userfunction", "edgekit.machine.extras",
    "edgekit.measure.runtimes.litert", "edgekit.boards.runner.interpreter",
}  # fmt: skip
# Modules that go to the board: they import nothing of edgekit but each other.
ON_THE_BOARD = "edgekit.boards.runner."


def sources(package: Path = PACKAGE) -> dict[str, str]:
    """The text of every module by its dotted name; a folder's `__init__` has the folder's name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name + (".__init__" if parts[-1] == "__init__" else "")] = path.read_text(encoding="utf-8")
    return found


def imports(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Every module that each module imports, anywhere in it; relative imports are resolved, names are told from modules.

    A folder's `__init__` counts as the folder.
    """
    known = {name.removesuffix(".__init__") for name in modules}
    found: dict[str, set[str]] = {}
    for name, text in modules.items():
        mine = found.setdefault(name.removesuffix(".__init__"), set())
        for module, names in written(name, text):
            inner = {f"{module}.{one}" for one in names}
            mine |= (inner & known) | ({module} if not names or inner - known else set())
    return found


@functools.cache
def written(name: str, text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What a module imports: a module, and the names taken from it (none: the module itself).

    A module that is imported by its name counts too, where the name is written out.
    """
    package = name.removesuffix(".__init__") if name.endswith(".__init__") else name.rpartition(".")[0]
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.Attribute):  # `edgekit.cost.graph`, of whichever import gave the name `edgekit`
            found += [(ast.unparse(node), ())] * ast.unparse(node).startswith(f"{FACE}.")
        elif isinstance(node, ast.Call | ast.Subscript) and (named := named_module(node)) is not None:
            found.append((named, ()))
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found.append((module, tuple(alias.name for alias in node.names)))
    return tuple(found)


def importer(node: ast.Call | ast.Subscript) -> bool:
    """Whether it gives a module for a name: `import_module(name)` and its like, `sys.modules[name]`, text that is run."""
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.value) == "sys.modules"
    called = ast.unparse(node.func)
    return called.rpartition(".")[2] in BY_NAME or called == "sys.modules.get"


def named_module(node: ast.Call | ast.Subscript) -> str | None:
    """The module that is imported by its name; None where nothing is, or where the name is not written out."""
    if not importer(node):
        return None
    given = (
        [node.slice] if isinstance(node, ast.Subscript) else [*node.args[:1], *(word.value for word in node.keywords)]
    )
    texts = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return texts[0].partition(":")[0] if texts and re.fullmatch(r"\w+(\.\w+)*(:.*)?", texts[0]) else None


def floor(module: str) -> str:
    return module.split(".")[1] if "." in module else FACE


def ours(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports from one of our modules to another, the face's own left out: it hands on names."""
    return [
        (one, other)
        for one, others in graph.items()
        for other in others
        if one != FACE and (other == FACE or other.startswith(f"{FACE}."))
    ]


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports that run up, and modules that stand on no floor."""
    place = {name: height for height, name in enumerate(FLOORS)}
    strangers = [f"{module} stands on no floor" for module in graph if module != FACE and floor(module) not in place]
    return strangers + [
        f"{one} is below {other}"
        for one, other in ours(graph)
        if other != FACE and place.get(floor(one), 0) < place.get(floor(other), 0)
    ]


def circles(graph: Mapping[str, set[str]]) -> list[str]:
    """The first circle of modules that import each other, of any length; nothing where there is none."""
    own = {
        one: {other for other in others | folders(one, others) if other in graph and other != one}
        for one, others in graph.items()
    }
    try:
        tuple(graphlib.TopologicalSorter(own).static_order())
    except graphlib.CycleError as problem:
        return [" imports ".join(reversed(problem.args[1]))]
    return []


def folders(one: str, others: set[str]) -> set[str]:
    """The folders whose `__init__` runs when a module imports others, without those that the module stands in itself."""
    found = {".".join(other.split(".")[:depth]) for other in others for depth in range(2, other.count(".") + 1)}
    return {folder for folder in found if not f"{one}.".startswith(f"{folder}.")}


def apart(graph: Mapping[str, set[str]]) -> list[str]:
    pairs = {*APART, *((other, one) for one, other in APART)}
    return [f"{one} sees {other}" for one, other in ours(graph) if (floor(one), floor(other)) in pairs]


def behind_the_door(graph: Mapping[str, set[str]]) -> list[str]:
    return [
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in sorted(others)
        if other.split(".")[0] in HEAVY and not module.startswith(DOOR)
    ]


def with_pytorch(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports of PyTorch elsewhere than in its room, and what that room takes from others."""
    elsewhere = [
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in sorted(others)
        if other.split(".")[0] in OF_PYTORCH and not module.startswith(PYTORCH)
    ]
    return elsewhere + [
        f"{one} imports {other}, which the Python of PyTorch need not have"
        for one, other in ours(graph)
        if one.startswith(PYTORCH) and not other.startswith(PYTORCH) and other not in WITH_PYTORCH
    ]


def faces(graph: Mapping[str, set[str]]) -> list[str]:
    return [f"{one} imports the package's face" for one, other in ours(graph) if other == FACE]


def on_the_board(graph: Mapping[str, set[str]]) -> list[str]:
    """The runner's modules that need what is not sent, and modules that take the runner for a part of edgekit."""
    return [
        f"{one} imports {other}"
        for one, other in ours(graph)
        if f"{one}.".startswith(ON_THE_BOARD) != f"{other}.".startswith(ON_THE_BOARD)
    ]


def laying_out(graph: Mapping[str, set[str]]) -> list[str]:
    """Views that could compute or predict what they show, or read it from a model."""
    return [
        f"{one} imports {other}"
        for one, other in ours(graph)
        if f"{one}.".startswith(LAYING_OUT)
        and (floor(other) not in TOLD_BY or f"{other}.".startswith(COMPUTING))
        and not any(f"{one}.".startswith(view) and f"{other}.".startswith(room) for view, room in TOGETHER)
    ]


def by_name(modules: Mapping[str, str]) -> set[str]:
    """The modules that import one by a name that is not written out, which no reader of imports sees."""
    return {name.removesuffix(".__init__") for name, text in modules.items() if has_hidden_import(text)}


@functools.cache
def has_hidden_import(text: str) -> bool:
    tree = ast.parse(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Subscript) and importer(node)]
    aliases = [
        alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import) for alias in node.names
    ]
    renamed = any(alias.asname and alias.name.rpartition(".")[2] in {*BY_NAME, "importlib"} for alias in aliases)
    return renamed or any(named_module(node) is None for node in calls)


RULES = (upward, circles, apart, behind_the_door, with_pytorch, faces, on_the_board, laying_out)


@pytest.fixture(scope="module")
def modules() -> dict[str, str]:
    return sources()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_walls_hold(rule, modules):
    assert rule(imports(modules)) == []


def test_every_floor_is_there(modules):
    """A folder that is renamed must not leave its floor unguarded."""
    assert {floor(module) for module in imports(modules)} == {*FLOORS, FACE}


def test_few_import_by_a_name_that_is_not_written_out(modules):
    """Such an import would run past the floors; what is written out is held to the same rules as any import."""
    assert by_name(modules) == HIDDEN


@pytest.mark.parametrize(
    "planted",
    [
        "import importlib\nimportlib.import_module(f'edgekit.{name}')",
        "import importlib\nimportlib.import_module('edgekit.' + name)",
        "import importlib\nimportlib.import_module(name=name)",
        "import importlib\nimportlib.import_module('..planner', __package__)",
        "import importlib as il\nil.import_module('edgekit.planner.planner')",
        "from importlib import import_module as load\nload('edgekit.planner.planner')",
        "def f(name):\n    return __import__(name)",
        "import sys\nsys.modules[name]",
        "exec('from edgekit.planner import planner')",
    ],
)
def test_a_hidden_import_is_found(planted, modules):
    assert by_name({**modules, "edgekit.cost.new": planted}) == {*HIDDEN, "edgekit.cost.new"}


def test_the_tests_mirror_the_package():
    tests = Path(__file__).resolve().parent
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")} - {
        Path("."),
        Path("examples"),
        Path("tools"),
    }
    assert len(folders) > 20 and [str(folder) for folder in sorted(folders) if not (PACKAGE / folder).is_dir()] == []


PLANTED = {
    "up": (upward, {"edgekit.units": "from edgekit.cli import options\n"}),
    "up, inside a function": (upward, {"edgekit.cost.flash": "def f():\n    import edgekit.planner.planner\n"}),
    "up, relative": (upward, {"edgekit.verdict.checks": "from ..search import loop\n"}),
    "up, from a folder": (upward, {"edgekit.tflite.__init__": "from ..verdict.checks import judge\n"}),
    "up, a folder": (upward, {"edgekit.cost.new": "from edgekit import planner"}),
    "up, all of it": (upward, {"edgekit.cost.new": "from edgekit.planner import *"}),
    "up, by its name": (upward, {"edgekit.cost.new": "from importlib import import_module\nimport_module('edgekit.planner.planner')"}),
    "up, by its name, over lines": (upward, {"edgekit.cost.new": "importlib.import_module(\n    name='edgekit.planner.planner',\n)"}),
    "up, by a name of something in it": (upward, {"edgekit.cost.new": "pkgutil.resolve_name('edgekit.planner.planner:Planner')"}),
    "up, found among the loaded": (upward, {"edgekit.cost.new": "sys.modules['edgekit.planner.planner']"}),
    "up, asked of the loaded": (upward, {"edgekit.cost.new": "sys.modules.get('edgekit.planner.planner')"}),
    "up, through another import": (upward, {"edgekit.cost.new": "import edgekit.units\nedgekit.planner.planner.outline"}),
    "no floor": (upward, {"edgekit.helpers.misc": ""}),
    "a circle of two": (circles, {"edgekit.cost.ram": "from edgekit.cost import new", "edgekit.cost.new": "from . import ram"}),
    "a circle of three, for types alone": (
        circles,
        {
            "edgekit.cost.a": "from edgekit.cost.b import B",
            "edgekit.cost.b": "from edgekit.cost.c import C",
            "edgekit.cost.c": "if TYPE_CHECKING:\n    from edgekit.cost.a import A",
        },
    ),
    "a circle through a folder": (
        circles,
        {"edgekit.emit.__init__": "from edgekit.emit.new import x", "edgekit.emit.new": "from edgekit.emit import y"},
    ),
    "a circle through a folder's parts": (
        circles,
        {
            "edgekit.boards.emulator.__init__": "from edgekit.boards.emulator.new import x",
            "edgekit.boards.emulator.new": "from edgekit.boards.new import y",
            "edgekit.boards.new": "from edgekit.boards.emulator.qemu import z",
        },
    ),
    "make sees measure": (apart, {"edgekit.make.new": "from edgekit.measure.measure import Measured"}),
    "measure sees make": (apart, {"edgekit.measure.new": "def f():\n    from edgekit.make.workshop import load"}),
    "TensorFlow": (behind_the_door, {"edgekit.ingest.new": "def f():\n    import tensorflow as tf"}),
    "Keras": (behind_the_door, {"edgekit.techniques.new": "from keras.src import ops"}),
    "TensorFlow, by its name": (behind_the_door, {"edgekit.ingest.new": "__import__('tensorflow.lite')"}),
    "Keras, by its name": (behind_the_door, {"edgekit.techniques.new": "importlib.import_module('tf_keras')"}),
    "PyTorch": (with_pytorch, {"edgekit.ingest.new": "def f():\n    import torch.export"}),
    "PyTorch beside TensorFlow": (with_pytorch, {"edgekit.make.workshop.new": "from torch import nn"}),
    "PyTorch's room takes more": (with_pytorch, {"edgekit.pytorch.new": "from edgekit.jobs.cache import Cache"}),
    "the face": (faces, {"edgekit.diff.new": "from edgekit import build"}),
    "the face, whole": (faces, {"edgekit.diff.new": "import edgekit"}),
    "the runner needs edgekit": (on_the_board, {f"{ON_THE_BOARD}new": "from edgekit.units import parse_size"}),
    "a page predicts": (laying_out, {"edgekit.emit.html.new": "def f():\n    from edgekit.cost.latency import predict_workload"}),
    "a page reads a model": (laying_out, {"edgekit.emit.new": "from edgekit.tflite.reader import read_tflite"}),
    "a terminal's view measures": (laying_out, {"edgekit.cli.render.new": "from edgekit.measure import static"}),
    "a terminal's view compares": (laying_out, {"edgekit.cli.render.live.new": "from edgekit.diff.figures import notes"}),
    "a notebook's view scores": (laying_out, {"edgekit.views.new": "from edgekit.verdict.metrics import score"}),
    "a notebook's view takes one metric": (laying_out, {"edgekit.views.new": "from edgekit.verdict.metrics.auc import Auc"}),
    "a notebook's view inspects": (laying_out, {"edgekit.views.new": "from edgekit.api.inspect import inspect"}),
    "edgekit needs the runner": (on_the_board, {"edgekit.boards.new": f"from {ON_THE_BOARD}main import main"}),
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_violation_is_found(planted, modules):
    rule, texts = PLANTED[planted]
    assert rule(imports({**modules, **texts})) != []


def test_what_is_no_violation_is_none(modules):
    texts = {
        "edgekit.cost.new": "import importlib\nimportlib.import_module('edgekit.units')\nself.edgekit.planner.x",
        "edgekit.boards.emulator.new": "from edgekit.boards.emulator.qemu import x",
        "edgekit.cli.new": "from edgekit.units import parse_size\nimport numpy\nfrom . import options",
        "edgekit.views.new": "from edgekit.documents.report import Report\nfrom edgekit.cli.render.console import section",
        "edgekit.cli.render.new": "from edgekit.verdict.wording import figure\nfrom edgekit.cli.render import console",
        "edgekit.make.workshop.new": "import tensorflow\nfrom edgekit.make.workshop.door import door",
    }
    graph = imports({**modules, **texts})
    assert [rule(graph) for rule in RULES] == [[] for _ in RULES]
