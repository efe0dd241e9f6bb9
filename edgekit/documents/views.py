"""The way from a value up to how it is shown: `edgekit.views`, found by name when somebody looks.

Values stand on the lowest floor and the views on the highest, so a value imports none of them. This is the only arrow
that runs up, and a test holds it to this one module.
"""

from __future__ import annotations

import importlib
from typing import Any


def views() -> Any:
    """The module `edgekit.views`: `line`, `html`, `frame`, `plot` of a value, and `showing` for progress."""
    return importlib.import_module("edgekit.views")
