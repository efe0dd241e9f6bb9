"""A graph without some of its channels: new layers of fewer filters, with what constant channels added in their biases."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.affine import DEPTHWISE, TRANSPOSED
from edgekit.passes.channels.dead import Dead
from edgekit.passes.channels.ranges import Channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import Rewriting, weighted


def narrowed(tools: Any, graph: FlatGraph, channels: Channels, dead: Dead) -> FlatGraph:
    """The graph without its dead channels; layers keep their names, and those that lose nothing are the user's own.

    What a channel that is constant adds to sums goes into their biases; one that is alive is left out, with what it adds. Channels that are
    tied (`ties`) must be dead together, and some of each value stay.
    """
    places = [call for call in graph.calls if any(value in dead for value in (*call.inputs, *call.outputs))]
    rewriting = Rewriting(tools, graph, places)
    instead: dict[Value, Value] = {}
    for call in places:
        taking = call.taking(instead)
        made = rewriting.call(_layer(call, taking, channels, dead), *taking.args, **taking.kwargs)
        rewriting.put(call, made)
        instead[call.outputs[0]] = made
    return rewriting.done()


def _layer(call: Call, taking: Call, channels: Channels, dead: Dead) -> Any:
    """What is called in place of a call's layer, on values without their dead channels."""
    layer, (made,), (given, *_) = call.operation, call.outputs, call.inputs
    shape, stays = taking.inputs[0].shape, _stays(made, dead)
    if channels.roles[id(call)] is Role.SUMS:
        return _fewer_filters(call, channels, shape, _stays(given, dead), stays)
    if channels.roles[id(call)] is Role.GROUPED:
        return _fewer_groups(call, shape, stays)
    if kind(call) in DEPTHWISE:
        bias = [np.asarray(layer.bias)[stays]] if layer.use_bias else []
        return weighted(_again(layer), shape, np.asarray(layer.kernel)[..., _stays(given, dead), :], *bias)
    if kind(call) in ("BatchNormalization", "PReLU"):
        weights = (_of_those_that_stay(weight, stays) for weight in layer.get_weights())
        return weighted(_again(layer), shape, *weights)
    if kind(call) == "Reshape":
        return _again(layer, target_shape=(*made.shape[:-1], int(stays.sum())))
    return layer


def _of_those_that_stay(weight: np.ndarray, stays: np.ndarray) -> np.ndarray:
    """A weight for each channel without those that go; one that all channels share, such as a slope of `PReLU`, as it is."""
    return weight[..., stays] if weight.shape[-1] == stays.size else weight


def _fewer_filters(
    call: Call, channels: Channels, shape: tuple[int | None, ...], read: np.ndarray, stays: np.ndarray
) -> Any:
    """A dense layer or a convolution of the filters that stay, over the channels that stay."""
    layer, known = call.operation, channels.ranges.get(call.inputs[0])
    kernel, found = np.asarray(layer.kernel), channels.kernels[id(call)]
    bias, added = found.bias, np.zeros_like(found.bias)
    if known is not None and not found.pads:
        constant = np.where(known.is_constant & ~read, known.low, 0.0)
        added = constant @ found.weights.sum(axis=0, dtype=np.float64)
    has_bias = layer.use_bias or bool(added[stays].any())
    width = "units" if kind(call) == "Dense" else "filters"
    made = _again(layer, **{width: int(stays.sum()), "use_bias": has_bias})
    rows, columns = (stays, read) if kind(call) in TRANSPOSED else (read, stays)
    weights = [kernel[..., rows, :][..., columns], *([(bias + added)[stays]] if has_bias else [])]
    return weighted(made, shape, *weights)


def _fewer_groups(call: Call, shape: tuple[int | None, ...], stays: np.ndarray) -> Any:
    """A grouped convolution of the groups whose filters stay."""
    layer, weights = call.operation, call.operation.get_weights()
    filters, in_group = int(stays.sum()), stays.size // call.operation.groups
    made = _again(layer, filters=filters, groups=filters // in_group)
    return weighted(made, shape, *(weight[..., stays] for weight in weights))


def _again(layer: Any, **changes: Any) -> Any:
    return type(layer).from_config(layer.get_config() | changes)


def _stays(value: Value, dead: Dead) -> np.ndarray:
    channels = value.shape[-1] or 0
    return ~dead[value] if value in dead else np.ones(channels, bool)
