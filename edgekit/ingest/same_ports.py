"""Whether another network can stand in a model's place: it takes what the model takes, and gives what the model gives.

Pure: two models' facts are compared. Names may differ; a file keeps those of the model.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import ModelError


def require_same_ports(model: ModelFacts, other: ModelFacts, *, where: str) -> None:
    """Raise `ModelError` with the first input or output of `other` that is not as the model's, in its place.

    A size that one of them leaves free is that of the other. Inputs of the same names must stand in the model's order.
    """
    for side, mine, theirs in (("input", model.inputs, other.inputs), ("output", model.outputs, other.outputs)):
        if len(mine) != len(theirs):
            raise _not_as(where, f"another number of {side}s", len(theirs), f"{len(mine)}, as the model has")
        _require_order(side, mine, theirs, where)
        for place, (wanted, found) in enumerate(zip(mine, theirs, strict=True)):
            if wanted.dtype != found.dtype or not _same_shape(wanted.shape, found.shape):
                what = f"{side} {place} ({found.name}) is not as the model's {wanted.name}"
                raise _not_as(where, what, _shown(found), _shown(wanted))
    for place, (end, its) in enumerate(zip(model.output_kinds, other.output_kinds, strict=True)):
        if end != its:
            raise _not_as(where, f"output {place} ends otherwise than the model's", its, f"{end}, as the model's")


def _require_order(side: str, mine: Sequence[TensorFacts], theirs: Sequence[TensorFacts], where: str) -> None:
    """Refuse the same names in another order: samples are passed by their place."""
    names, others = ([tensor.name for tensor in found] for found in (mine, theirs))
    if names != others and sorted(names) == sorted(others):
        raise _not_as(where, f"the {side}s are in another order", ", ".join(others), ", ".join(names))


def _same_shape(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    sizes = zip(one, other, strict=False)
    return len(one) == len(other) and all(None in pair or pair[0] == pair[1] for pair in sizes)


def _shown(tensor: TensorFacts) -> str:
    """A tensor's shape and dtype in words; a size that is free is `?`."""
    shape = ", ".join("?" if size is None else str(size) for size in tensor.shape)
    return f"({shape}) of {tensor.dtype}"


def _not_as(where: str, what: str, received: object, allowed: str) -> ModelError:
    return ModelError(
        f"the student cannot stand in the model's place: {what}", where=where, received=received, allowed=allowed,
        next_step="make the student with the inputs and outputs of the model: the same shapes, dtypes and ends, in the same order",
    )  # fmt: skip
