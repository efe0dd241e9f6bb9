"""The passes over a flat graph: one file each, listed from this folder, in the order of their places.

A pass is a class that derives from `interface.Pass`; its `name` is its file's stem. The other files of this folder hold what several
passes share, and `run` runs them. A file that cannot be imported is an error and is not skipped.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from typing import Any

from edgekit.passes.interface import Pass


@functools.cache
def passes() -> tuple[Pass, ...]:
    """All passes, in the order in which they are run: by place, then by name."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    kinds = [kind for module in modules for kind in vars(module).values() if _is_pass(kind, module.__name__)]
    return tuple(sorted((kind() for kind in kinds), key=lambda one: (one.place, one.name)))


def _is_pass(kind: Any, module: str) -> bool:
    """Whether something is a pass's class that the module itself defines, and not an abstract base class."""
    return (
        isinstance(kind, type) and issubclass(kind, Pass) and kind.__module__ == module and not inspect.isabstract(kind)
    )
