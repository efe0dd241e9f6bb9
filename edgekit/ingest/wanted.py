"""What a model takes and gives, as far as reading data depends on it: names, shapes, and whether targets are amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from edgekit.documents.facts import ModelFacts
from edgekit.values import Value

_DISTANCES = ("mean_squared", "mean_absolute", "huber", "log_cosh")


class Wanted(Value):
    """A model's inputs and outputs: shapes are without the batch (None for a free size), and empty if nothing is known.

    `classes` is the size of the last axis of the first output, None if not known. `regresses` says that the first
    output was trained with a distance from its targets. `held` are inputs that are held, with their values: samples need not have them.
    """

    names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    input_shapes: tuple[tuple[int | None, ...], ...] = ()
    output_shapes: tuple[tuple[int | None, ...], ...] = ()
    classes: int | None = None
    kind: str | None = None
    regresses: bool = False
    held: dict[str, Any] = {}


class Port(Protocol):
    """An input or output as a file declares it, of whatever format: `shape` has the batch, and text for a size that is free."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int | str, ...]: ...


def has_free(ports: Sequence[Port]) -> bool:
    """Whether sizes beside the batch are free."""
    return any(isinstance(size, str) for port in ports for size in port.shape[1:])


def wanted_of_ports(
    inputs: Sequence[Port], outputs: Sequence[Port], held: Mapping[str, Any] = MappingProxyType({})
) -> Wanted:
    """What a file's declared inputs and outputs say, before the model is opened; `held` are other inputs, with the values that they are held at."""
    return Wanted(
        held=dict(held),
        names=tuple(port.name for port in inputs),
        output_names=tuple(port.name for port in outputs),
        input_shapes=tuple(
            tuple(size if isinstance(size, int) else None for size in port.shape[1:]) for port in inputs
        ),
    )


def wanted_of(facts: ModelFacts, held: Mapping[str, Any] = MappingProxyType({})) -> Wanted:
    """What the model with these facts takes and gives; `held` are the values of its inputs that are held."""
    loss = facts.losses[0] if facts.losses else None
    return Wanted(
        names=tuple(tensor.name for tensor in facts.inputs),
        output_names=tuple(tensor.name for tensor in facts.outputs),
        input_shapes=tuple(tensor.shape for tensor in facts.inputs),
        output_shapes=tuple(tensor.shape for tensor in facts.outputs),
        classes=facts.outputs[0].shape[-1] if facts.outputs and facts.outputs[0].shape else None,
        kind=facts.output_kinds[0] if facts.output_kinds else None,
        regresses=(loss or "").startswith(_DISTANCES),
        held=dict(held),
    )
