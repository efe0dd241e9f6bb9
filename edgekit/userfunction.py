"""A user's `module:function`: called in a child, and identified by its source without being run.

The identity is the hash of the module's source and of the local modules it imports, so that a second build can
be answered without importing anything of the user's.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError, InputError, did_you_mean

_SPEC = re.compile(r"^(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)$")


def is_function(source: str) -> bool:
    """Whether a source names a function, as in 'module:function'."""
    return _SPEC.match(source) is not None


def import_modules(names: Sequence[str], *, root: Path, error: type[InputError]) -> None:
    """Import the user's modules from `root` or from what is installed; they register custom layers."""
    for name in names:
        _import(name, root, error)


def call(spec: str, *, root: Path, imports: Sequence[str], error: type[InputError]) -> Any:
    """What the user's function returns. Raises `error` where it cannot be found or raises; runs the user's code."""
    match = _SPEC.match(spec)
    if match is None:
        raise error("not module:function", received=spec)
    import_modules(imports, root=root, error=error)
    module = _import(match["module"], root, error)
    function = getattr(module, match["function"], None)
    if not callable(function):
        near = did_you_mean(match["function"], [name for name in vars(module) if not name.startswith("_")])
        raise error(
            f"module {match['module']!r} has no function {match['function']!r}",
            where=str(getattr(module, "__file__", match["module"])),
            received=spec,
            next_step=f"did you mean {near!r}?" if near else None,
        )
    try:
        return function()
    except EdgekitError:
        raise
    except Exception as problem:
        raise error("the function raised an error", where=_last_line(problem, spec), received=_say(problem)) from None


def load(spec: str, *, root: Path, error: type[InputError]) -> Any:
    """The user's function itself, for a metric or a loss."""
    match = _SPEC.match(spec)
    if match is None:
        raise error("not module:function", received=spec)
    function = getattr(_import(match["module"], root, error), match["function"], None)
    if not callable(function):
        raise error(f"module {match['module']!r} has no function {match['function']!r}", received=spec)
    return function


def _import(name: str, root: Path, error: type[InputError]) -> Any:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        raise error(
            f"no module named {problem.name!r}",
            where=f"importing {name!r}",
            received=name,
            allowed=f"a module in {root} or one that is installed",
            next_step="check the name, or name the folder with --project",
        ) from None
    except Exception as problem:
        raise error("the module cannot be imported", where=_last_line(problem, name), received=_say(problem)) from None


def _say(problem: Exception) -> str:
    return f"{type(problem).__name__}: {str(problem)[:300]}"


def _last_line(problem: Exception, otherwise: str) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else otherwise


def digest(spec: str, *, root: Path, version: str = "") -> str:
    """Hash of a function's name, its module's source, the local modules that it imports, and the user's `version`."""
    hasher = hashlib.sha256(f"{spec}\0{version}".encode())
    for path in _sources(spec.split(":")[0], root):
        hasher.update(hashlib.sha256(path.read_bytes()).digest())
    return hasher.hexdigest()


def module_digest(names: Sequence[str], *, root: Path) -> str:
    """Hash of the sources of local modules; a module that is not local counts by its name."""
    hasher = hashlib.sha256()
    for name in names:
        hasher.update(name.encode())
        for path in _sources(name, root):
            hasher.update(hashlib.sha256(path.read_bytes()).digest())
    return hasher.hexdigest()


def _sources(module: str, root: Path) -> list[Path]:
    """The module's file and the local files that it imports, directly or not, each once, in a fixed order."""
    found: dict[Path, None] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _local_file(name, root)
        if path is None or path in found:
            continue
        found[path] = None
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting += [*_parents(name), *_imported(path, package)]
    return sorted(found)


def _local_file(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def _parents(module: str) -> list[str]:
    """The packages around a module, whose `__init__.py` runs before it."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _imported(path: Path, package: str) -> list[str]:
    """What a file of a package imports, by full name: modules, and names that may be modules."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(part for part in (_base(package, node.level), node.module) if part)
            names += [name for name in (base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)) if name]
    return names


def _base(package: str, level: int) -> str:
    """The package that a relative import of so many dots starts from; nothing for an absolute one."""
    return ".".join(package.split(".")[: len(package.split(".")) - level + 1]) if level else ""
