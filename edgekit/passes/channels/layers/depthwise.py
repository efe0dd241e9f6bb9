"""Depthwise convolutions: each channel by itself, which may make several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.affine import DEPTHWISE, pads_nothing
from edgekit.passes.channels.curves import curve
from edgekit.passes.channels.kernels import Reading, depthwise_sums, kernel_of
from edgekit.passes.channels.layers.interface import Family, Fewer, again
from edgekit.passes.channels.layout import Stays, Weight, whole
from edgekit.passes.channels.numbers import Range, anything, curved
from edgekit.passes.channels.roles import Role


class Depthwise(Family):
    """A kernel of (.., input channels, channels made of each) and a bias by channel that is made."""

    kinds = DEPTHWISE
    role = Role.ALIKE

    def takes(self, call: Call) -> bool:
        """An activation of each number alone."""
        return curve(call) is not None

    def weights(self, call: Call) -> tuple[Weight, ...]:
        """Kernel and bias."""
        layer, (given,), (made,) = call.operation, call.inputs, call.outputs
        kernel = Weight(layer.kernel, {-2: whole(given)})
        return (kernel, Weight(layer.bias, {-1: whole(made)})) if layer.use_bias else (kernel,)

    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """The sums of each channel behind the activation."""
        layer, end = call.operation, curve(call)
        weights = np.asarray(layer.kernel)
        weights = weights.reshape(-1, *weights.shape[-2:])
        bias = np.asarray(layer.bias, np.float64) if layer.use_bias else np.zeros(weights[0].size)
        kernel = kernel_of(weights, bias, pads=not pads_nothing(call), by_channel=True)
        return anything(bias.size) if end is None else curved(depthwise_sums(kernel, given), end)

    def fewer(self, call: Call, stays: Stays, added: Sequence[np.ndarray]) -> Fewer:
        """The channels that stay; what is made of them follows from the input."""
        return Fewer(again(call.operation), [weight.left(stays) for weight in self.weights(call)])
