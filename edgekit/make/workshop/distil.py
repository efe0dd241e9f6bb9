"""Distillation: the float model's own outputs as a second target of every fine-tune, mixed with the task's loss.

    loss = (1 - share) task(label, y) + share T^2 KL(softmax(t / T) || softmax(y / T))

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531): t and y are logits, and T^2
keeps the two gradients at the same scale. If an output is a probability, its logarithm is used as the logits: it differs
from them by a constant, which softmax ignores. For other losses the second term is the same loss with the float model's
output as the target; if that output is a logit and the target must be a probability, its sigmoid is the target.
Both targets are passed as one array, the label first, since a loss takes only one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.make.workshop.answers import answers
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.loss import make_loss
from edgekit.verdict.losses import FROM_LOGITS, plain_name

SMALLEST = 1e-7
CLASSES = ("categorical_crossentropy", "sparse_categorical_crossentropy")
ELEMENTWISE = (
    "binary_crossentropy", "mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "mean_squared_logarithmic_error",
)  # fmt: skip
"""Losses whose target has the output's shape, so that the float model's output can be the target."""


class Teacher:
    """The float model's outputs on the samples of each split, one array an output, on disk."""

    def __init__(self, folders: dict[str, Sequence[str]]) -> None:
        self._arrays = {
            split: [np.load(Path(path), mmap_mode="r") for path in paths] for split, paths in folders.items()
        }

    def outputs(self, split: str, positions: np.ndarray) -> list[np.ndarray]:
        """The float model's outputs for the samples at these positions of a split."""
        return [np.asarray(array[positions]) for array in self._arrays[split]]


class LiveTeacher:
    """The float model itself, for samples that are made during training."""

    def __init__(self, tools: Door, model: Any) -> None:
        self._answers = tools.tf.function(lambda inputs: answers(model, inputs), reduce_retracing=True)

    def outputs(self, inputs: Sequence[Any]) -> list[np.ndarray]:
        """Its outputs for a batch, one array each."""
        return [np.asarray(answer) for answer in self._answers(list(inputs))]


def can_distil(text: str, label: Sequence[int | None], output: Sequence[int | None]) -> bool:
    """Whether a loss, given as text, has a second term: its labels (a shape) must be classes, or have the output's own shape."""
    name = plain_name(text)
    if "ignore_class" in text:
        return False
    is_short = len(label) == len(output) - 1
    if name == CLASSES[1]:
        return is_short or (len(label) == len(output) and label[-1] == 1)
    return name in (CLASSES[0], *ELEMENTWISE) and (len(label) == len(output) or (is_short and output[-1] == 1))


def told(distilled: Sequence[str], temperature: float) -> str:
    """How a model is taught by the float model, by the losses that have a second term; empty where none has.

    >>> told(["sparse_categorical_crossentropy"], 4.0), told(["mse"], 4.0)
    ('distilled from the float model at temperature 4', 'distilled from the float model with its output as a second target of mean_squared_error')
    """
    names = list(dict.fromkeys(map(plain_name, distilled)))
    others = ", ".join(name for name in names if name not in CLASSES)
    ways = [f" at temperature {temperature:g}"] * any(name in CLASSES for name in names)
    ways += [f" with its output as a second target of {others}"] * bool(others)
    return f"distilled from the float model{' and'.join(ways)}" if ways else ""


def pack(label: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The label and the float model's output in one array, side by side in the last axis."""
    if label.ndim == answer.ndim - 1:
        label = label[..., None]
    return np.concatenate([label.astype(np.float32), answer.astype(np.float32)], axis=-1)


def mixed_loss(tools: Door, text: str, *, share: float, temperature: float) -> Callable[[Any, Any], Any]:
    """A loss of packed targets: `share` of it is the distance from the float model."""
    tf, task = tools.tf, make_loss(tools, text)
    plain, of_logits = plain_name(text), text.partition(" ")[0].endswith(FROM_LOGITS)

    def loss(packed: Any, output: Any) -> Any:
        width = packed.shape[-1] - output.shape[-1]
        label, answer = packed[..., :width], packed[..., width:]
        hard = tf.reduce_mean(task(label[..., 0] if plain == CLASSES[1] else label, output))
        if plain not in CLASSES:
            target = tf.sigmoid(answer) if of_logits else answer
            return (1 - share) * hard + share * tf.reduce_mean(task(target, output))
        logits = [x if of_logits else tf.math.log(tf.maximum(x, SMALLEST)) for x in (answer, output)]
        soft, ours = (tf.nn.log_softmax(x / temperature) for x in logits)
        distance = tf.reduce_mean(tf.reduce_sum(tf.exp(soft) * (soft - ours), axis=-1))
        return (1 - share) * hard + share * temperature**2 * distance

    return loss
