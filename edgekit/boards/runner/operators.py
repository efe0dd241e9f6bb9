"""Which operators a delegate really took, which stayed on the runtime's own kernels, and why more is not known.

In the interpreter's list a delegate is a node behind the others, with its input and output tensors. The nodes it took are
those on the way from its inputs to its outputs.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple

from .interpreter import Session

_MOST_NAMES = 10_000
NO_PROFILE = "neither LiteRT's Python interpreter nor tflite-runtime's hands out its profiler"
NOT_TOLD = "this runtime does not tell its nodes"
Node = Tuple[str, Sequence[int], Sequence[int]]


def described(session: Session, asked: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """`operators` and `delegate` of the document; the session must have been prepared."""
    nodes = session.nodes()
    if nodes is None:
        return (
            {"total": None, "by_delegate": None, "left": None, "profile": None, "reason": NOT_TOLD + "; " + NO_PROFILE},
            {"asked": asked, "active": None, "reason": NOT_TOLD},
        )
    own, delegates = split(nodes)
    before = session.asked_nodes
    groups = [("asked for", delegates[:before]), ("xnnpack", delegates[before:])]
    taken = {name: set().union(*[reached(own, node) for node in group]) for name, group in groups}
    left = [name for place, (name, _, _) in enumerate(own) if not any(place in found for found in taken.values())]
    path = asked not in ("xnnpack", "none")
    asked = asked[:500]
    counts = {"xnnpack": len(taken["xnnpack"]), "none": len(left)}
    if path:
        counts = {"asked for": len(taken["asked for"]), **counts}
    subgraphs = session.subgraphs() or 1
    others = f" ({subgraphs - 1} further graphs of the file are not counted)" if subgraphs > 1 else ""
    operators = {
        "total": len(own),
        "by_delegate": counts,
        "left": left[:_MOST_NAMES],
        "profile": None,
        "reason": "no time per operator: " + NO_PROFILE + others,
    }
    return operators, _verdict(asked, counts["asked for" if path else "xnnpack"], len(own), len(delegates))


def split(nodes: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The model's own nodes, and the delegates'."""
    return [node for node in nodes if node[0] != "DELEGATE"], [node for node in nodes if node[0] == "DELEGATE"]


def reached(own: Sequence[Node], delegate: Node) -> set[int]:
    """Indices of the nodes that lead to a delegate's outputs and come after its inputs.

    >>> own = [("CONV_2D", [0], [1]), ("RELU", [1], [2]), ("SOFTMAX", [2], [3])]
    >>> reached(own, ("DELEGATE", [0], [2]))
    {0, 1}
    """
    producer = {tensor: place for place, (_, _, outputs) in enumerate(own) for tensor in outputs}
    inside: set[int] = set()
    entering = set(delegate[1])
    waiting = list(delegate[2])
    while waiting:
        place = producer.get(waiting.pop())
        if place is not None and place not in inside:
            inside.add(place)
            waiting += [tensor for tensor in own[place][1] if tensor not in entering]
    return inside


def _verdict(asked: str, took: int, total: int, delegates: int) -> dict[str, Any]:
    reason: str | None = None
    if asked == "none":
        reason = "a delegate took operators all the same" if delegates else "none was asked for"
        return {"asked": asked, "active": delegates > 0, "reason": reason}
    if took == 0:
        reason = f"it took none of the {total} operators: all of them run without it"
    elif took < total:
        reason = f"it took {took} of {total} operators"
    return {"asked": asked, "active": took > 0, "reason": reason}
