"""The training step of a model of either Keras and its loss on some samples, traced once for all the runs of a fine-tune.

The losses are tf_keras's for both and Adam is ours, so that they train alike. It knows a model, losses and Adam; `fit` decides which samples, how many steps and which rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.errors import DataError
from edgekit.make.workshop.adam import Adam
from edgekit.make.workshop.answers import answers, is_keras3
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.fused_normalization import fused_normalization


class TrainStep:
    """Steps of Adam on one model, and its mean loss."""

    def __init__(self, tools: Door, model: Any, losses: Sequence[Any]) -> None:
        tf = self._tf = tools.tf
        self._tools, self._model = tools, model
        self._total_loss = tools.keras.src.engine.compile_utils.LossesContainer(list(losses))
        self._adam = Adam(tf, self._variables())
        self._apply = tf.autograph.experimental.do_not_convert(self._adam.apply)
        self._train = tf.function(self._trained, reduce_retracing=True)
        self._evaluate: Any = None

    def restart(self) -> None:
        """Clear Adam's moments of the previous run."""
        self._adam.restart()

    def step(self, inputs: Any, targets: Any, learning_rate: float) -> None:
        """One step of training; raises `DataError` if the loss cannot be computed."""
        rate = self._tf.constant(self._adam.next_rate(learning_rate))
        self._call(self._train, inputs, targets, rate)

    def loss(self, inputs: Any, targets: Any) -> float:
        """The mean loss of some samples, without training; traced from the second time on, for tracing takes some four times as long as one run."""
        found = float(self._call(self._evaluate or self._loss, inputs, targets))
        self._evaluate = self._evaluate or self._tf.function(self._loss, reduce_retracing=True)
        return found

    def _trained(self, inputs: Any, targets: Any, rate: Any) -> None:
        with self._tf.GradientTape() as tape:
            loss = self._total(inputs, targets, training=True)
        self._apply(tape.gradient(loss, self._variables()), rate)
        for weight in self._model.trainable_variables:
            if weight.constraint is not None:
                weight.assign(weight.constraint(weight))

    def _variables(self) -> list[Any]:
        """TensorFlow's own variables behind the trainable ones."""
        return [weight.value if is_keras3(weight) else weight for weight in self._model.trainable_variables]

    def _loss(self, inputs: Any, targets: Any) -> Any:
        return self._total(inputs, targets, training=False)

    def _total(self, inputs: Any, targets: Any, *, training: bool) -> Any:
        with fused_normalization(self._tools, self._model):
            outputs = answers(self._model, inputs, training=training)
        return self._total_loss(list(targets), outputs, regularization_losses=self._model.losses)

    def _call(self, function: Any, inputs: Any, targets: Any, *rate: Any) -> Any:
        tensors = [[self._tf.convert_to_tensor(array) for array in arrays] for arrays in (inputs, targets)]
        try:
            return function(*tensors, *rate)
        except (ValueError, TypeError, self._tf.errors.InvalidArgumentError) as problem:
            raise DataError(
                "the loss cannot be computed on this data", where="training.loss", received=_last_sentence(problem),
                next_step="set loss in [training] to one that fits the targets",
            ) from problem  # fmt: skip


def _last_sentence(problem: Exception) -> str:
    """The last sentence of TensorFlow's message, without the lines of code before it."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("File ", "in user code", "^", "Node: "))]
    return (telling or lines or [type(problem).__name__])[-1][:300]
