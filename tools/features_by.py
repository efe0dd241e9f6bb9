"""Ways to compare inner tensors of a teacher and a student, each on students of the bundled digits model: `tools/measure_features.py methods`.

Beside the one that edgekit has: attention transfer (arXiv 1612.03928), similarity of samples row by row (arXiv 1907.09682), and hints through
a dense layer that is trained with the student and left behind (FitNets, arXiv 1412.6550).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import model_of, read_graph
from edgekit.make.workshop.derive import narrower
from edgekit.make.workshop.distil import mixed_loss
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.features import feature_pairs, similarities

RATE, BATCH = 3e-3, 32
STUDENTS = ((0.25, 4, True), (0.25, 16, True), (0.25, 16, False), (0.5, 4, True))
"""Width, epochs, and whether a student keeps the model's weights or begins with random ones."""
WAYS = (
    ("none", 0), ("attention", 1), ("attention", 10), ("rows of similarities", 1), ("rows of similarities", 10), ("centred similarities", 1),
    ("centred similarities", 5), ("hints", 0.1), ("hints", 1),
)  # fmt: skip
"""What is compared, and its weight in the loss."""
TWICE = ((0.25, 8, True), (0.25, 32, True), (0.5, 8, True))
"""Students without features and twice the epochs: about the processor time that features take."""


class Data(NamedTuple):
    """The digits, and where the model that teaches lies."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    teacher: Path


def write_methods(folder: Path, seeds: list[int]) -> None:
    """Print the table."""
    tools = door()
    sys.path.insert(0, str(folder))
    import digits

    heads = (
        "width",
        "epochs",
        "weights at first",
        "compared",
        "weight",
        "correct on test, by seed",
        "mean",
        "mean loss on test",
    )
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    with np.load(folder / "digits.npz") as given, tempfile.TemporaryDirectory() as place:
        teacher = Path(place) / "model.keras"
        digits.trained_model().save(teacher)
        data = Data(
            given["x_train"].astype("float32"),
            given["y_train"],
            given["x_test"].astype("float32"),
            given["y_test"],
            teacher,
        )
        for students, ways in ((STUDENTS, WAYS), (TWICE, WAYS[:1])):
            for (width, epochs, kept), (way, weight) in itertools.product(students, ways):
                found = [_taught(tools, data, width, epochs, kept, way, weight, seed) for seed in seeds]
                shares, losses = zip(*found, strict=True)
                cells = (
                    f"{width:g}", str(epochs), "kept" if kept else "random", way, f"{weight:g}", ", ".join(f"{one:.2f}" for one in shares),
                    f"{statistics.mean(shares):.2f}", f"{statistics.mean(losses):.4f}",
                )  # fmt: skip
                sys.stdout.write(f"| {' | '.join(cells)} |\n")
                sys.stdout.flush()


def _taught(
    tools: Door, data: Data, width: float, epochs: int, kept: bool, way: str, weight: float, seed: int
) -> tuple[float, float]:
    """The per cent that a student has right, and its cross-entropy, on the test split."""
    tf, keras = tools.tf, tools.keras3
    tools.fresh(seed)
    theirs, own = (read_graph(tools, keras.models.load_model(data.teacher, compile=False)) for _ in range(2))
    own = narrower(tools, own, width)
    pairs = feature_pairs(theirs, own)
    teacher, student = (
        model_of(tools, dataclasses.replace(graph, outputs=(*graph.outputs, *(pair[side].value for pair in pairs))))
        for side, graph in enumerate((theirs, own))
    )
    student = student if kept else keras.models.clone_model(student)
    hints = [keras.layers.Dense(one.value.shape[-1]) for one, _ in pairs] if way == "hints" else []
    for hint, (_, mark) in zip(hints, pairs, strict=bool(hints)):
        hint.build((None, *mark.value.shape))
    weights = [one for part in (student, *hints) for one in part.trainable_variables]
    adam, loss, distance = keras.optimizers.Adam(RATE), _outputs_loss(tools), _distances(tf)[way]
    adam.build(weights)

    @tf.function(reduce_retracing=True)
    def step(x: Any, y: Any) -> None:
        answers = teacher([x], training=False)
        with tf.GradientTape() as tape:
            outputs = student([x], training=True)
            total = loss(tf.concat([tf.cast(y, "float32")[:, None], answers[0]], -1), outputs[0])
            tensors = [hint(one) for hint, one in zip(hints, outputs[1:], strict=True)] if hints else outputs[1:]
            total += (
                weight * tf.add_n([distance(*pair) for pair in zip(answers[1:], tensors, strict=True)]) / len(pairs)
            )
        adam.apply(tape.gradient(total, [one.value for one in weights]))

    steps = -(-len(data.x) // BATCH)
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(data.x))
        for place in range(steps):
            done = (epoch * steps + place) / (epochs * steps)
            adam.learning_rate.assign(RATE * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2))
            chosen = order[place * BATCH : (place + 1) * BATCH]
            step(data.x[chosen], data.y[chosen])
    answers = np.asarray(student([data.x_test], training=False)[0])
    right = answers.argmax(-1) == data.y_test
    return 100 * float(right.mean()), float(-np.log(answers[np.arange(len(right)), data.y_test] + 1e-7).mean())


def _outputs_loss(tools: Door) -> Callable[[Any, Any], Any]:
    return mixed_loss(tools, "sparse_categorical_crossentropy", share=0.5, temperature=4.0)


def _distances(tf: Any) -> dict[str, Callable[[Any, Any], Any]]:
    """How far a student's tensor is from its teacher's, by the name of the way."""

    def flat(batch: Any) -> Any:
        return tf.reshape(batch, (tf.shape(batch)[0], -1))

    def attention(theirs: Any, own: Any) -> Any:
        if len(own.shape) < 3:  # a vector has no places
            return tf.constant(0.0)
        maps = [tf.nn.l2_normalize(flat(tf.reduce_sum(one * one, -1)), -1) for one in (theirs, own)]
        return tf.reduce_mean(tf.reduce_sum((maps[0] - maps[1]) ** 2, -1))

    def rows(theirs: Any, own: Any) -> Any:
        found = [tf.nn.l2_normalize(tf.matmul(one, one, transpose_b=True), -1) for one in map(flat, (theirs, own))]
        return tf.reduce_mean(tf.reduce_sum((found[0] - found[1]) ** 2, -1))

    return {
        "none": lambda theirs, own: tf.constant(0.0),
        "attention": attention,
        "rows of similarities": rows,
        "centred similarities": lambda theirs, own: 1 - tf.reduce_sum(similarities(tf, theirs) * similarities(tf, own)),
        "hints": lambda theirs, own: tf.reduce_mean((theirs - own) ** 2) / (tf.reduce_mean(theirs * theirs) + 1e-9),
    }
