"""Features: inner tensors of the float model as one more target of a student's training.

A student may have other widths and layers, so its values are not compared with the model's. What is compared is which samples of a batch a
tensor takes for alike: the centred Gram matrix of the batch, n samples by n, which has one size whatever the channels are.

    loss + weight * mean over pairs of (1 - <G_teacher, G_student>),   G = H X X^T H / |H X X^T H|,   H = I - 1/n

X has a row a sample. One minus that product is one minus the linear CKA of Kornblith et al., "Similarity of Neural Network Representations
Revisited" (arXiv 1905.00414); to teach by such matrices is Tung and Mori, "Similarity-Preserving Knowledge Distillation" (arXiv 1907.09682).
It has no weights, so that nothing of it remains in the student.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value, model_of, read_graph
from edgekit.make.workshop.answers import answers, is_keras3
from edgekit.make.workshop.augment.own import is_random
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.store import open_model
from edgekit.passes.kinds import SILENT, kind

MOST = 4
"""So many pairs at the most: those nearest to the outputs."""
SAME_NUMBERS = (*SILENT, "Flatten", "Reshape", "Identity")
"""Layers whose output holds the numbers of their input."""


class Mark(NamedTuple):
    """The tensor that stands for all of its size in a network, and the layer that makes it."""

    value: Value
    layer: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Features:
    """What a student is trained with in place of itself and its losses.

    `learner` has the student's weights and outputs, and behind those a tensor a pair; `losses` are those of the pairs, for `targets(inputs)`.
    `told` says which tensors they are.
    """

    learner: Any
    losses: tuple[Callable[[Any, Any], Any], ...]
    targets: Callable[[Sequence[Any]], list[Any]]
    told: str


def features_of(tools: Door, model: Any, job: dict[str, Any]) -> Features | str:
    """The features that the float model of a training job teaches a model; where it teaches none, the reason."""
    teacher = open_model(tools, Path(job["float_model"]), (), job)
    if not (is_keras3(model) and is_keras3(teacher)):
        return "one of the two is a model of tf_keras"
    if any(is_random(layer) for layer in model.layers):
        return "the student varies its samples itself"
    graphs = read_graph(tools, teacher), read_graph(tools, model)
    pairs = feature_pairs(*graphs)
    if not pairs:
        return "no inner tensors of both have the same height, width or length"
    theirs, learner = (
        model_of(tools, dataclasses.replace(graph, outputs=(*ends, *(pair[side].value for pair in pairs))))
        for side, (graph, ends) in enumerate(zip(graphs, ((), graphs[1].outputs), strict=True))
    )
    matrices = tools.tf.function(
        lambda inputs: [similarities(tools.tf, one) for one in answers(theirs, inputs)], reduce_retracing=True
    )
    return Features(
        learner=learner,
        losses=(_loss(tools.tf, job["training"]["features"] / len(pairs)),) * len(pairs),
        targets=lambda inputs: list(matrices(list(inputs))),
        told=", ".join(_told(*pair) for pair in pairs),
    )


def feature_pairs(teacher: FlatGraph, student: FlatGraph) -> tuple[tuple[Mark, Mark], ...]:
    """The last inner tensors of each size that both networks have, the teacher's first, in the student's order; `MOST` at the most.

    A size is height and width, or length, without channels: all vectors are of one. In a student that was derived from the teacher with a
    `width`, each is the tensor that it was made of.
    """
    theirs, own = marks(teacher), marks(student)
    return tuple((theirs[size], mark) for size, mark in own.items() if size in theirs)[-MOST:]


def marks(graph: FlatGraph) -> dict[tuple[int | None, ...], Mark]:
    """The last float tensor of each size between the first weights and the last ones, in the order they are made."""
    learned, inner = _behind_weights(graph.calls), _before_weights(graph)
    found: dict[tuple[int | None, ...], Mark] = {}
    for call in graph.calls:
        for value in call.outputs:
            usable = value in learned and value in inner and value.shape and value.dtype.startswith("float")
            if usable and kind(call) not in SAME_NUMBERS:
                found.pop(value.shape[:-1], None)
                found[value.shape[:-1]] = Mark(value, call.name)
    return found


def _behind_weights(calls: Sequence[Call]) -> set[Value]:
    """The values that are computed with weights."""
    found: set[Value] = set()
    for call in calls:
        if _has_weights(call) or found.intersection(call.inputs):
            found.update(call.outputs)
    return found


def _before_weights(graph: FlatGraph) -> set[Value]:
    """The values that something with weights is computed from: all but the last layers' outputs, and what follows these."""
    found: set[Value] = set()
    for call in reversed(graph.calls):
        if _has_weights(call) or found.intersection(call.outputs):
            found.update(call.inputs)
    return found


def _has_weights(call: Call) -> bool:
    return hasattr(call.operation, "weights") and bool(call.operation.weights)


def similarities(tf: Any, batch: Any) -> Any:
    """How alike the samples of a batch are in a tensor: its centred Gram matrix, (n, n), of length one; zeros where all are the same."""
    rows = tf.reshape(batch, (tf.shape(batch)[0], -1))
    rows -= tf.reduce_mean(rows, axis=0, keepdims=True)
    found = tf.matmul(rows, rows, transpose_b=True)
    return tf.reshape(tf.nn.l2_normalize(tf.reshape(found, [-1])), tf.shape(found))


def _loss(tf: Any, weight: float) -> Callable[[Any, Any], Any]:
    """The loss of one pair: of a tensor of the student, where the target is the teacher's matrix."""

    def loss(matrix: Any, batch: Any) -> Any:
        return weight * (1 - tf.reduce_sum(matrix * similarities(tf, batch)))

    return loss


def _told(teacher: Mark, student: Mark) -> str:
    """A pair in words: the size, and the layer or layers."""
    size = " x ".join("?" if one is None else str(one) for one in student.value.shape[:-1]) or "vector"
    names = student.layer if student.layer == teacher.layer else f"{student.layer} by {teacher.layer}"
    return f"{names} ({size})"
