"""A user's `module:function`: called in a child, and identified by its source without being run.

The identity is the hash of the module's source and of the modules it imports, wherever they are: in the project's
folder, a `src` folder, an editable install, the script's folder. So a second build can be answered from the cache without
importing the user's code. Installed distributions are identified by their version. Python's own modules and edgekit are
left out: every cache key has their versions.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError, InputError, did_you_mean
from edgekit.project.module_files import INSTALLED, file_of, is_local, place_of
from edgekit.project.user_errors import no_module, raised, require_no_arguments

_SPEC = re.compile(r"^(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)$")

SHOWN = 10
"""So many functions of a module are named in a message."""


def is_function(source: str) -> bool:
    """Whether a source names a function, as in 'module:function'."""
    return _SPEC.match(source) is not None


def import_modules(names: Sequence[str], *, root: Path, error: type[InputError]) -> None:
    """Import the user's modules from `root` or from installed packages; they register custom layers."""
    for name in names:
        _import(name, root, error)


def call(spec: str, *, root: Path, imports: Sequence[str], error: type[InputError]) -> Any:
    """What the user's function returns. Raises `error` if it cannot be found or raises; runs the user's code."""
    match = _SPEC.match(spec)
    if match is None:
        raise error("not module:function", received=spec)
    import_modules(imports, root=root, error=error)
    module = _import(match["module"], root, error)
    function = getattr(module, match["function"], None)
    if function is not None and not callable(function):
        raise error(
            f"{match['function']!r} of module {match['module']!r} is no function", where=place_of(spec, root=root), received=type(function).__name__,
            allowed="a function without arguments", next_step="name the function that makes it",
        )  # fmt: skip
    if function is None:
        raise _no_function(module, match["module"], match["function"], error)
    require_no_arguments(function, spec, root=root, error=error)
    try:
        return function()
    except EdgekitError:
        raise
    except (Exception, SystemExit) as problem:
        raise raised(problem, "the function raised an error", spec, root=root, error=error) from None


def load(spec: str, *, root: Path, error: type[InputError]) -> Any:
    """The user's function itself, for a metric or a loss."""
    match = _SPEC.match(spec)
    if match is None:
        raise error(
            "not module:function",
            received=spec,
            allowed="module:function",
            next_step="write the module, a colon and the function's name",
        )
    module = _import(match["module"], root, error)
    function = getattr(module, match["function"], None)
    if not callable(function):
        raise _no_function(module, match["module"], match["function"], error)
    return function


def _no_function(module: Any, name: str, function: str, error: type[InputError]) -> InputError:
    """The error for a function that a module does not have, with those that are its own."""
    own = [
        one
        for one, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == name and not one.startswith("_")
    ]
    near = did_you_mean(function, [one for one in vars(module) if not one.startswith("_")])
    return error(
        f"module {name!r} has no function {function!r}", where=str(getattr(module, "__file__", name)), received=f"{name}:{function}",
        allowed=", ".join(own[:SHOWN]) or "a function that the module defines", next_step=f"did you mean {near!r}?" if near else "name a function of the module",
    )  # fmt: skip


def loaded(module: str, path: str) -> Any:
    """What stands under a qualified name in a module that was imported before; None for nothing."""
    return functools.reduce(lambda part, key: getattr(part, key, None), path.split("."), sys.modules.get(module))


def _import(name: str, root: Path, error: type[InputError]) -> Any:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no __pycache__ in the user's folders
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name is not None and f"{name}.".startswith(f"{problem.name}."):
            raise no_module(problem.name, name, root, error) from None
        raise raised(problem, "the module cannot be imported", name, root=root, error=error) from None
    except (Exception, SystemExit) as problem:
        raise raised(problem, "the module cannot be imported", name, root=root, error=error) from None
    finally:
        sys.dont_write_bytecode = written


def digest(spec: str, *, root: Path, version: str = "", error: type[InputError] = InputError) -> str:
    """Hash of a function's name, its module's source, the modules that it imports, and the user's `version`.

    Nothing is imported. Raises `error` if the module's source cannot be found.
    """
    text = f"{spec}\0{version}\0{_module_text(spec.split(':')[0], root, error)}"
    return hashlib.sha256(text.encode()).hexdigest()


def module_digest(names: Sequence[str], *, root: Path, error: type[InputError] = InputError) -> str:
    """Hash of the names and sources of modules, and of what they import; raises `error` as `digest` does."""
    text = "\0\0".join(f"{name}\0{_module_text(name, root, error)}" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()


def module_identities(module: str, *, root: Path, error: type[InputError] = InputError) -> dict[str, str]:
    """The identity of a module and of each that it imports, by name: the hash of a source, or an installed distribution.

    Nothing is imported. Raises `error` if the module's source cannot be found.
    """
    paths = [str(root), *sys.path]
    PathFinder.invalidate_caches()  # so that a file written a moment ago is found
    if file_of(module, paths) is None:
        raise no_module(module, module, root, error)
    return dict(sorted(_identities(module, paths).items()))


def _module_text(module: str, root: Path, error: type[InputError]) -> str:
    found = module_identities(module, root=root, error=error)
    return "\0".join(f"{name} {content}" for name, content in found.items())


def imported_packages(module: str, *, root: Path) -> frozenset[str]:
    """The top-level names that a user's module, and the user's modules that it imports, import anywhere; nothing is imported."""
    PathFinder.invalidate_caches()
    return frozenset(name.partition(".")[0] for name, _ in _reached(module, [str(root), *sys.path]))


def _identities(module: str, paths: list[str]) -> dict[str, str]:
    """The identity of a module and of each that it imports, directly or not, by name."""
    found: dict[str, str] = {}
    for name, path in _reached(module, paths):
        top = name.partition(".")[0]
        if path is None or top == "edgekit":
            continue
        found |= {name: _hash_of(path)} if is_local(path) else _installed(path, name, top)
    return found


def _reached(module: str, paths: list[str]) -> Iterator[tuple[str, Path | None]]:
    """A module and each that it or a user's module imports, directly or not, with its file: once each."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = file_of(name, paths)
        yield name, path
        if path is not None and name.partition(".")[0] != "edgekit" and is_local(path):
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            waiting += [*_parents(name), *_imported(path, package)]


def _installed(path: Path, name: str, top: str) -> dict[str, str]:
    """The distribution of a module's name, with its version; the module's file if it has none; nothing for Python's own modules."""
    folder = next((parent for parent in path.parents if parent.name in INSTALLED), None)
    if folder is None:
        return {}
    metadata = re.compile(rf"{top.replace('_', '[-_.]')}-[^-]+(-py[\d.]+)?\.(dist|egg)-info", re.IGNORECASE)
    named = sorted(entry for entry in os.listdir(folder) if metadata.fullmatch(entry))
    return {top: " ".join(named)} if named else {name: _hash_of(path)}


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parents(module: str) -> list[str]:
    """The packages around a module; each one's `__init__.py` runs before it."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _imported(path: Path, package: str) -> list[str]:
    """The full names that a file of a package imports: modules, and names that may be modules."""
    if path.suffix != ".py":
        return []
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
    """The package that a relative import with `level` dots starts from; empty for an absolute import."""
    return ".".join(package.split(".")[: len(package.split(".")) - level + 1]) if level else ""
