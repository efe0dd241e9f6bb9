"""An `If` whose condition is known, opened: the branch that is taken as nodes of the graph around it.

A branch may use names that the other one uses too, or the branches of another `If`: those that the graph has already are replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from edgekit.onnx_graph.graph import Branch, Node, OnnxGraph


def is_known(condition: np.ndarray | None) -> bool:
    """Whether a condition is a constant, of one truth value."""
    return condition is not None and condition.size == 1


class Branches:
    """Opens the branches of one graph, and knows which names it has."""

    def __init__(self, graph: OnnxGraph) -> None:
        self._used = {name for node in graph.nodes for name in node.outputs} | graph.constants.keys()
        self._used |= {one.name for one in graph.inputs}
        self._met = self._used | set(_names(graph.nodes))

    def taken(self, node: Node, condition: bool) -> Branch:
        """The branch that is taken, whose nodes give what the `If` gives by its names."""
        branch: Branch = node.attributes["then_branch" if condition else "else_branch"]
        made = {name for inner in branch.nodes for name in inner.outputs if name}
        names: dict[str, str] = {}
        passed = []
        for outer, inner in zip(node.outputs, branch.outputs, strict=True):
            if inner in made and inner not in names and outer:
                names[inner] = outer
            elif outer:
                passed.append((inner, outer))
        own = made | branch.constants.keys()
        names |= {name: self._fresh(name) for name in sorted(own & self._used - names.keys())}
        self._used |= {names.get(name, name) for name in own}
        nodes = [_renamed(inner, names) for inner in branch.nodes]
        nodes += [_identity(names.get(inner, inner), outer) for inner, outer in passed]
        constants = {names.get(name, name): array for name, array in branch.constants.items()}
        return Branch(nodes=tuple(nodes), constants=constants, outputs=node.outputs)

    def _fresh(self, name: str) -> str:
        """A name that nothing in the graph has, nor in a branch of it."""
        number = 2
        while f"{name}_{number}" in self._met:
            number += 1
        self._met.add(f"{name}_{number}")
        return f"{name}_{number}"


def _names(nodes: tuple[Node, ...]) -> Iterator[str]:
    """The names of all that is made in nodes, and in their branches."""
    for node in nodes:
        yield from node.outputs
        for branch in node.branches:
            yield from branch.constants
            yield from _names(branch.nodes)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    """The node with other names for some values, in its branches too."""
    attributes = {
        name: _renamed_inside(value, names) if isinstance(value, Branch) else value
        for name, value in node.attributes.items()
    }
    inputs, outputs = (tuple(names.get(name, name) for name in side) for side in (node.inputs, node.outputs))
    return dataclasses.replace(node, inputs=inputs, outputs=outputs, attributes=attributes)


def _renamed_inside(branch: Branch, names: Mapping[str, str]) -> Branch:
    """A branch that takes values by other names; those of its own stay."""
    own = {name for node in branch.nodes for name in node.outputs} | branch.constants.keys()
    around = {old: new for old, new in names.items() if old not in own}
    nodes = tuple(_renamed(node, around) for node in branch.nodes)
    return dataclasses.replace(branch, nodes=nodes, outputs=tuple(around.get(name, name) for name in branch.outputs))


def _identity(given: str, made: str) -> Node:
    return Node(operator="Identity", domain="", name="", inputs=(given,), outputs=(made,), attributes={})
