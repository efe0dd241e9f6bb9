"""Dense layers and convolutions: each filter is a sum over all channels of the input, or over those of its group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.affine import CONVOLUTIONS, TRANSPOSED, pads_nothing
from edgekit.passes.channels.curves import curve
from edgekit.passes.channels.kernels import Reading, reading, sums
from edgekit.passes.channels.layers.grouped import loses_whole_groups
from edgekit.passes.channels.layers.interface import Family, Fewer, again
from edgekit.passes.channels.layout import Stays, Weight, whole
from edgekit.passes.channels.numbers import Range, anything, curved
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.sections import Sections
from edgekit.passes.kinds import kind


class Filters(Family):
    """A kernel of (.., input channels, filters), in a transposed convolution (.., filters, input channels), and a bias by filter."""

    kinds = ("Dense", *CONVOLUTIONS, *TRANSPOSED)
    role = Role.SUMS

    def takes(self, call: Call) -> bool:
        """One group of filters, or some that all stay."""
        return not loses_whole_groups(call)

    def weights(self, call: Call) -> tuple[Weight, ...]:
        """Kernel and bias."""
        layer, (given,), (made,) = call.operation, call.inputs, call.outputs
        summed, filters = (-1, -2) if kind(call) in TRANSPOSED else (-2, -1)
        kernel = Weight(layer.kernel, {summed: whole(given), filters: whole(made)}, summed, _groups(call))
        return (kernel, Weight(layer.bias, {-1: whole(made)})) if layer.use_bias else (kernel,)

    def readings(self, call: Call) -> tuple[Reading, ...]:
        """The kernel. A transposed convolution counts as padded: it sees more of its input at some places than at others."""
        kernel, *bias = self.weights(call)
        added = np.asarray(bias[0].variable, np.float64) if bias else np.zeros(kernel.made.size)
        return (reading(kernel, added, pads=kind(call) in TRANSPOSED or not pads_nothing(call)),)

    def sections(self, call: Call) -> tuple[Sections, ...]:
        """What it takes and makes, where it has groups."""
        number = _groups(call)
        return () if number == 1 else (Sections(call.inputs[0], number), Sections(call.outputs[0], number))

    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """The sums behind the activation."""
        (one,), end = readings, curve(call)
        return anything(one.made.size) if end is None else curved(sums(one.kernel, given), end)

    def fewer(self, call: Call, stays: Stays, added: Sequence[np.ndarray]) -> Fewer:
        """The filters that stay, over the channels that stay; a layer without a bias gets one for what is added."""
        layer, (kernel, *bias), (more,) = call.operation, self.weights(call), added
        kept = stays(kernel.made)
        has_bias = layer.use_bias or bool(more[kept].any())
        size = "units" if kind(call) == "Dense" else "filters"
        made = again(layer, **{size: int(kept.sum()), "use_bias": has_bias})
        total = more + np.asarray(bias[0].variable, np.float64) if bias else more
        return Fewer(made, [kernel.left(stays), *([total[kept]] if has_bias else [])])


def _groups(call: Call) -> int:
    return int(getattr(call.operation, "groups", 1))
