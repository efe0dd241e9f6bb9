"""What the condition of an `If` hangs on: where inputs of the model alone choose the branch, holding them at values leaves one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from edgekit.onnx_file.held import shown
from edgekit.onnx_graph.graph import Declared, Node

LARGEST = 16
"""An input of more numbers is data, and no choice."""
OF_SIZES = ("Shape", "Size")
"""Operators that look at no number of what they take."""
COMPARISONS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Mod")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes: https://toml.io/en/v1.0.0#keys."""


def deciding(
    condition: str, makers: Mapping[str, Node], inputs: Sequence[Declared], constants: Mapping[str, object]
) -> dict[str, str]:
    """The inputs that a condition hangs on, each with a value to hold it at, as `edgekit.toml` writes it; empty where data decide too.

    `makers` has the node that makes each value. The value is one that the input is compared with, where there is such a constant.
    """
    known = {one.name: one for one in inputs}
    waiting, seen, compared = [condition], {condition}, list[np.ndarray]()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.operator in OF_SIZES:
            continue
        if node.operator in COMPARISONS:
            sides = (constants.get(name) for name in node.inputs)
            compared += [one for one in sides if isinstance(one, np.ndarray) and one.size == 1]
        waiting += [name for name in node.taken if name not in seen]
        seen.update(node.taken)
    found = [known[name] for name in known if name in seen]
    if len(found) == len(known) or not all(map(_is_a_choice, found)):
        return {}
    return {one.name: _example(one, compared) for one in found}


def line(held: Mapping[str, str]) -> str:
    """The line of `edgekit.toml` that holds inputs at values.

    >>> line({"sr": "16000", "a b": "true"})
    'held = { sr = 16000, "a b" = true }'
    """
    pairs = (f"{_key(name)} = {value}" for name, value in held.items())
    return f"held = {{ {', '.join(pairs)} }}"


def _key(name: str) -> str:
    if BARE_KEY.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_a_choice(one: Declared) -> bool:
    """Whether an input is so small that a user may know its value beforehand."""
    sizes = [size for size in one.shape[1:] if not isinstance(size, int)]
    return not sizes and int(np.prod([size for size in one.shape if isinstance(size, int)])) <= LARGEST


def _example(one: Declared, compared: Sequence[np.ndarray]) -> str:
    if one.dtype == "bool":
        return "true"
    kind = "f" if one.dtype.startswith("float") else "iu"
    value = next(
        (array.reshape(-1)[0].item() for array in compared if array.dtype.kind in kind), 1.0 if kind == "f" else 1
    )
    return shown(value)
