"""How a value finds its views: `edgekit.views` is looked up by name when a value is shown.

Values stand on the lowest floor and the views on the highest, so a value must not import them. No other module
refers to a higher floor, and a test holds that to this one.
"""

from __future__ import annotations

import importlib
from typing import Any


def views() -> Any:
    """The module `edgekit.views`: `line`, `html`, `frame`, `plot` of a value, and `showing` for progress."""
    return importlib.import_module("edgekit.views")
