"""What a family of layers says of its weights by channel. A family holds no state and knows no graph: a call is all that it sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.channels.curves import curve
from edgekit.passes.channels.kernels import Reading
from edgekit.passes.channels.layout import Stays, Weight
from edgekit.passes.channels.numbers import Range
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.sections import Sections


class Fewer(NamedTuple):
    """A layer of fewer channels, not yet built, and its weights in their order."""

    layer: Any
    weights: Sequence[np.ndarray]


class Family(ABC):
    """Layers of Keras whose weights lie by channel in one way."""

    kinds: ClassVar[tuple[str, ...]]
    """The classes of its layers; families may share one, as convolutions with groups and without."""
    role: ClassVar[Role]
    """What such a layer does with channels."""

    def takes(self, call: Call) -> bool:
        """Whether channels are followed through a call of one of its kinds."""
        return True

    @abstractmethod
    def weights(self, call: Call) -> tuple[Weight, ...]:
        """All weights of the layer, in the order in which it is given them."""

    def readings(self, call: Call) -> tuple[Reading, ...]:
        """What its kernels read, with their numbers as they are now, in the order of the weights that have sums over channels."""
        return ()

    def ends_by_channel(self, call: Call) -> bool:
        """Whether what follows the sums is done with each channel alone."""
        return curve(call) is not None

    def pairs(self, call: Call) -> np.ndarray | None:
        """By (any, number) the channels of the outcome that can go only together; None where each can go alone."""
        return None

    def sections(self, call: Call) -> tuple[Sections, ...]:
        """The values of which as many channels must stay in each section."""
        return ()

    @abstractmethod
    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """The range of what it makes of an input of a range."""

    @abstractmethod
    def fewer(self, call: Call, stays: Stays, added: Sequence[np.ndarray]) -> Fewer:
        """The layer of the channels that stay; `added` holds of each kernel with sums what inputs that go add to each of its filters."""


def again(layer: Any, **changes: Any) -> Any:
    """A layer of the same settings but for some, not yet built."""
    return type(layer).from_config(layer.get_config() | changes)


def is_bound(layer: Any) -> bool:
    """Whether a constraint holds its weights, or a loss looks at what it makes."""
    names = [name for name in vars(layer) if name.endswith("_constraint") or name == "activity_regularizer"]
    return any(getattr(layer, name) is not None for name in names)
