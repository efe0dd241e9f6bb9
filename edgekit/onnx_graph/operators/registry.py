"""How an operator's build function says which operators of ONNX it is for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgekit.onnx_graph.step import Operand, Step

Made = Operand | Sequence[Operand | None]
Build = Callable[[Step], Made]

_NAMES = "_onnx_operators"


def builds(*names: str) -> Callable[[Build], Build]:
    """Mark a function as what builds the nodes of these operators."""

    def marked(function: Build) -> Build:
        function.__dict__[_NAMES] = names
        return function

    return marked


def registered(thing: Any) -> tuple[str, ...]:
    """The operators that a function is marked with; none for anything else."""
    return tuple(vars(thing).get(_NAMES, ())) if callable(thing) and hasattr(thing, "__dict__") else ()
