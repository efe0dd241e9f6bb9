"""The graph of an ONNX model as data: nodes on named values, constants as arrays. Nothing of it is an object of `onnx`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

DEFAULT_DOMAINS = ("", "ai.onnx")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One operator's call. An input that is left out has the name ""."""

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    """Numbers, texts, tuples of them, arrays, branches; a tensor of strings is a tuple."""

    @property
    def taken(self) -> tuple[str, ...]:
        """All values that the node needs: its inputs, and what its branches take from around them."""
        return (*filter(None, self.inputs), *(name for one in self.branches for name in one.captured))

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The graphs inside the node."""
        return tuple(one for one in self.attributes.values() if isinstance(one, Branch))

    def number(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self.attributes.get(name, default))

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self.attributes.get(name, default))

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers; None where the node has no such attribute."""
        found = self.attributes.get(name)
        return None if found is None else tuple(int(one) for one in found)

    def text(self, name: str, default: str) -> str:
        """A text attribute."""
        return str(self.attributes.get(name, default))

    @property
    def place(self) -> str:
        """What a message calls it: "Resize '/up/Resize'"."""
        return f"{self.operator} {self.name or ', '.join(self.outputs)!r}"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Branch:
    """A graph inside a node: one of the two of an `If`."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    outputs: tuple[str, ...]

    @property
    def captured(self) -> tuple[str, ...]:
        """The values that it takes from around it."""
        own = {name for node in self.nodes for name in node.outputs} | self.constants.keys()
        used = [*(name for node in self.nodes for name in node.taken), *self.outputs]
        return tuple(dict.fromkeys(name for name in used if name not in own))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declared:
    """An input or output as the file declares it: a dimension is a size, or the name of a free one (perhaps empty)."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class OnnxGraph:
    """A model: nodes in an order in which they can run, constants by name, the opset of ONNX's own operators."""

    inputs: tuple[Declared, ...]
    outputs: tuple[Declared, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    opset: int
    producer: str = ""

    def users(self) -> dict[str, list[Node]]:
        """The nodes that take each value."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.taken):
                found.setdefault(name, []).append(node)
        return found

    def replaced(self, nodes: Iterator[Node] | tuple[Node, ...]) -> OnnxGraph:
        """The graph with other nodes, without those that no output needs."""
        return dataclasses.replace(self, nodes=needed(tuple(nodes), tuple(one.name for one in self.outputs)))


def needed(nodes: tuple[Node, ...], outputs: tuple[str, ...]) -> tuple[Node, ...]:
    """The nodes that some outputs need, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.taken)
            kept.append(node)
    return tuple(reversed(kept))
