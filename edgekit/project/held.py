"""The table `held` of `[model]`: inputs by name, each with a constant value, as far as they can be judged without the model.

What the model's own inputs allow is for `edgekit.onnx_file.held`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from edgekit.errors import ProjectError
from edgekit.onnx_file.held import leaves, shape_of

DEEPEST = 8
"""So many lists may lie in each other."""
LOWEST, HIGHEST = -(2**63), 2**64 - 1
"""Between these every whole number of ONNX lies."""
ALLOWED = "a number, true or false, or nested lists of them of equal lengths"


def require_values(held: Mapping[str, Any], where: str) -> None:
    """Raise `ProjectError` unless each value is a finite number, a truth value, or nested lists of one of these kinds; `where` names the table."""
    for name, value in held.items():
        if not name:
            raise ProjectError(
                "an input without a name", where=where, received='""', allowed="the name of an input of the model",
                next_step="write the input's name before the value; `edgekit inspect` shows the names",
            )  # fmt: skip
        _require(value, f"{where}.{name}", 0)
        kinds = {isinstance(one, bool) for one in leaves(value)}
        if len(kinds) > 1:
            raise _wrong("numbers and truth values in one input", f"{where}.{name}", value)


def _require(value: Any, where: str, depth: int) -> None:
    if isinstance(value, list | tuple):
        if depth == DEEPEST:
            raise ProjectError(
                "lists too deep in each other", where=where, received=f"more than {DEEPEST}", allowed=f"{DEEPEST} at the most",
                next_step="write as many brackets as the input has axes",
            )  # fmt: skip
        if not value:
            raise _wrong("an empty list", where, value)
        for index, part in enumerate(value):
            _require(part, f"{where}[{index}]", depth + 1)
        if len({shape_of(part) for part in value}) > 1:
            raise _wrong("lists of different lengths", where, value)
    elif not isinstance(value, bool | int | float):
        raise _wrong("neither a number nor a truth value", where, value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _wrong("not a finite number", where, value)
    elif not isinstance(value, float) and not LOWEST <= value <= HIGHEST:
        raise ProjectError(
            "a whole number that no type holds", where=where, received=str(value)[:80], allowed=f"{LOWEST} to {HIGHEST}",
            next_step="write a value that the input can have",
        )  # fmt: skip


def _wrong(what: str, where: str, value: Any) -> ProjectError:
    return ProjectError(
        what,
        where=where,
        received=repr(value)[:200],
        allowed=ALLOWED,
        next_step="write it as in held = { sr = 16000 }, or leave the input out",
    )
