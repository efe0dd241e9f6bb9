"""How often each subgraph of a `.tflite` runs in one inference: the iterations of a WHILE whose counter the file tells.

A loop of known length counts in a tensor of one element: it begins with a constant, its condition compares it with a
constant, and its body adds a constant to it. Loops of recurrent layers with a fixed number of steps are like that. Loops
of any other form (that end when values have settled, or whose bound is an input) have an unknown number of
iterations. The module knows the format of the file, does not trust it, and runs nothing.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from edgekit.tflite.flatbuffer import Table
from edgekit.tflite.model import ABSENT, Operator, Tensor
from edgekit.tflite.schema import IfField, OperatorField, SubGraphField, WhileField
from edgekit.values import Value

MOST_RUNS = 2**32
"""With more runs than this, a subgraph's runs count as unknown."""
_FORMS = {"int32": "<i", "int64": "<q", "float32": "<f"}
_PASSING = ("RESHAPE", "CAST")
Runs = int | None


class Subgraph(Value):
    """One subgraph as the reader has it; tensor indices are unique over all subgraphs."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]
    calls: tuple[tuple[int, ...], ...]
    """For each operator, the subgraphs that it calls: condition and body of WHILE, both branches of IF."""


class _Count(Value):
    """A condition on a counter: which value of the loop is the counter, and the bound it is compared with."""

    position: int
    comparison: str
    bound: float


def read_subgraph(table: Table, operators: Sequence[Operator], tensors: Sequence[Tensor]) -> Subgraph:
    """A subgraph from its table and from its operators and tensors."""
    first = tensors[0].index if tensors else 0
    tables = table.tables(SubGraphField.OPERATORS) if any(one.name in _CALLED for one in operators) else []
    return Subgraph(
        inputs=tuple(first + index for index in table.numbers(SubGraphField.INPUTS, "i")),
        outputs=tuple(first + index for index in table.numbers(SubGraphField.OUTPUTS, "i")),
        operators=tuple(operators),
        calls=tuple(_calls(place, one) for place, one in zip(tables, operators, strict=True)) if tables else (),
    )


def runs(subgraphs: Sequence[Subgraph], tensors: Sequence[Tensor], content: bytes) -> list[Runs]:
    """The runs of each subgraph in one inference; None if the file does not tell them.

    A subgraph that nothing calls runs once. Both branches of an IF count, as if both ran. A condition runs once more than its body.
    """
    loops = _Loops(subgraphs, tensors, content)
    waiting = [0] * len(subgraphs)
    for called, _ in loops.edges():
        waiting[called] += 1
    found: list[Runs] = [1 if not count else 0 for count in waiting]
    ready = [number for number, count in enumerate(waiting) if not count]
    while ready:
        caller = ready.pop()
        for called, times in loops.called_by(caller):
            found[called] = _sum(found[called], _product(found[caller], times))
            waiting[called] -= 1
            if not waiting[called]:
                ready.append(called)
    return [
        None if count else known for count, known in zip(waiting, found, strict=True)
    ]  # those still waiting call themselves


def _calls(table: Table, operator: Operator) -> tuple[int, ...]:
    fields = _CALLED.get(operator.name)
    options = table.table(OperatorField.BUILTIN_OPTIONS) if fields else None
    return tuple(options.number(field, "<i") for field in fields or ()) if options is not None else ()


_CALLED: dict[str, tuple[WhileField, WhileField] | tuple[IfField, IfField]] = {
    "WHILE": (WhileField.COND_SUBGRAPH_INDEX, WhileField.BODY_SUBGRAPH_INDEX),
    "IF": (IfField.THEN_SUBGRAPH_INDEX, IfField.ELSE_SUBGRAPH_INDEX),
}


class _Loops:
    """The calls between subgraphs, with how often each is made."""

    def __init__(self, subgraphs: Sequence[Subgraph], tensors: Sequence[Tensor], content: bytes) -> None:
        self._subgraphs, self._tensors, self._content = subgraphs, tensors, content
        self._called = [self._calls_of(subgraph) for subgraph in subgraphs]

    def edges(self) -> list[tuple[int, Runs]]:
        return [edge for edges in self._called for edge in edges]

    def called_by(self, number: int) -> list[tuple[int, Runs]]:
        return self._called[number]

    def _calls_of(self, subgraph: Subgraph) -> list[tuple[int, Runs]]:
        found: list[tuple[int, Runs]] = []
        for operator, called in zip(subgraph.operators, subgraph.calls, strict=False):
            known = [number for number in called if 0 <= number < len(self._subgraphs)]
            if operator.name == "WHILE" and len(known) == 2:
                turns = self._turns(subgraph, operator, self._subgraphs[known[0]], self._subgraphs[known[1]])
                found += [(known[0], None if turns is None else turns + 1), (known[1], turns)]
            else:
                found += [(number, 1) for number in known]
        return found

    def _turns(self, around: Subgraph, loop: Operator, condition: Subgraph, body: Subgraph) -> Runs:
        """The iterations of one loop: the fewest that any of its counters allows."""
        if not condition.outputs or not len(loop.inputs) == len(body.inputs) == len(body.outputs):
            return None
        known = [
            self._counted(around, loop, body, count)
            for count in self._counts(condition, condition.outputs[0], body, loop)
        ]
        turns = [count for count in known if count is not None]
        return min(turns) if turns and len(turns) == len(known) else None

    def _counts(self, condition: Subgraph, index: int, body: Subgraph, loop: Operator) -> list[_Count]:
        """The comparisons in a condition, all of which must hold; one that is not understood has no bound."""
        writers = {out: operator for operator in condition.operators for out in operator.outputs}
        waiting, found = [index], list[_Count]()
        while waiting and len(found) <= len(condition.operators):
            writer = writers.get(waiting.pop())
            if writer is not None and writer.name == "LOGICAL_AND":
                waiting += writer.inputs
            elif writer is not None and writer.name in _PASSING:
                waiting += writer.inputs[:1]
            else:
                found.append(self._comparison(condition, writer, body, loop))
        return found

    def _comparison(self, condition: Subgraph, writer: Operator | None, body: Subgraph, loop: Operator) -> _Count:
        unknown = _Count(position=ABSENT, comparison="", bound=0)
        if writer is None or writer.name not in _COMPARISONS or len(writer.inputs) != 2:
            return unknown
        left, right = (self._position(condition, index) for index in writer.inputs)
        bounds = [
            self._bound(index, place, body, loop) for index, place in zip(writer.inputs, (left, right), strict=True)
        ]
        if bounds[1] is not None and left is not None:
            return _Count(position=left, comparison=writer.name, bound=bounds[1])
        if bounds[0] is not None and right is not None:
            return _Count(position=right, comparison=_MIRRORED[writer.name], bound=bounds[0])
        return unknown

    def _position(self, subgraph: Subgraph, index: int) -> int | None:
        return subgraph.inputs.index(index) if index in subgraph.inputs else None

    def _bound(self, index: int, position: int | None, body: Subgraph, loop: Operator) -> float | None:
        """A constant, or a value of the loop that starts as a constant and that the body does not change."""
        if position is None:
            return self._constant(index)
        if position < len(body.outputs) and body.outputs[position] == body.inputs[position]:
            return self._constant(loop.inputs[position])
        return None

    def _counted(self, around: Subgraph, loop: Operator, body: Subgraph, count: _Count) -> Runs:
        if not 0 <= count.position < len(loop.inputs):
            return None
        start, step = self._constant(loop.inputs[count.position]), self._step(body, count.position)
        return None if start is None or step is None else _turns(count.comparison, start, count.bound, step)

    def _step(self, body: Subgraph, position: int) -> float | None:
        """What the body adds to a value in each iteration."""
        writers = {out: operator for operator in body.operators for out in operator.outputs}
        index = body.outputs[position]
        writer = writers.get(index)
        for _ in range(len(body.operators)):
            if writer is None or writer.name not in _PASSING or not writer.inputs:
                break
            writer = writers.get(writer.inputs[0])
        if writer is None or writer.name not in ("ADD", "SUB") or len(writer.inputs) != 2:
            return None
        own, other = writer.inputs if writer.inputs[0] == body.inputs[position] else writer.inputs[::-1]
        if own != body.inputs[position] or (writer.name == "SUB" and writer.inputs[0] != own):
            return None
        step = self._constant(other)
        return -step if step is not None and writer.name == "SUB" else step

    def _constant(self, index: int) -> float | None:
        """The value of a constant with one element."""
        if not 0 <= index < len(self._tensors):
            return None
        tensor = self._tensors[index]
        form = _FORMS.get(tensor.dtype)
        if tensor.span is None or form is None or tensor.elements != 1 or tensor.span[1] != struct.calcsize(form):
            return None
        value = struct.unpack_from(form, self._content, tensor.span[0])[0]
        return value if math.isfinite(value) else None


_COMPARISONS = ("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
_MIRRORED = {"LESS": "GREATER", "LESS_EQUAL": "GREATER_EQUAL", "GREATER": "LESS", "GREATER_EQUAL": "LESS_EQUAL"}


def _turns(comparison: str, start: float, bound: float, step: float) -> Runs:
    """The iterations of a counter while the comparison holds; None if it never ends.

    >>> _turns("LESS", 0, 28, 1), _turns("LESS_EQUAL", 0, 28, 1), _turns("GREATER", 9, 0, -2), _turns("LESS", 0, 9, -1)
    (28, 29, 5, None)
    """
    if comparison.startswith("GREATER"):
        start, bound, step = -start, -bound, -step
    left = bound - start
    if left < 0 or (left == 0 and not comparison.endswith("EQUAL")):
        return 0
    if step <= 0:
        return None
    turns = math.floor(left / step) + 1 if comparison.endswith("EQUAL") else math.ceil(left / step)
    return turns if turns < MOST_RUNS else None


def _product(left: Runs, right: Runs) -> Runs:
    if left is None or right is None or left * right >= MOST_RUNS:
        return 0 if 0 in (left, right) else None
    return left * right


def _sum(left: Runs, right: Runs) -> Runs:
    return None if left is None or right is None else left + right
