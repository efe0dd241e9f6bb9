"""What a model costs with fewer channels: the lowered graph with so many left of each group, and the widths that meet a budget.

It is exact: the graph is the one that the narrower model itself would be lowered to. It is for a graph in float32, before a technique stores
its weights otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from edgekit.cost.budgets import held
from edgekit.cost.graph import Budget, Graph, Node
from edgekit.cost.widths import floor_of, step_of
from edgekit.cost.work_time import WorkTime
from edgekit.documents.facts import ChannelGroup


def narrower(graph: Graph, widths: Sequence[int]) -> Graph:
    """The graph of which so many channels of each group stay, from one to all of them, in the order of `graph.groups`."""
    gone: dict[str, int] = {}
    unread: dict[str, int] = {}
    for group, width in zip(graph.groups, widths, strict=True):
        for lost, places in ((gone, group.layers), (unread, group.reads)):
            for name, count in places.items():
                lost[name] = lost.get(name, 0) + count - _part(count, width, group.size)
    widths_of = {node.name: node.width for node in graph.nodes}

    def narrow(node: Node) -> Node:
        first = node.inputs[0] if node.inputs else ""
        of = widths_of.get(first, 1)
        found = _narrower(node, gone.get(node.name, 0), unread.get(node.name, 0))
        return _of_groups_left(found, node, of - gone.get(first, 0), of)

    nodes = tuple(map(narrow, graph.nodes))
    return replace(graph, nodes=nodes, groups=tuple(map(_left, graph.groups, widths)))


def uniform(
    graph: Graph, *, budget: Budget, left: float, multiple: int, time: WorkTime | None = None
) -> tuple[int, ...]:
    """The widths of about the same share of every group, the largest that leave at most the share `left` (0 to 1) of a budget.

    Budgets are the weights, the multiply-accumulates, the peak of the activations that are alive at once, by `cost/ram`, and the latency by `time`. Widths are multiples
    of `multiple` or a whole group, in groups of less than twice that any number; never less than the group's floor (`widths`). Where that is still
    more than the budget, these least widths are the answer.
    """
    allowed = [_allowed(group, multiple) for group in graph.groups]
    # a group goes on to its next width in the middle between the two, by shares
    steps = [(found[1:] + found[:-1]) / (2 * group.size) for found, group in zip(allowed, graph.groups, strict=True)]
    most = left * held(graph, budget, time)

    def at(share: float) -> tuple[int, ...]:
        return tuple(
            int(found[np.searchsorted(step, share, side="right")]) for found, step in zip(allowed, steps, strict=True)
        )

    shares = [0.0, *np.unique(np.concatenate(steps))] if steps else [0.0]
    fits, too_many = 0, len(shares)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if held(narrower(graph, at(shares[middle])), budget, time) <= most:
            fits = middle
        else:
            too_many = middle
    return at(shares[fits])


def _part(number: int, left: int, of: int) -> int:
    """What is left of a number that is in equal parts; the division has no rest."""
    return number * left // of


def _narrower(node: Node, gone: int, unread: int) -> Node:
    """An operator with fewer channels in its output, and in what its kernel reads."""
    if not gone and not unread:
        return node
    left, of, reads = node.width - gone, node.width, node.reads - unread

    def by_both(number: int) -> int:
        if not node.reads and number < of:  # what all channels share
            return number
        return _part(number, left * reads, of * node.reads) if node.reads else _part(number, left, of)

    return replace(
        node,
        elements=_part(node.elements, left, of),
        weights=by_both(node.weights),
        biases=_part(node.biases, left, of),
        channels=_part(node.channels, left, of),
        macs=by_both(node.macs),
        window=_part(node.window, reads, node.reads) if node.reads else node.window,
        width=left,
        reads=reads,
    )


def _of_groups_left(narrow: Node, node: Node, left: int, of: int) -> Node:
    """A narrower operator with the groups of filters that it has left: as many as its input has times the channels that a filter reads; of these `left` stay of `of`."""
    if node.filter_groups == 1:
        return narrow
    return replace(narrow, filter_groups=_part(node.filter_groups, left * node.reads, of * narrow.reads))


def _left(group: ChannelGroup, width: int) -> ChannelGroup:
    layers, reads = (
        {name: _part(count, width, group.size) for name, count in places.items()}
        for places in (group.layers, group.reads)
    )
    return replace(group, size=width, layers=layers, reads=reads)


def _allowed(group: ChannelGroup, multiple: int) -> np.ndarray:
    """The widths that a group may have, rising, in float64 for the shares between them."""
    size, made = group.size, next(iter(group.layers.values()), group.size)
    each = max(1, made // size)
    floor, step = floor_of(size, multiple, each=each), step_of(size, multiple, each=each)
    return np.append(np.arange(floor, size, step, dtype=np.float64), float(size))
