"""edgekit: a trained Keras model and a device in, a `.tflite` that provably fits out.

The names in `__all__` are the stable Python API. Each is imported when it is first used, so that `import edgekit`
costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.builder import BuildResult, build
    from edgekit.checker import check
    from edgekit.comparer import compare
    from edgekit.errors import EdgekitError
    from edgekit.inspector import inspect
    from edgekit.planning import plan
    from edgekit.profile import load_profile

__version__ = "0.1.0"
__all__ = ["BuildResult", "EdgekitError", "build", "check", "compare", "inspect", "load_profile", "plan"]

_HOME = {
    "BuildResult": "edgekit.builder",
    "build": "edgekit.builder",
    "plan": "edgekit.planning",
    "check": "edgekit.checker",
    "compare": "edgekit.comparer",
    "EdgekitError": "edgekit.errors",
    "inspect": "edgekit.inspector",
    "load_profile": "edgekit.profile",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
