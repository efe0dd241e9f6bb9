"""The operators of ONNX that are built, one file a family, listed from this folder.

A file says which operators it builds with `@builds("Conv", ...)` over a function of a `Step`, which returns what the node makes, in the order of its
outputs: a `Laid` tensor, a constant, or a tuple of them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from edgekit.onnx_graph.operators.registry import Build, registered


@functools.cache
def operators() -> Mapping[str, Build]:
    """The build function of each operator by its name."""
    found: dict[str, Build] = {}
    for module in pkgutil.iter_modules(__path__):
        functions: list[Any] = list(vars(importlib.import_module(f"{__name__}.{module.name}")).values())
        for function in functions:
            found.update(dict.fromkeys(registered(function), function))
    return found
