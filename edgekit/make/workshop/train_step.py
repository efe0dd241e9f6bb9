"""The training step of a model of either Keras, traced once for all the runs of a fine-tune.

Adam is tf_keras's for both Keras, so that they train alike. It knows a model, losses and Adam; `fit` decides which samples, how many steps and which rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.model_loss import ModelLoss


class TrainStep(ModelLoss):
    """Steps of Adam on one model, and its mean loss."""

    def __init__(self, tools: Door, model: Any, losses: Sequence[Any]) -> None:
        super().__init__(tools, model, losses)
        self._optimizer = tools.keras.optimizers.Adam(jit_compile=False)
        self._optimizer.build(self._variables())
        self._fresh = [variable.numpy() for variable in self._optimizer.variables]
        self._train = self._tf.function(self._trained, reduce_retracing=True)

    def restart(self) -> None:
        """Clear Adam's moments of the previous run."""
        for variable, value in zip(self._optimizer.variables, self._fresh, strict=True):
            variable.assign(value)

    def step(self, inputs: Any, targets: Any, learning_rate: float) -> None:
        """One step of training; raises `DataError` if the loss cannot be computed."""
        self._optimizer.learning_rate.assign(learning_rate)
        self._call(self._train, inputs, targets)

    def _trained(self, inputs: Any, targets: Any) -> None:
        with self._tf.GradientTape() as tape:
            loss = self._total(inputs, targets, training=True)
        variables = self._variables()
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for weight in self._model.trainable_variables if is_keras3(self._model) else ():
            if weight.constraint is not None:  # of tf_keras the optimizer asks the variable itself
                weight.assign(weight.constraint(weight))

    def _variables(self) -> list[Any]:
        """TensorFlow's own variables behind the trainable ones."""
        return [weight.value if is_keras3(weight) else weight for weight in self._model.trainable_variables]
