"""The nodes of an opened model's main graph, and which operators a delegate has taken.

The interpreter tells its nodes by methods of its wrapper that are not public; where they are missing, nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edgekit.measure.runtimes.interface import Session

_DELEGATE = "DELEGATE"
_ERRORS = (RuntimeError, ValueError)
Node = tuple[str, tuple[int, ...], tuple[int, ...]]


def nodes_of(session: Session) -> list[Node] | None:
    """Name, inputs and outputs of each node of the main graph, a delegate's among them; None where it does not tell."""
    wrapper: Any = getattr(getattr(session, "_interpreter", None), "_interpreter", None)
    try:
        return [
            (str(wrapper.NodeName(place)), tuple(wrapper.NodeInputs(place)), tuple(wrapper.NodeOutputs(place)))
            for place in range(wrapper.NumNodes())
        ]
    except (AttributeError, TypeError, *_ERRORS):
        return None


def delegated(nodes: Sequence[Node]) -> tuple[int, int]:
    """How many operators there are, and how many of them lead to what a delegate gives without passing what it takes."""
    own = [node for node in nodes if node[0] != _DELEGATE]
    writers = {tensor: place for place, (_, _, outputs) in enumerate(own) for tensor in outputs}
    taken: set[int] = set()
    for _, entering, leaving in (node for node in nodes if node[0] == _DELEGATE):
        waiting, stops = list(leaving), set(entering)
        for tensor in _drained(waiting):
            place = writers.get(tensor)
            if place is not None and place not in taken:
                taken.add(place)
                waiting += [given for given in own[place][1] if given not in stops]
    return len(own), len(taken)


def _drained(waiting: list[int]) -> Iterator[int]:
    while waiting:
        yield waiting.pop()
