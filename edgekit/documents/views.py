"""The views of values: whatever stands above all rooms says here where they are, and a value asks for them when it is shown.

Values stand on the lowest floor and the views on the highest, so a value imports none. `edgekit/__init__.py` names them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_find: list[Callable[[], Any]] = []


def find_views_by(find: Callable[[], Any]) -> None:
    """Say how the views are found; `find` is called when a value is first shown, and imports them."""
    _find[:] = [find]


def views() -> Any:
    """The module of views: `line`, `html`, `frame`, `plot` of a value, and `showing` for progress."""
    return _find[0]()
