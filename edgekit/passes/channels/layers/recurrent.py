"""Recurrent layers: a unit is a channel with a column in each gate, and a row by which all units read what it was in the step before.

A layer in both directions is two of them over one input, whose units go in pairs: the first of one with the first of the other, so that both keep the
same number, which Keras and a budget of products need. A layer that keeps or gives out its state is not taken, nor one whose activations look across
units; one that is given a state or a mask has two inputs and is closed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.channels.curves import curve_of
from edgekit.passes.channels.kernels import Reading, reading, sums
from edgekit.passes.channels.layers.interface import Family, Fewer, again, is_bound
from edgekit.passes.channels.layout import Part, Stays, Weight, whole
from edgekit.passes.channels.numbers import Range, curved
from edgekit.passes.channels.roles import Role

GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
"""How many blocks the columns of a kernel are, each of all units."""
CANDIDATE = {"LSTM": 2, "GRU": 2, "SimpleRNN": 0}
"""The block that makes the new content of a unit; the others only weigh it against the old, or against zero."""
BOTH = "Bidirectional"
MERGES = ("concat", "sum", "ave", "mul")


class Direction(NamedTuple):
    """One layer of one direction, and which channels of the outcome its units are."""

    layer: Any
    units: Part


class Recurrent(Family):
    """By direction a kernel of (input channels, gates by units), a recurrent one of (units, gates by units), and a bias of one or two such rows."""

    kinds = (*GATES, BOTH)
    role = Role.SUMS

    def takes(self, call: Call) -> bool:
        """Keras's own layers without a kept state, whose gates treat each unit alone; in both directions as many units, merged into one value."""
        layers = _layers(call.operation)
        is_merged = len(layers) == 1 or call.operation.merge_mode in MERGES
        return is_merged and all(map(_is_followed, layers)) and len({layer.units for layer in layers}) == 1

    def weights(self, call: Call) -> tuple[Weight, ...]:
        """Kernel, recurrent kernel and bias of each direction."""
        return tuple(weight for one in _directions(call) for weight in _weights(call, one))

    def readings(self, call: Call) -> tuple[Reading, ...]:
        """Two kernels a direction. The recurrent one counts as padded: before the first step all units are zero."""
        return tuple(found for one in _directions(call) for found in _readings(call, one))

    def ends_by_channel(self, call: Call) -> bool:
        """Always, of what is taken."""
        return True

    def pairs(self, call: Call) -> np.ndarray | None:
        """The units of both directions where they stand one after another."""
        directions = list(_directions(call))
        starts = {one.units.first for one in directions}
        return None if len(starts) == 1 else np.arange(sum(one.units.size for one in directions)).reshape(2, -1)

    def made(self, call: Call, readings: Sequence[Reading], given: Range) -> Range:
        """Zero for units whose new content is always zero, where directions share a channel in both; of others nothing is known.

        A product with one such unit is zero too, but its recurrent kernels read the units themselves and not the product.
        """
        channels = call.outputs[0].shape[-1] or 0
        zero = np.zeros(channels, int)
        for place, one in enumerate(_directions(call)):
            zero[one.units.channels] += _zero_units(one.layer, readings[2 * place : 2 * place + 2], given)
        needed = len(_layers(call.operation)) if self.pairs(call) is None else 1
        return Range(np.where(zero >= needed, 0.0, -np.inf), np.where(zero >= needed, 0.0, np.inf))

    def fewer(self, call: Call, stays: Stays, added: Sequence[np.ndarray]) -> Fewer:
        """The units that stay, over the channels that stay."""
        parts = [_fewer(call, one, stays, added[2 * place]) for place, one in enumerate(_directions(call))]
        weights = [weight for _, own in parts for weight in own]
        if len(parts) == 1:
            return Fewer(again(call.operation, **parts[0][0]), weights)
        config = call.operation.get_config()
        for name, (settings, _) in zip(("layer", "backward_layer"), parts, strict=True):
            own = config[name]["config"] | settings
            config[name] = config[name] | {"config": own, "build_config": None}  # it is built by its new shapes
        return Fewer(type(call.operation).from_config(config), weights)


def _layers(layer: Any) -> list[Any]:
    """The layers of one direction each."""
    return [layer.forward_layer, layer.backward_layer] if type(layer).__name__ == BOTH else [layer]


def _is_followed(layer: Any) -> bool:
    if type(layer).__name__ not in GATES or not type(layer).__module__.startswith("keras."):
        return False
    curves = [layer.activation, getattr(layer, "recurrent_activation", None)]
    is_plain = not (layer.stateful or layer.return_state or is_bound(layer) or is_bound(layer.cell))
    return is_plain and all(curve_of(one) is not None for one in curves)


def _directions(call: Call) -> Iterator[Direction]:
    layers, (made,) = _layers(call.operation), call.outputs
    stand_apart = len(layers) == 2 and call.operation.merge_mode == "concat"
    for place, layer in enumerate(layers):
        yield Direction(layer, Part(made, place * layer.units if stand_apart else 0, layer.units))


def _weights(call: Call, one: Direction) -> tuple[Weight, ...]:
    cell, (given,) = one.layer.cell, call.inputs
    gates = one.units._replace(blocks=GATES[type(one.layer).__name__])
    kernel = Weight(cell.kernel, {-2: whole(given), -1: gates}, -2)
    recurrent = Weight(cell.recurrent_kernel, {-2: one.units, -1: gates}, -2)
    return (kernel, recurrent, Weight(cell.bias, {-1: gates})) if cell.use_bias else (kernel, recurrent)


def _readings(call: Call, one: Direction) -> tuple[Reading, Reading]:
    kernel, recurrent, *_ = _weights(call, one)
    of_input, of_units = _biases(one.layer, kernel)
    return reading(kernel, of_input, pads=False), reading(recurrent, of_units, pads=True)


def _biases(layer: Any, kernel: Weight) -> tuple[np.ndarray, np.ndarray]:
    """What is added to the sums over the input and to those over the units; only a GRU that resets after its sums has two biases."""
    nothing = np.zeros(kernel.made.size * kernel.made.blocks)
    if not layer.use_bias:
        return nothing, nothing
    first, *second = np.atleast_2d(np.asarray(layer.cell.bias, np.float64))
    return first, second[0] if second else nothing


def _zero_units(layer: Any, readings: Sequence[Reading], given: Range) -> np.ndarray:
    """Which units (bool) are zero in every step: their new content is, whatever the input, and they read only units that are zero too."""
    (of_input, of_units), end = readings, curve_of(layer.activation)
    units = of_units.given.size
    block = slice(CANDIDATE[type(layer).__name__] * units, (CANDIDATE[type(layer).__name__] + 1) * units)
    content = sums(of_input.kernel, given)
    if end is None or not _is_zero(curved(Range(np.zeros(1), np.zeros(1)), end))[0]:
        return np.zeros(units, bool)
    zero = _is_zero(curved(Range(*(side[block] for side in content)), end)) & (of_units.kernel.bias[block] == 0)
    reads = of_units.kernel.reads[:, block]
    while (fewer := zero & ~reads[~zero].any(axis=0)).sum() < zero.sum():
        zero = fewer
    return np.asarray(zero)


def _is_zero(given: Range) -> np.ndarray:
    return np.asarray((given.low == 0) & (given.high == 0))


def _fewer(call: Call, one: Direction, stays: Stays, more: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The settings and the weights of a direction of the units that stay; `more` is added to the sums over the input."""
    kernel, recurrent, *bias = _weights(call, one)
    kept = stays(kernel.made)
    has_bias = one.layer.use_bias or bool(more[kept].any())
    settings = {"units": int(stays(one.units).sum()), "use_bias": has_bias}
    rows = (2, more.size) if getattr(one.layer, "reset_after", False) else (more.size,)
    total = np.array(np.asarray(bias[0].variable), np.float64) if bias else np.zeros(rows)
    np.atleast_2d(total)[0] += more
    return settings, [kernel.left(stays), recurrent.left(stays), *([total[..., kept]] if has_bias else [])]
