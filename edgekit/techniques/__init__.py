"""The techniques: one file each, listed from this folder and from the entry points `edgekit.techniques`.

A technique is a class that derives from `interface.Technique`; its `name` is its file's stem, or its entry point's
name. The other files of this folder hold what several techniques share. A file that cannot be imported is an error and
is not skipped.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

from edgekit.errors import ProjectError, did_you_mean
from edgekit.project.userfunction import module_identities
from edgekit.techniques.interface import Role, Technique
from edgekit.techniques.offered import offered


@functools.cache
def techniques() -> dict[str, Technique]:
    """All techniques by name: those of this folder, then those of installed packages."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    kinds = [kind for module in modules for kind in vars(module).values() if _is_technique(kind, module.__name__)]
    found: dict[str, Technique] = {kind.name: kind() for kind in kinds}
    return {**found, **offered(found)}


def _is_technique(kind: Any, module: str) -> bool:
    """Whether something is a technique's class that the module itself defines, and not an abstract base class."""
    return (
        isinstance(kind, type)
        and issubclass(kind, Technique)
        and kind.__module__ == module
        and not inspect.isabstract(kind)
    )


def identity(method: Technique) -> str:
    """A hash of a technique's source file and of the modules that it imports: a changed one counts as another technique.

    Installed modules count by their distribution's version, and edgekit's own not at all: its source is in every cache key.
    """
    kind = type(method)
    source = inspect.getsourcefile(kind)
    if source is None:
        return ""
    others = (
        {}
        if kind.__module__.startswith(f"{__name__}.")
        else module_identities(kind.__module__, root=Path(source).parent)
    )
    return hashlib.sha256(Path(source).read_bytes() + repr(others).encode()).hexdigest()[:16]


def in_role(role: Role) -> Technique:
    """The technique that is the baseline of all others, or the control of all that train."""
    return next(found for found in techniques().values() if found.role == role)


def technique(name: str, *, where: str = "steps") -> Technique:
    """The technique with this name; raises `ProjectError` where there is none. `where` says where the name stands."""
    if name not in techniques():
        near = did_you_mean(name, techniques())
        raise ProjectError(
            "unknown technique",
            where=where,
            received=name,
            allowed=", ".join(sorted(techniques())),
            next_step=f"did you mean {near!r}?" if near else "name one of them; docs/techniques.md says what each does",
        )
    return techniques()[name]
