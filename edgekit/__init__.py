"""edgekit: a trained model and a device in, a `.tflite` that provably fits out.

The names in `__all__` are the stable Python API. Each is imported when it is first used, so that `import edgekit`
costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.documents.views import find_views_by
from edgekit.version import __version__ as __version__

if TYPE_CHECKING:
    from edgekit.api.bench import bench
    from edgekit.api.build import build
    from edgekit.api.check import check
    from edgekit.api.compare import compare
    from edgekit.api.diet import diet
    from edgekit.api.inspect import inspect
    from edgekit.api.plan import plan
    from edgekit.devices.profile import load_profile
    from edgekit.documents.bench_result import BenchResult
    from edgekit.documents.build_result import BuildResult
    from edgekit.errors import EdgekitError

__all__ = [
    "BenchResult",
    "BuildResult",
    "EdgekitError",
    "bench",
    "build",
    "check",
    "compare",
    "diet",
    "inspect",
    "load_profile",
    "plan",
]

_HOME = {
    "BenchResult": "edgekit.documents.bench_result",
    "BuildResult": "edgekit.documents.build_result",
    "bench": "edgekit.api.bench",
    "build": "edgekit.api.build",
    "plan": "edgekit.api.plan",
    "check": "edgekit.api.check",
    "compare": "edgekit.api.compare",
    "diet": "edgekit.api.diet",
    "EdgekitError": "edgekit.errors",
    "inspect": "edgekit.api.inspect",
    "load_profile": "edgekit.devices.profile",
}


def _views() -> Any:
    import importlib

    return importlib.import_module("edgekit.views")


find_views_by(_views)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
