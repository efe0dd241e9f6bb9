"""A file in which each operator's result has a name of its own, so that the operator can be told by it.

TensorFlow's quantizer leaves operators in float by these names; a file that was put on a diet, or that another converter made, may have none.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

from edgekit.tflite.flat.tree import Table
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.rewriting import Rewriting


def with_distinct_names(content: bytes, *, where: str) -> bytes:
    """The file with names for results that have none or share one, after the kind of their operator; one that has them all stays as it is.

    `where` names the file in errors. Raises `ModelError` for a file that cannot be written again.
    """
    names = _lacking(parse_tflite(content, where=where))
    if not names:
        return content
    file = Rewriting(content, where)
    counts = (len(graph.tables("tensors")) for graph in file.root.tables("subgraphs"))
    starts = itertools.accumulate(counts, initial=0)
    return file.content(lambda graph: _named(graph, next(starts), names))


def _lacking(model: TfliteModel) -> dict[int, str]:
    """A new name for each first result of an operator that needs one, by its tensor."""
    uses = Counter(tensor.name for tensor in model.tensors)
    found: dict[int, str] = {}
    for operator in model.operators:
        for index in operator.outputs[:1]:
            if not model.tensors[index].name or uses[model.tensors[index].name] > 1:
                made = (f"{operator.name.lower()}_{number}" for number in itertools.count())
                found[index] = next(name for name in made if name not in uses)
                uses[found[index]] += 1
    return found


def _named(graph: Table, start: int, names: Mapping[int, str]) -> Table:
    tensors = (
        tensor.with_fields(name=names[index]) if index in names else tensor
        for index, tensor in enumerate(graph.tables("tensors"), start)
    )
    return graph.with_fields(tensors=tuple(tensors))
