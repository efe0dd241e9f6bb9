"""What a reader of data tells beside the arrays that it writes."""

from __future__ import annotations

from edgekit.ingest.held_seen import HeldSeen
from edgekit.values import Value


class Reading(Value):
    """`labels` are class names in their order, `notes` what a reader of the report must know of how the data were read.

    `keys` is what the source calls each array, by the name of its file without the ending: an array without an entry has no name there.
    `held` are the values of the data for held inputs that differ from those.
    """

    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    keys: dict[str, str] = {}
    held: tuple[HeldSeen, ...] = ()
