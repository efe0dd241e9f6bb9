"""What a model's user calls its inputs and outputs: the keys of a dict, else the names of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.make.workshop.call_graph import inner_graph, structures

Named = tuple[TensorFacts, ...]


def ports(model: Any, facts: ModelFacts, renamed: dict[str, str]) -> tuple[Named, Named]:
    """The inputs and outputs of a flat model's facts with the original's own names, where it has others: in a dict, or with odd signs (`renamed`)."""
    entering, leaving = structures(inner_graph(model))
    return _named(facts.inputs, entering, renamed), _named(facts.outputs, leaving, renamed)


def output_names(model: Any, made: Any) -> list[str]:
    """The names by which the losses of a compiled model are given, in the order of its outputs."""
    structure = structures(inner_graph(model))[1]
    if isinstance(structure, dict):
        return [name or "" for name in _keys(structure)]
    return getattr(model, "output_names", None) or [f"output_{index}" for index in range(len(made.outputs))]


def _keys(structure: Any, path: str = "") -> Iterator[str | None]:
    """The path of keys to each tensor of a nested structure, in the order in which the user gave it; None outside of dicts."""
    if isinstance(structure, dict):
        for key in structure:
            yield from _keys(structure[key], f"{path}/{key}" if path else str(key))
    elif isinstance(structure, list | tuple):
        for index, part in enumerate(structure):
            yield from _keys(part, f"{path}/{index}" if path else "")
    else:
        yield path or None


def _named(tensors: Named, structure: Any, renamed: dict[str, str]) -> Named:
    names = list(_keys(structure))
    if len(names) != len(tensors) or not any(names):
        names = [renamed.get(tensor.name) for tensor in tensors]
    pairs = zip(tensors, names, strict=True)
    return tuple(msgspec.structs.replace(tensor, name=name or tensor.name) for tensor, name in pairs)
