"""The techniques: one file each, listed from this folder and from the entry points `edgekit.techniques`.

A technique's name is its file's stem. What a file must offer is in `interface.py`; an import error is an error.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path

from edgekit.errors import ProjectError, did_you_mean
from edgekit.techniques.interface import Technique

SUPPORT = ("codebook", "dense_rounding", "interface", "masks", "merging", "packing", "sites")
"""Files of this folder that are no techniques: what several of them, or one and its tests, work with."""


@functools.cache
def techniques() -> dict[str, Technique]:
    """All techniques by name: the files of this folder, then those of installed packages."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name not in SUPPORT]
    found: dict[str, Technique] = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    found.update({point.name: point.load() for point in entry_points(group="edgekit.techniques")})
    return found


def identity(name: str) -> str:
    """The hash of a technique's source: a changed one is another one, wherever it is installed."""
    source = getattr(technique(name), "__file__", None)
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16] if source else ""


def technique(name: str, *, where: str = "steps") -> Technique:
    """The technique of a name; raises `ProjectError` where there is none. `where` is where the name stands."""
    if name not in techniques():
        near = did_you_mean(name, techniques())
        raise ProjectError(
            "unknown technique",
            where=where,
            received=name,
            allowed=", ".join(sorted(techniques())),
            next_step=f"did you mean {near!r}?" if near else None,
        )
    return techniques()[name]
