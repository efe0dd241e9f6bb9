"""Two `.tflite` files compared: their operators, their weights, and which part of a change of size is where.

It takes the files' own figures (`tflite/breakdown.py`) and says what differs; whether that matters is not known here.
"""

from __future__ import annotations

from edgekit.diff.alignment import align
from edgekit.diff.weights import weight_changes
from edgekit.documents.comparison import FileChanges, FlashChange, OperatorChange, OperatorFacts
from edgekit.tflite.breakdown import Breakdown, OperatorRow, breakdown
from edgekit.tflite.model import TfliteModel

COMPARED = ("name", "version", "dtype", "input_shapes", "output_shapes", "parameters", "macs", "flash_bytes")
"""The fields whose change makes an operator a changed one; the label is not among them, since layers may be renamed."""


def file_changes(first: TfliteModel, second: TfliteModel) -> FileChanges:
    """All that differs between two files."""
    a, b = breakdown(first), breakdown(second)
    pairs = align([(row.name, row.label) for row in a.operators], [(row.name, row.label) for row in b.operators])
    operators = [_operator_change(_facts(first, a, i), _facts(second, b, j)) for i, j in pairs]
    changed = tuple(change for change in operators if change is not None)
    equal_weights, weights = weight_changes((first, a.operators), (second, b.operators), pairs)
    return FileChanges(
        identical=first.content == second.content,
        flash=_flash(a, b),
        equal_operators=len(pairs) - len(changed),
        operators=changed,
        equal_weights=equal_weights,
        weights=weights,
    )


def _facts(model: TfliteModel, found: Breakdown, index: int | None) -> OperatorFacts | None:
    if index is None:
        return None
    row: OperatorRow = found.operators[index]
    facts = {name: getattr(row, name) for name in row.__struct_fields__}
    return OperatorFacts(version=model.operators[index].version, **facts)


def _operator_change(a: OperatorFacts | None, b: OperatorFacts | None) -> OperatorChange | None:
    """How an operator changed; None if it did not."""
    if a is None or b is None:
        return OperatorChange(change="added" if a is None else "removed", a=a, b=b)
    fields = tuple(name for name in COMPARED if getattr(a, name) != getattr(b, name))
    return OperatorChange(change="changed", fields=fields, a=a, b=b) if fields else None


def _flash(a: Breakdown, b: Breakdown) -> FlashChange:
    total, other = b.flash_bytes - a.flash_bytes, b.other_bytes - a.other_bytes
    return FlashChange(total_bytes=total, constants_bytes=total - other, other_bytes=other)
