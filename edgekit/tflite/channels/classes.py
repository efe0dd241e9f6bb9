"""The channels of a float file's values in classes: those of a class can only have one factor together, for no answer to change.

A ReLU's channels are those of what it takes; a convolution's have factors of their own, which its kernel takes up. So the classes
are the connected components of what operators tie, and those with a value that has to keep its values, such as an input's, form the class 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgekit.tflite.channels.rules import RULES
from edgekit.tflite.channels.ties import Factored, Ties
from edgekit.tflite.flat.tree import read_tree
from edgekit.tflite.model import TfliteModel

if TYPE_CHECKING:
    import numpy as np


class Classes(NamedTuple):
    """By value (the tensor's index) the class of each of its channels; by constant what factors it takes, with classes for the channels; how many classes there are, class 0 among them.

    Of the values, only those are here that have a channel outside of class 0.
    """

    of: dict[int, np.ndarray]
    factored: tuple[Factored, ...]
    total: int


def channel_classes(model: TfliteModel) -> Classes:
    """The classes of a file; class 0 keeps its values. Raises `ModelError` for a file that is damaged."""
    ties = Ties(model)
    root = read_tree(model.content, model.path).root
    tables = root.tables("subgraphs")[0].tables("operators")
    for operator, table in zip(model.operators, tables, strict=False):  # the main graph's are the first
        rule = RULES.get(operator.name)
        if rule is None or not operator.outputs or not rule(ties, operator, table.fields.get("builtin_options")):
            for index in (*operator.inputs, *operator.outputs):
                ties.fix(index)
    label = _classes(ties)
    of = {index: label[start : start + model.tensors[index].shape[-1]] for index, start in ties.starts.items()}
    return Classes(
        of={index: found for index, found in of.items() if found.any()},
        factored=tuple(
            one._replace(times=label[one.times], over=None if one.over is None else label[one.over])
            for one in ties.factored
        ),
        total=int(label.max()) + 1,
    )


def _classes(ties: Ties) -> np.ndarray:
    """The class of each channel, by its number; they are counted from 1 on."""
    import numpy as np

    nothing = [np.zeros(0, np.int32)]
    one, other = (np.concatenate([*nothing, *(pair[side] for pair in ties.pairs)]) for side in (0, 1))
    label = components(ties.count, one, other)
    keeps = np.zeros(ties.count, bool)
    keeps[label[np.concatenate([np.zeros(1, np.int32), *ties.fixed])]] = True
    label[keeps[label]] = 0
    is_first = np.zeros(ties.count, np.int32)
    is_first[label] = 1
    found: np.ndarray = (np.cumsum(is_first, dtype=np.int32) - 1)[label]
    return found


def components(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smallest number of each connected component, by number below `count`; `one` and `other` are the ends of its edges.

    Each component takes the smallest number beside it, and all the numbers on the way to that follow (Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982).

    >>> import numpy as np
    >>> components(6, np.array([5, 3, 1]), np.array([3, 1, 2])).tolist()
    [0, 1, 1, 1, 4, 1]
    """
    import numpy as np

    label = np.arange(count, dtype=np.int32)
    while one.size:
        left, right = label[one], label[other]
        apart = left != right
        one, other, left, right = one[apart], other[apart], left[apart], right[apart]
        np.minimum.at(label, np.maximum(left, right), np.minimum(left, right))
        while not np.array_equal(label, below := label[label]):
            label = below
    return label
