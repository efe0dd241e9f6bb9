"""What a model or a file holds of a budget: weights of kernels, multiply-accumulates, the most elements of activations alive at once, or time by those.

Biases, scales and shifts are not counted: a file has other ones than its model. A call that needs no second array (a normalization, an
activation, whatever makes one number of one) works in place.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgekit.cost.graph import Budget
from edgekit.cost.work_time import WorkTime
from edgekit.documents.facts import RECURRENT
from edgekit.keras_graph.call_graph import calls, flat, inner_graph, symbolic
from edgekit.keras_graph.flat_graph import FlatGraph
from edgekit.techniques.sites import unwrapped
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels

Shape = tuple[int | None, ...]
STORES = ("QUANTIZE", "DEQUANTIZE", "CAST")
TRANSPOSITIONS = ("Permute", "Transpose")
"""What makes one number of one, and puts it elsewhere."""
BYTES = {"float32": 4, "int16x8": 2}
"""Bytes of an activation by the arithmetic of its operator; one where it is not here."""


class Work(NamedTuple):
    """One call as far as a budget counts it: its layer or operation, and the values that it takes and makes, with their shapes without the batch."""

    operation: Any
    given: Mapping[Hashable, Shape]
    made: Mapping[Hashable, Shape]


def works_of(graph: FlatGraph) -> list[Work]:
    """The work of a flat graph, in the order it is done."""
    return [
        Work(call.operation, {one: one.shape for one in call.inputs}, {one: one.shape for one in call.outputs})
        for call in graph.calls
    ]


def of_model(model: Any, budget: Budget, time: WorkTime | None = None) -> int:
    """What a flat model of either Keras holds, also one with simulated rounding in it; of the latency, the nanoseconds of its work by `time`."""
    works = [
        Work(operation, _tensors(symbolic([args, kwargs])), _tensors(flat(produced)))
        for operation, args, kwargs, produced in calls(inner_graph(model))
    ]
    macs = sum(kernel_weights(work.operation) * positions(work) for work in works)
    weights = sum(map(kernel_weights, {id(work.operation): work.operation for work in works}.values()))
    if budget == "latency" and time is not None:
        return round(time.work_ns(macs=macs, weights=weights, elements=sum(written(works).values())))
    if budget != "activations":
        return macs if budget == "macs" else weights
    sizes = {value: elements(shape) for work in works for value, shape in (*work.given.items(), *work.made.items())}
    lives = lifetimes(works, [id(tensor) for tensor in flat(model.outputs)])
    return max(_alive(lives, sizes, len(works)), default=0)


def of_file(tflite: TfliteModel, budget: Budget, time: WorkTime | None = None) -> int:
    """What a file holds, counted in its operators and their tensors; of the latency, the nanoseconds of its work by `time`."""
    weights = sum(kernel.array.size for kernel in kernels(tflite))
    if budget == "latency" and time is not None:
        return round(time.work_ns(macs=tflite.macs, weights=weights, elements=_written_elements(tflite)))
    if budget != "activations":
        return tflite.macs if budget == "macs" else weights
    found = breakdown(tflite)
    return max((row.memory_bytes // BYTES.get(row.dtype, 1) for row in found.operators), default=0)


def written(works: Sequence[Work]) -> dict[Hashable, int]:
    """The elements of each value that a call writes to an array of its own."""
    times = Counter(value for work in works for value in work.given)
    return {
        value: elements(shape) for work in works if not _is_in_place(work, times) for value, shape in work.made.items()
    }


def _written_elements(tflite: TfliteModel) -> int:
    """The elements that the operators of a file write, but for those that only change how numbers are stored."""
    computing = (one for one in tflite.operators if one.name not in STORES and not tflite.is_once(one))
    return sum(math.prod(tflite.tensors[index].shape) for operator in computing for index in operator.outputs)


def kernel_weights(operation: Any) -> int:
    """The weights of a layer that are multiplied."""
    return sum(math.prod(one.shape) for one in getattr(operation, "weights", ()) if is_kernel(one))


def is_kernel(weight: Any) -> bool:
    """Whether a weight is multiplied; a recurrent layer's bias may have two dimensions too."""
    return len(weight.shape) > 1 and "bias" not in weight.name.split("/")[-1]


def positions(work: Work) -> int:
    """How often an inference uses each weight of a call's kernel."""
    kind = type(unwrapped(work.operation)).__name__
    entering, leaving = (next(iter(shapes.values()), ()) for shapes in (work.given, work.made))
    if kind.startswith(RECURRENT):
        return entering[0] or 1
    if kind.endswith("Transpose"):
        return elements(entering[:-1])
    return elements(leaving[:-1]) if kind == "Dense" or "Conv" in kind else 0


def elements(shape: Sequence[int | None]) -> int:
    """The elements of a shape; a free size counts as 1."""
    return math.prod(size or 1 for size in shape)


def lifetimes(works: Sequence[Work], outputs: Sequence[Hashable]) -> dict[Hashable, tuple[int, int]]:
    """The first and the last call during which each value is held; one that another is written over is held as long as that one."""
    times = Counter(value for work in works for value in work.given)
    roots: dict[Hashable, Hashable] = {}
    lives: dict[Hashable, tuple[int, int]] = {}
    for step, work in enumerate(works):
        for value in work.given:
            root = roots.setdefault(value, value)
            lives[root] = (lives.get(root, (0, 0))[0], step)
        for value in work.made:
            over = next(iter(work.given)) if _is_in_place(work, times) else value
            roots[value] = roots.get(over, over)
            lives[roots[value]] = (lives.get(roots[value], (step, step))[0], step)
    for value in outputs:
        root = roots.get(value, value)
        lives[root] = (lives.get(root, (0, 0))[0], len(works) - 1)
    return lives


def _is_in_place(work: Work, times: Mapping[Hashable, int]) -> bool:
    """Whether a call may write its result over what it takes, which nobody else needs."""
    if len(work.given) != 1 or len(work.made) != 1 or kernel_weights(work.operation):
        return False
    if type(work.operation).__name__ in TRANSPOSITIONS:
        return False
    ((value, entering),), (leaving,) = work.given.items(), work.made.values()
    return entering == leaving and times[value] == 1


def _alive(lives: Mapping[Hashable, tuple[int, int]], sizes: Mapping[Hashable, int], steps: int) -> Iterator[int]:
    for step in range(steps):
        yield sum(sizes.get(value, 0) for value, (first, last) in lives.items() if first <= step <= last)


def _tensors(found: Sequence[Any]) -> dict[Hashable, Shape]:
    return {id(tensor): tuple(tensor.shape)[1:] for tensor in found}
