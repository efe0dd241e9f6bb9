"""Convolutions of more groups than channels in each: a filter sums the channels of its group, and a group goes with all its filters.

One of fewer groups keeps them all, and loses as many channels of each (`filters`): of both ways that is the one with more numbers to choose from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.affine import CONVOLUTIONS
from edgekit.passes.channels.curves import curve
from edgekit.passes.channels.kernels import Reading
from edgekit.passes.channels.layers.interface import Family, Fewer, again
from edgekit.passes.channels.layout import Stays, Weight, whole
from edgekit.passes.channels.numbers import Range, anything
from edgekit.passes.channels.roles import Role


class Grouped(Family):
    """A kernel of (.., input channels of a group, filters) and a bias by filter."""

    kinds = CONVOLUTIONS
    role = Role.GROUPED

    def takes(self, call: Call) -> bool:
        """Many groups, and an activation of each number alone."""
        return loses_whole_groups(call) and curve(call) is not None

    def weights(self, call: Call) -> tuple[Weight, ...]:
        """Kernel and bias; the kernel's own input channels are those of any group, and stay."""
        made = whole(call.outputs[0])
        return tuple(Weight(variable, {-1: made}) for variable in call.operation.weights)

    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """Not followed."""
        return anything(call.outputs[0].shape[-1] or 0)

    def fewer(self, call: Call, stays: Stays, added: Sequence[np.ndarray]) -> Fewer:
        """The groups whose filters stay."""
        layer, kept = call.operation, stays(whole(call.outputs[0]))
        filters, in_group = int(kept.sum()), kept.size // layer.groups
        made = again(layer, filters=filters, groups=filters // in_group)
        return Fewer(made, [weight.left(stays) for weight in self.weights(call)])


def loses_whole_groups(call: Call) -> bool:
    """Whether a call is of a convolution with several groups, and as many as there are channels in each, or more."""
    groups = int(getattr(call.operation, "groups", 1))
    return groups > 1 and groups * groups >= min(value.shape[-1] or 0 for value in (*call.inputs, *call.outputs))
