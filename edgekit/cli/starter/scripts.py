"""Functions in Python files that look as if they return a model of Keras or PyTorch, or data; read as text, never imported or run."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from edgekit.cli.starter.bounded import BROKEN
from edgekit.cli.starter.found import DataFound, Library, ModelFound, NearMiss
from edgekit.cli.starter.pytorch_programs import lacking
from edgekit.ingest.from_torch import is_pytorch
from edgekit.values import Value

LARGEST_SCRIPT = 2**20
MOST_SCRIPTS = 200
_MODEL_MAKERS = ("Sequential", "Model", "Functional", "load_model", "clone_model", "model_from_json", "trained_model")
_MODEL_TYPES = ("Model", "Sequential", "Functional")
_KERAS = ("keras", "tensorflow", "tf_keras")
_TORCH = "torch"
_MODULE_TYPES = ("Module", "Sequential")
_SPLITS = {"train", "val", "validation", "test"}
_ARRAYS = tuple(f"{kind}_{split}" for kind in "xy" for split in ("train", "val", "test"))
_MIXED = "it returns a PyTorch module, and a module that its file imports imports TensorFlow: keep the two apart"
_NOT_A_SOURCE = ("test_", "conftest", "setup")


class _Function(Value):
    """What a function seems to return; `reason` says why it cannot be used as it is."""

    name: str
    returns: Literal["model", "data"]
    reason: str | None = None
    library: Library = "Keras"


class _Script:
    """A parsed file: its own functions, whether it imports Keras, and its own classes that are PyTorch modules."""

    def __init__(self, tree: ast.Module) -> None:
        imported = _imported(tree)
        self.has_keras = bool(imported & set(_KERAS))
        self.has_torch = _TORCH in imported and not self.has_keras
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.modules = set(_MODULE_TYPES)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and any(_last(base) in self.modules for base in node.bases):
                self.modules.add(node.name)

    def is_module(self, node: ast.expr) -> bool:
        """Whether an annotation names a PyTorch module, or a tuple whose first part is one, as of `(module, example inputs)`."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            with contextlib.suppress(SyntaxError):
                return self.is_module(ast.parse(node.value, mode="eval").body)
            return False
        if isinstance(node, ast.Subscript) and _last(node.value).lower() == "tuple":
            node = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        return self.has_torch and _last(node) in self.modules

    def makes_module(self, value: ast.expr, assigned: dict[str, ast.expr]) -> bool:
        """Whether a returned value is made by calling such a class, or is a tuple whose first part is."""
        first = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
        if isinstance(first, ast.Name):
            first = assigned.get(first.id, first)
        return self.has_torch and isinstance(first, ast.Call) and _last(first.func) in self.modules


def functions(root: Path, files: tuple[str, ...]) -> tuple[list[ModelFound], list[DataFound], list[NearMiss]]:
    """The functions of all files that a project can name, and the near misses."""
    models: list[ModelFound] = []
    loaders: list[DataFound] = []
    near: list[NearMiss] = []
    for file in files[:MOST_SCRIPTS]:
        module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if not all(part.isidentifier() for part in module.split(".")) or Path(file).name.startswith(_NOT_A_SOURCE):
            continue
        for found in _in_file(root / file):
            source = f"{module}:{found.name}"
            if found.library == "PyTorch" and not is_pytorch(source, root):
                near.append(NearMiss(source=source, what="model", reason=_MIXED))
            elif found.reason is not None:
                near.append(NearMiss(source=source, what=found.returns, reason=found.reason))
            elif found.returns == "model" and found.library == "PyTorch":
                models.append(ModelFound(source=source, kind="function", library="PyTorch", notes=lacking(source)))
            elif found.returns == "model":
                models.append(ModelFound(source=source, kind="function"))
            else:
                loaders.append(DataFound(source=source, kind="function"))
    return models, loaders, near


def _in_file(path: Path) -> Iterator[_Function]:
    try:
        if path.stat().st_size > LARGEST_SCRIPT:
            return
        tree = ast.parse(path.read_bytes())
        script = _Script(tree)
        for name, node in script.functions.items():
            returns = _kind(node, script, depth=0)
            if returns is not None and not name.startswith("_"):
                kind, reason = returns
                library: Library = "PyTorch" if kind == "model" and script.has_torch else "Keras"
                yield _Function(name=name, returns=kind, reason=_arguments(node) or reason, library=library)
    except BROKEN:  # not Python, or not of this version
        return


def _imported(tree: ast.Module) -> set[str]:
    """The top-level names of the packages that a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def _arguments(node: ast.FunctionDef) -> str | None:
    """Why a function cannot be called without arguments; None if it can."""
    given = node.args
    wanted = [arg.arg for arg in (*given.posonlyargs, *given.args)][
        : len(given.posonlyargs) + len(given.args) - len(given.defaults)
    ]
    wanted += [arg.arg for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None]
    return f"it wants arguments ({', '.join(wanted)}): write a function without any that calls it" if wanted else None


def _kind(node: ast.FunctionDef, script: _Script, *, depth: int) -> tuple[Literal["model", "data"], str | None] | None:
    """What a function seems to return, and what prevents its use."""
    if node.returns is not None and (
        script.is_module(node.returns) or (script.has_keras and _last(node.returns) in _MODEL_TYPES)
    ):
        return "model", None
    assigned = _assigned(node)
    for value in _returned(node):
        if isinstance(value, ast.Name):
            value = assigned.get(value.id, value)
        if script.makes_module(value, assigned):
            return "model", None
        if isinstance(value, ast.Call):
            name = _last(value.func)
            if isinstance(value.func, ast.Name) and name in script.functions and depth < 4:
                return _kind(script.functions[name], script, depth=depth + 1)
            if script.has_keras and (name in _MODEL_MAKERS or ".applications." in f".{_dotted(value.func)}"):
                return "model", None
            if name == "load_data" and "datasets" in _dotted(value.func).split("."):
                return "data", None
        found = _data(value)
        if found is not None:
            return "data", found or None
    return None


def _returned(node: ast.FunctionDef) -> Iterator[ast.expr]:
    """The values of a function's own return statements."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Return) and inner.value is not None:
            yield inner.value
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(inner)


def _assigned(node: ast.FunctionDef) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            found |= {target.id: inner.value for target in inner.targets if isinstance(target, ast.Name)}
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name) and inner.value is not None:
            found[inner.target.id] = inner.value
    return found


def _data(value: ast.expr) -> str | None:
    """Empty if a returned value looks like data, a reason if it is a near miss, None if it is neither."""
    if isinstance(value, ast.Dict):
        keys = {key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        return _mapping(keys)
    if isinstance(value, ast.Call) and _last(value.func) == "dict":
        return _mapping({keyword.arg for keyword in value.keywords if keyword.arg})
    if not isinstance(value, ast.Tuple):
        return None
    parts = value.elts
    if len(parts) in (2, 3) and all(isinstance(part, ast.Tuple) and len(part.elts) == 2 for part in parts):
        return ""
    names = [_last(part).lower() for part in parts]
    trains, tests = (["train" in name for name in names], ["test" in name for name in names])
    if len(parts) in (2, 3) and trains[0] and tests[-1] and sum(trains) == sum(tests) == 1:
        return ""
    if len(parts) in (4, 6) and sum(trains) == sum(tests) == 2:
        return "it returns its arrays in one row: return (x_train, y_train), (x_test, y_test)"
    return None


def _mapping(keys: set[str]) -> str | None:
    named = keys <= _SPLITS or (bool(keys) and all(key.rstrip("0123456789").rstrip("_") in _ARRAYS for key in keys))
    splits = {"train", "test"} & {split for key in keys for split in ("train", "test") if split in key}
    if not named or not splits:
        return None
    missing = {"train", "test"} - splits
    return f"it returns no {missing.pop()} split" if missing else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.expr) -> str:
    """The last part of a dotted name; for an annotation, even if it is written as a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.split(".")[-1]
    return _dotted(node).split(".")[-1]
