"""The layers with weights that channels are followed through, one file a family.

A family says how its weights lie by channel (`interface`), and is named in `FAMILIES`; nothing else of edgekit tells its layers from others.
"""

from __future__ import annotations

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.channels.layers.depthwise import Depthwise
from edgekit.passes.channels.layers.filters import Filters
from edgekit.passes.channels.layers.grouped import Grouped
from edgekit.passes.channels.layers.interface import Family
from edgekit.passes.channels.layers.recurrent import Recurrent
from edgekit.passes.channels.layers.scales import BatchNormalization, Slopes
from edgekit.passes.channels.roles import Role
from edgekit.passes.kinds import kind

FAMILIES: tuple[Family, ...] = (Filters(), Grouped(), Depthwise(), BatchNormalization(), Slopes(), Recurrent())
KINDS = frozenset(name for family in FAMILIES for name in family.kinds)
"""The layers that are of a family, if it takes them."""
MAKERS = frozenset(name for family in FAMILIES if family.role in (Role.SUMS, Role.GROUPED) for name in family.kinds)
"""The layers that make channels of their own."""


def family_of(call: Call) -> Family | None:
    """The family that a call is followed by; None where there is none."""
    name = kind(call)
    return next((family for family in FAMILIES if name in family.kinds and family.takes(call)), None)
