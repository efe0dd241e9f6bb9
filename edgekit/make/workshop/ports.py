"""What a model's user calls its inputs and outputs: the keys of a dict, else the names of their layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.keras_graph.call_graph import as_given, flat, inner_graph, maker, structures

Named = tuple[TensorFacts, ...]


def ports(model: Any, facts: ModelFacts, renamed: Mapping[str, str]) -> tuple[Named, Named]:
    """The inputs and outputs of a flat model's facts with the original's own names, where it has others: in a dict, or with odd signs (`renamed`)."""
    graph = inner_graph(model)
    if graph is None:
        return facts.inputs, facts.outputs
    entering, leaving = structures(graph)
    return _named(facts.inputs, entering, graph.inputs, renamed), _named(facts.outputs, leaving, graph.outputs, renamed)


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


def _named(tensors: Named, structure: Any, own: list[Any], renamed: Mapping[str, str]) -> Named:
    names = list(_keys(structure))
    if len(names) != len(tensors) or not any(names):
        found = [_innermost(tensor).name for tensor in flat(own)]  # of layers that were renamed in place
        names = as_given(structure, [renamed.get(name, name) for name in found])
    if len(names) != len(tensors):
        return tensors
    pairs = zip(tensors, names, strict=True)
    return tuple(msgspec.structs.replace(tensor, name=_kept(tensor.name, name)) for tensor, name in pairs)


def _innermost(tensor: Any) -> Any:
    """The layer or operation that a tensor comes from, within nested models."""
    inner = inner_graph(maker(tensor))
    return maker(tensor) if inner is None else _innermost(flat(inner.outputs)[tensor._keras_history.tensor_index])


def _kept(found: str, own: str | None) -> str:
    """The own name of a port, but where the flat model has numbered it, to tell it from another of that name."""
    return found if own is None or re.fullmatch(re.escape(own) + r"(_\d+)?", found) else own
