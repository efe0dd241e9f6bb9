"""What each channel of a group is worth, by one of three criteria; none is the best for every model.

norm
    The Euclidean norm of a channel's filters; of a recurrent unit, of its columns in all gates.
scale
    The size of the scale of the batch normalization behind them, as in Liu et al., "Learning Efficient Convolutional Networks through
    Network Slimming" (arXiv 1708.06519).
taylor
    How much the training loss is predicted to change without the channel, to the first order: the sum of weight times gradient over all
    that reads it, per batch; after Molchanov et al. (arXiv 1611.06440, 1906.10771). What is summed is of the readers, not of the filters
    themselves: behind a batch normalization the latter is always zero. A recurrent unit is read by its layer too.

Layers have weights of different size, so a norm or scale counts beside those of its layer: its square as a share of the squares of all that
are no smaller, which Lee et al. (arXiv 2010.07611) show to be right for one ranking over all layers. A change of the loss needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.channels.groups import Group, channel_groups, scales_of
from edgekit.passes.channels.kernels import squares_of
from edgekit.passes.channels.layout import Weight
from edgekit.passes.channels.ranges import Channels, read_channels

Criterion = Literal["norm", "scale", "taylor"]
Importance = list[np.ndarray]
"""By group, what each of its channels is worth."""
Slopes = Callable[[list[Any]], Iterable[Sequence[np.ndarray]]]


class State(NamedTuple):
    """A graph with the groups that it has now."""

    graph: FlatGraph
    channels: Channels
    groups: tuple[Group, ...]


def state_of(graph: FlatGraph) -> State:
    """Find the groups of a graph, with its weights as they are now."""
    channels = read_channels(graph)
    return State(graph, channels, channel_groups(graph, channels))


def by_norm(state: State) -> Importance:
    """The norms of the filters that make a channel."""

    def norms(call: Call) -> np.ndarray:
        return np.asarray(np.sqrt(squares_of(state.channels.readings[id(call)], call.outputs[0].shape[-1] or 0)))

    return [
        sum(
            (placed(_beside_larger(norms(call)), group.members[call.outputs[0]], group.size) for call in group.makers),
            np.zeros(group.size),
        )
        for group in state.groups
    ]


def by_scale(state: State) -> Importance | None:
    """The scales of the batch normalizations of a channel; None where a group has none."""
    found = []
    for group in state.groups:
        own = scales_of(state.graph, group)
        if not own:
            return None
        parts = [
            placed(_beside_larger(np.asarray(call.operation.gamma)), group.members[call.inputs[0]], group.size)
            for call in own
        ]
        found.append(sum(parts, np.zeros(group.size)))
    return found


def unscaled(state: State) -> list[str]:
    """By group without a batch normalization that has a scale, the layer that makes its channels."""
    return [
        group.makers[0].name if group.makers else "a group"
        for group in state.groups
        if not scales_of(state.graph, group)
    ]


def by_taylor(state: State, slopes: Slopes) -> Importance:
    """The mean change of the loss over batches; `slopes` gives, batch by batch, the gradient by each of some kernels."""
    reads = [group.reads for group in state.groups]
    weights = list({_key(one.weight): one.weight for own in reads for one in own}.values())
    kernels = [np.asarray(weight.variable) for weight in weights]
    found = [np.zeros(group.size) for group in state.groups]
    for by_kernel in slopes([weight.variable for weight in weights]):
        changes = {
            _key(weight): weight.by_given(kernel * slope)
            for weight, kernel, slope in zip(weights, kernels, by_kernel, strict=True)
        }
        for total, own in zip(found, reads, strict=True):
            parts = (placed(changes[_key(one.weight)], one.which, total.size) for one in own)
            total += abs(sum(parts, np.zeros(total.size)))
    return found


def _key(weight: Weight) -> tuple[int, int | None]:
    """What tells kernels, and the ways in which one is taken: by what its sums run over, or by what they make."""
    return id(weight.variable), weight.summed


def placed(numbers: np.ndarray, which: np.ndarray, size: int) -> np.ndarray:
    """The sums of a value's numbers by the channels of the group that they belong to."""
    found = np.zeros(size)
    np.add.at(found, which[which >= 0], numbers[which >= 0])
    return found


def _beside_larger(sizes: np.ndarray) -> np.ndarray:
    """The square of each number as a share of the squares of all that are no smaller."""
    squares = np.asarray(sizes, np.float64) ** 2
    order = np.argsort(squares, kind="stable")
    rest = np.cumsum(squares[order][::-1])[::-1]
    found = np.zeros_like(squares)
    found[order] = np.divide(squares[order], rest, out=np.zeros_like(rest), where=rest > 0)
    return found
