"""What a call can do with channels: mix them by a kernel, treat each alike, join, cut, flatten or shuffle them, or something that is not known."""

from __future__ import annotations

import enum


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
    CLOSED = "not known, or not to be changed"
