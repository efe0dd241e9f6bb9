"""The training step of a model of either Keras, traced once for all the runs of a fine-tune.

Adam is ours for both Kerases, so that they train alike. It knows a model, losses and Adam; `fit` decides which samples, how many steps and which rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.make.workshop.adam import Adam
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.model_loss import ModelLoss


class TrainStep(ModelLoss):
    """Steps of Adam on one model, and its mean loss."""

    def __init__(self, tools: Door, model: Any, losses: Sequence[Any]) -> None:
        super().__init__(tools, model, losses)
        self._adam = Adam(self._tf, self._variables())
        self._apply = self._tf.autograph.experimental.do_not_convert(self._adam.apply)
        self._train = self._tf.function(self._trained, reduce_retracing=True)

    def restart(self) -> None:
        """Clear Adam's moments of the previous run."""
        self._adam.restart()

    def step(self, inputs: Any, targets: Any, learning_rate: float) -> None:
        """One step of training; raises `DataError` if the loss cannot be computed."""
        rate = self._tf.constant(self._adam.next_rate(learning_rate))
        self._call(self._train, inputs, targets, rate)

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
