"""How many bytes of tensors are alive at once when operators run in their order; it knows sizes and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Step = tuple[Sequence[int], Sequence[int]]


def peak_bytes(sizes: Mapping[int, int], steps: Sequence[Step], inputs: Iterable[int], kept: Iterable[int]) -> int:
    """The largest sum of sizes alive during one step.

    A tensor lives from the step that writes it (an input, or one that nothing writes, from the start) to the last
    step that reads it; `kept` ones live to the end. Tensors that are not in `sizes` weigh nothing.

    >>> peak_bytes({0: 4, 1: 8, 2: 2}, [([0], [1]), ([1], [2])], inputs=[0], kept=[2])
    12
    """
    first, last = _lifetimes(steps)
    first.update(dict.fromkeys(inputs, 0))
    last.update(dict.fromkeys(kept, len(steps) - 1))
    change = [0] * (len(steps) + 1)
    for tensor, size in sizes.items():
        if tensor in last:
            change[first.get(tensor, 0)] += size
            change[last[tensor] + 1] -= size
    alive = peak = 0
    for step in range(len(steps)):
        alive += change[step]
        peak = max(peak, alive)
    return peak


def _lifetimes(steps: Sequence[Step]) -> tuple[dict[int, int], dict[int, int]]:
    """The first and the last step that each tensor is needed in; one read before it is written lives from 0."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for number, (read, written) in enumerate(steps):
        for tensor in read:
            first.setdefault(tensor, 0)
            last[tensor] = number
        for tensor in written:
            first.setdefault(tensor, number)
            last[tensor] = max(last.get(tensor, number), number)
    return first, last
