"""What shows that kernels are factorised: in a model by the names and shapes of its layers, in a file by operators that follow one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from edgekit.keras_graph.call_graph import plain_name
from edgekit.techniques.factors.nodes import CORE, FIRST
from edgekit.techniques.factors.shape import Shape, shape_of
from edgekit.techniques.sites import DENSE_OPERATORS, kernel_of, unwrapped
from edgekit.tflite.model import ABSENT, UNPACKING, Operator, TfliteModel
from edgekit.tflite.weights import kernel_tensors, weights

HANDS_ON = (
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "PAD", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "QUANTIZE", "DEQUANTIZE", "CAST",
)  # fmt: skip
"""Operators that may stand between two factors: of shapes, of the edges of a window, and of storage."""
BIAS = 2


class Chain(NamedTuple):
    """The factors of one kernel, in the order in which they run, and the name of its layer where that is known."""

    factors: tuple[Shape, ...]
    name: str = ""

    @property
    def whole(self) -> Shape:
        """The kernel that they stand for."""
        core = self.factors[1] if len(self.factors) > 2 else None
        first, last = self.factors[0], self.factors[-1]
        height, width = (core.height, core.width) if core else (first.height, last.width)
        return Shape(height, width, first.given, last.made)

    @property
    def left(self) -> float:
        """The share of the kernel's weights that they have."""
        return sum(one.weights for one in self.factors) / self.whole.weights

    @property
    def ranks(self) -> tuple[int, ...]:
        """Its rank, or both of Tucker-2."""
        return tuple(one.made for one in self.factors[:-1])


def in_model(model: Any, own: Collection[str] = ()) -> tuple[Chain, ...]:
    """The factorised kernels of a model of either Keras: of each layer before which one stands that has its name and is its first factor.

    `own` names the layers of the network itself that are called as factors are: they are none.
    """
    layers = {unwrapped(layer).name: layer for layer in model.layers}
    factors = {name: layer for name, layer in layers.items() if name not in own}
    found = []
    for name, last in layers.items():
        parts = [factors.get(f"{name}{FIRST}"), factors.get(f"{name}{CORE}"), last]
        shapes = [kernel_of(layer) for layer in parts if layer is not None]
        if parts[0] is not None and all(kernel is not None for kernel in shapes):
            found.append(Chain(tuple(shape_of(tuple(kernel.shape)) for kernel in shapes), plain_name(name)))
    return tuple(found)


def in_file(tflite: TfliteModel) -> tuple[Chain, ...]:
    """The factorised kernels of a file: two or three that follow one another and have fewer weights than the kernel that they stand for."""
    found = []
    for run in _runs(tflite):
        rest = [one.shape for one in run]
        while len(rest) > 1:
            chain = next((one for one in (Chain(tuple(rest[:3])), Chain(tuple(rest[:2]))) if _is_cheaper(one)), None)
            found += [chain] if chain is not None else []
            rest = rest[len(chain.factors) if chain is not None else 1 :]
    return tuple(found)


def matched(model: Any, tflite: TfliteModel, own: Collection[str] = ()) -> tuple[tuple[Chain, ...], int]:
    """The factorised kernels of a model whose factors follow one another in the file that was made of it, and the bytes that these take there."""
    runs = [[(_flat(one.shape), one.bytes) for one in run] for run in _runs(tflite)]
    there: dict[tuple[Any, ...], list[int]] = {}
    for length in (2, 3):
        for run in runs:
            for start in range(len(run) - length + 1):
                part = run[start : start + length]
                there.setdefault(tuple(shape for shape, _ in part), []).append(sum(size for _, size in part))
    found, size = [], 0
    for chain in in_model(model, own):
        sizes = there.get(tuple(map(_flat, chain.factors)))
        if sizes:
            found.append(chain)
            size += sizes.pop()
    return tuple(found), size


class _Stored(NamedTuple):
    """The kernel of one operator of a file, and the bytes that it takes there."""

    shape: Shape
    bytes: int


def _runs(tflite: TfliteModel) -> list[list[_Stored]]:
    """The kernels of operators that follow one another, of which all but the last are without a bias and read by the next alone."""
    writers = {out: operator for operator in tflite.operators for out in operator.outputs}
    readers = Counter(index for operator in tflite.operators for index in operator.inputs)
    stored = {id(one): _stored(tflite, one, writers) for one in tflite.operators if one.name in DENSE_OPERATORS}
    before = {}
    for operator in tflite.operators:
        first = _before(operator, writers, readers) if stored.get(id(operator)) else None
        if first is not None and stored.get(id(first)) and _is_without_bias(tflite, first, writers):
            before[id(operator)] = first
    inner, runs = {id(first) for first in before.values()}, []
    for last in (one for one in tflite.operators if id(one) in before and id(one) not in inner):
        run, one = [], last
        while True:
            run.append(stored[id(one)])
            if id(one) not in before:
                break
            one = before[id(one)]
        runs.append([part for part in reversed(run) if part is not None])
    return runs


def _stored(tflite: TfliteModel, operator: Operator, writers: dict[int, Operator]) -> _Stored | None:
    """The kernel of an operator; None where it is computed."""
    tensor = next((one for one, _ in kernel_tensors(tflite, operator, writers)), None)
    if tensor is None:
        return None
    made, *window, given = tensor.shape
    height, width = (*window, 1, 1)[:2]
    return _Stored(Shape(height, width, given, made), tensor.span[1] if tensor.span else 0)


def _before(operator: Operator, writers: Mapping[int, Operator], readers: Mapping[int, int]) -> Operator | None:
    """The operator whose output this one reads and no other does, through those that only hand it on."""
    index = operator.inputs[0]
    while readers[index] == 1 and index in writers:
        before = writers[index]
        if before.name in DENSE_OPERATORS:
            return before
        if before.name not in HANDS_ON:
            return None
        index = before.inputs[0]
    return None


def _is_without_bias(tflite: TfliteModel, operator: Operator, writers: Mapping[int, Operator]) -> bool:
    """Whether an operator adds nothing: the converter gives a convolution without a bias one of zeros."""
    index = operator.inputs[BIAS] if len(operator.inputs) > BIAS else ABSENT
    while index in writers and writers[index].name in UNPACKING:
        index = writers[index].inputs[0]
    return index == ABSENT or (tflite.tensors[index].constant and not weights(tflite, index).any())


def _is_cheaper(chain: Chain) -> bool:
    """Whether kernels may be the factors of one: windows lie as those of factors do, and there are fewer weights."""
    first, *core, last = chain.factors
    fits = not core or (first.is_point and last.is_point)
    return fits and chain.left < 1


def _flat(shape: Shape) -> tuple[int, int, int]:
    """A shape without how its window lies, which a converter may turn."""
    return shape.height * shape.width, shape.given, shape.made
