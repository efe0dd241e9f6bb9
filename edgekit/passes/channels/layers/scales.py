"""Layers of numbers by channel: the scales and offsets of batch normalization, the slopes of `PReLU`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.affine import affine
from edgekit.passes.channels.kernels import Reading
from edgekit.passes.channels.layers.interface import Family, Fewer, again
from edgekit.passes.channels.layout import Stays, Weight, whole
from edgekit.passes.channels.numbers import NEGLIGIBLE, Range, anything, scaled
from edgekit.passes.channels.roles import Role


class _ByChannel(Family):
    role = Role.ALIKE

    def weights(self, call: Call) -> tuple[Weight, ...]:
        """Each by channel along its last axis, but for what all channels share."""
        made = whole(call.outputs[0])
        return tuple(Weight(one, {-1: made} if one.shape[-1] == made.size else {}) for one in call.operation.weights)

    def fewer(self, call: Call, stays: Stays, added: Sequence[np.ndarray]) -> Fewer:
        """The numbers of the channels that stay."""
        return Fewer(again(call.operation), [weight.left(stays) for weight in self.weights(call)])


class BatchNormalization(_ByChannel):
    """Scale, offset, mean and variance by channel."""

    kinds = ("BatchNormalization",)

    def takes(self, call: Call) -> bool:
        """Along the last axis."""
        return affine(call) is not None

    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """Scaled and moved; a scale that is nothing beside the others is none."""
        found = affine(call)
        if found is None:
            return anything(call.outputs[0].shape[-1] or 0)
        sizes = np.abs(found.scale)
        return scaled(given, np.where(sizes <= NEGLIGIBLE * sizes.max(), 0.0, found.scale), found.offset)


class Slopes(_ByChannel):
    """Slopes by channel, by place and channel, or one for all channels."""

    kinds = ("PReLU",)

    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """Not followed: a slope may be of any sign."""
        return anything(call.outputs[0].shape[-1] or 0)
