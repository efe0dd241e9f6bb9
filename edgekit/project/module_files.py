"""Where a module's source is, found without importing it, and which files are the user's own: not installed, not Python's, not edgekit's."""

from __future__ import annotations

import ast
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

INSTALLED = ("site-packages", "dist-packages")
STANDARD_LIBRARY = Path(os.__file__).parent
EDGEKIT = Path(__file__).resolve().parent.parent


def file_of(module: str, paths: list[str]) -> Path | None:
    """The file that an import of a module would run; None if there is none."""
    first, *rest = module.split(".")
    spec = PathFinder.find_spec(first, paths) or _found_by_hooks(first)
    for part in rest:
        # Only the last part of the name: for a full name the finder would look for an imported parent.
        inside = spec.submodule_search_locations if spec is not None else None
        spec = PathFinder.find_spec(part, list(inside)) if inside is not None else None
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None


def _found_by_hooks(name: str) -> ModuleSpec | None:
    """What finders other than the path finder know, such as those of editable installs."""
    finders = (getattr(finder, "find_spec", None) for finder in sys.meta_path)
    return next((spec for find in finders if find is not None and (spec := find(name, None)) is not None), None)


def is_local(path: Path) -> bool:
    """Whether a file is neither of an installed distribution nor Python's own."""
    return not any(name in path.parts for name in INSTALLED) and not path.is_relative_to(STANDARD_LIBRARY)


def is_users(path: str) -> bool:
    """Whether the file of a frame or of an error is the user's own: not '<frozen importlib._bootstrap>', and none of edgekit's."""
    return not path.startswith("<") and is_local(Path(path)) and not Path(path).is_relative_to(EDGEKIT)


def place_of(spec: str, *, root: Path) -> str:
    """The file and line where a 'module:function' is defined, by its source; the file or the spec alone where that tells no more."""
    module, _, name = spec.partition(":")
    PathFinder.invalidate_caches()
    path = file_of(module, [str(root), *sys.path])
    if path is None:
        return spec
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return str(path)
    lines = [node.lineno for node in body if name in _defined(node)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module gives a value."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
