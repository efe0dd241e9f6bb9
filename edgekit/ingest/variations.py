"""Which variations of `[training] augment` each input of a model takes, decided by shapes and dtypes alone.

Nothing is varied here: `edgekit.make.workshop.augment` does that, by the decisions made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from edgekit.documents.facts import TensorFacts
from edgekit.errors import ProjectError
from edgekit.project.project_file import AugmentTable

Kind = Literal["image", "sequence", "row of values", "integers"]
MOST_CHANNELS = 4
"""A third dimension of at most so many is colour (and alpha); a longer one holds features."""
TAKES: dict[Kind, tuple[str, ...]] = {
    "image": ("flip", "shift", "crop", "colour", "noise"),
    "sequence": ("shift", "noise"),
    "row of values": ("noise",),
    "integers": (),
}
MOVES = ("flip", "shift", "crop")
"""These move the content of a sample, so a target that describes each place would have to move along."""
WHERE = "[training] augment"


def kind_of(tensor: TensorFacts) -> Kind:
    """What an input holds: an image is (height, width, channels) with few channels; a sequence has its steps first.

    >>> kind_of(TensorFacts(name="x", shape=(32, 32, 3), dtype="float32"))
    'image'
    >>> kind_of(TensorFacts(name="x", shape=(128, 6), dtype="float32"))
    'sequence'
    """
    if len(tensor.shape) == 3 and (tensor.shape[-1] or 0) in range(1, MOST_CHANNELS + 1):
        return "image"
    if not tensor.dtype.startswith(("float", "bfloat")):
        return "integers"  # tokens or categories: the next number is an unrelated one
    return "sequence" if len(tensor.shape) > 1 else "row of values"


def variations(
    augment: AugmentTable, inputs: Sequence[TensorFacts], outputs: Sequence[TensorFacts]
) -> tuple[AugmentTable, ...]:
    """The variations that each input takes.

    Raises `ProjectError` for one that no input takes, or that moves content although targets describe each place.
    """
    named = {name: value for name, value in msgspec.structs.asdict(augment).items() if value is not None}
    dense = next((tensor for tensor in outputs if len(tensor.shape) > 1), None)
    for name in named:
        if not any(name in TAKES[kind_of(tensor)] for tensor in inputs):
            raise ProjectError(
                f"no input of the model takes {name}",
                where=f"{WHERE}: {name}",
                received=", ".join(f"{tensor.name!r} {_text(tensor)}: {kind_of(tensor)}" for tensor in inputs),
                allowed=_allowed(inputs),
                next_step=_next_step(name, inputs),
            )
        if name in MOVES and dense is not None:
            raise ProjectError(
                f"{name} would move the inputs and leave the targets where they are",
                where=f"{WHERE}: {name}",
                received=f"the output {dense.name!r} {_text(dense)}, which says something of each place",
                allowed="colour, noise",
                next_step=f"take {name} out, or vary inputs and targets together in a data function of your own",
            )
    return tuple(
        AugmentTable(**{name: value for name, value in named.items() if name in TAKES[kind_of(tensor)]})
        for tensor in inputs
    )


def _text(tensor: TensorFacts) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in tensor.shape)}) {tensor.dtype}"


def _allowed(inputs: Sequence[TensorFacts]) -> str:
    taken = [name for name in TAKES["image"] if any(name in TAKES[kind_of(tensor)] for tensor in inputs)]
    return ", ".join(taken) or "nothing: whole numbers that are no image are not varied"


def _next_step(name: str, inputs: Sequence[TensorFacts]) -> str:
    if any(kind_of(tensor) == "sequence" and len(tensor.shape) == 2 for tensor in inputs):
        return f"take {name} out; an image without a channel axis is one where the model takes (height, width, 1)"
    if name == "shift" and any(kind_of(tensor) == "row of values" for tensor in inputs):
        return "take shift out; a signal is a sequence where the model takes (steps, 1)"
    return f"take {name} out"
