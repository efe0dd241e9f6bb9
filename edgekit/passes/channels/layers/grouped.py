"""Convolutions in groups: a filter sums the channels of its group, and a group goes with all its filters."""

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
        """Several groups, and an activation of each number alone."""
        return getattr(call.operation, "groups", 1) > 1 and curve(call) is not None

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
