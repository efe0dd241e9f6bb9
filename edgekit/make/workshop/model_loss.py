"""The loss of a model of either Keras on some samples, and its gradients there, without training.

The losses are tf_keras's for both Keras. What a step of training adds is in `train_step`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.make.workshop.answers import answers, is_keras3
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.finite_roots import finite_roots
from edgekit.make.workshop.fused_normalization import fused_normalization


class ModelLoss:
    """The mean loss of one model, one loss an output, with its regularization."""

    def __init__(self, tools: Door, model: Any, losses: Sequence[Any]) -> None:
        self._tf = tools.tf
        self._tools, self._model = tools, model
        self._total_loss = tools.keras.src.engine.compile_utils.LossesContainer(list(losses))
        self._evaluate: Any = None

    def loss(self, inputs: Any, targets: Any) -> float:
        """The mean loss of some samples, as in inference; raises `DataError` if it cannot be computed.

        It is traced from the second time on, for tracing takes some four times as long as one run.
        """
        found = float(self._call(self._evaluate or self._loss, inputs, targets))
        self._evaluate = self._evaluate or self._tf.function(self._loss, reduce_retracing=True)
        return found

    def gradients(self, batches: Iterable[tuple[Any, Any]], weights: Sequence[Any]) -> Iterator[list[np.ndarray]]:
        """The loss's gradient by each of these weights on one batch after another, as in inference; zeros by a weight that it does not depend on."""
        variables = [weight.value if is_keras3(weight) else weight for weight in weights]

        def slopes(inputs: Any, targets: Any) -> Any:
            with self._tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                loss = self._loss(inputs, targets)
            return tape.gradient(loss, variables, unconnected_gradients=self._tf.UnconnectedGradients.ZERO)

        traced = self._tf.function(slopes, reduce_retracing=True)
        for inputs, targets in batches:
            yield [np.asarray(slope) for slope in self._call(traced, inputs, targets)]

    def _loss(self, inputs: Any, targets: Any) -> Any:
        return self._total(inputs, targets, training=False)

    def _total(self, inputs: Any, targets: Any, *, training: bool) -> Any:
        with fused_normalization(self._tools, self._model), finite_roots(self._tools, self._model):
            outputs = answers(self._model, inputs, training=training)
        return self._total_loss(list(targets), outputs, regularization_losses=self._model.losses)

    def _call(self, function: Any, inputs: Any, targets: Any, *more: Any) -> Any:
        tensors = [[self._tf.convert_to_tensor(array) for array in arrays] for arrays in (inputs, targets)]
        try:
            return function(*tensors, *more)
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
