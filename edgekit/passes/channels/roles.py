"""What a call can do with channels: mix them by a kernel, treat each alike, join, cut, flatten, shuffle or move them, multiply them, or something that is not known."""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Value


class Role(enum.Enum):
    """What a call does with channels."""

    SUMS = "each channel is made of sums over those of the input, and in a recurrent layer over its own"
    ALIKE = "channel by channel"
    GROUPED = "each channel is a sum over those of its group"
    JOINS = "the channels of the inputs one after another"
    CUTS = "some channels of the input, as they follow each other"
    FLATTENS = "the channels once for each place"
    PARTS = "the channels in rows: the last axis becomes two"
    TURNS = "rows become columns: the last two axes change places"
    UNITES = "the rows one after another: the last two axes become one"
    MOVES = "each channel as it is, along other axes than before"
    MATCHES = "sums over products of the channels of two values, of which none is left"
    CARRIES = "the channels of one value, summed over its places with weights from another"
    CLOSED = "not known, or not to be changed"


class Tie(NamedTuple):
    """Which channels of a value are tied to those of another, and by (any, such a channel) the other's channels."""

    given: Value
    which: np.ndarray
    made: Value
    places: np.ndarray
