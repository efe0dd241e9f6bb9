"""The one interface of every runtime: open a model, get a session, run arrays through it.

It knows tensors and shapes, and nothing about data sets, metrics or devices. A model that a runtime cannot run gives a
value (`Refused`); a native crash ends the child process, which the parent turns into a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

Shape = tuple[int, ...]


class Port(Value):
    """One input or output of a model: `index` of its tensor, `shape` with the batch, quantization if it has any.

    `free` marks the dimensions that the model leaves open (-1 in its shape signature). `signature` is the name
    that the SignatureDef gives the tensor; it stays right when the converter reorders inputs and outputs.
    """

    index: int
    name: str
    shape: Shape
    dtype: str
    scale: float | None = None
    zero_point: int | None = None
    free: tuple[bool, ...] = ()
    signature: str | None = None


class Refused(Value):
    """The runtime does not run this model, or not with these shapes; holds the reason."""

    reason: str


class Session(Protocol):
    """A model that is loaded, allocated and ready at fixed input shapes."""

    @property
    def inputs(self) -> tuple[Port, ...]: ...

    @property
    def outputs(self) -> tuple[Port, ...]: ...

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One inference from a fresh state: arrays with the batch, in the dtype and order of `inputs`."""
        ...

    def invoke(self) -> None:
        """One inference on the inputs that are set, without resetting the state: this is what a latency is measured on."""
        ...


class Runtime(Protocol):
    """A runtime that may or may not be installed."""

    name: str

    def describe(self) -> str:
        """Name and version for people; raises `MissingExtraError` if it is not installed."""
        ...

    def open(self, model: Path, *, shapes: Sequence[Shape] | None = None, threads: int = 1) -> Session | Refused:
        """A session with its inputs at `shapes` (the model's own by default); `Refused` if that is not possible."""
        ...
