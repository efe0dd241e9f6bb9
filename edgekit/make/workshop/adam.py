"""Adam (Kingma & Ba 2014, arXiv:1412.6980) as one operator a variable, with tf_keras's settings, and its arithmetic but for rounding.

tf_keras composes each update of some fifteen operators, of every variable apart: they were a quarter of the time in which a training step is
traced, and most of the step itself where a model is small. It knows variables, gradients and rates; `train_step` takes the gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""The decay of each moment, and what keeps a division from zero: the defaults of both Kerases."""


class Adam:
    """The moments of some variables of TensorFlow, and the steps taken since the `restart`."""

    def __init__(self, tf: Any, variables: Sequence[Any]) -> None:
        self._tf, self._variables, self._steps = tf, list(variables), 0
        self._moments = [[tf.Variable(tf.zeros_like(one), trainable=False) for _ in range(2)] for one in variables]

    def restart(self) -> None:
        """Clear the moments."""
        self._steps = 0
        for moment in (moment for moments in self._moments for moment in moments):
            moment.assign(self._tf.zeros_like(moment))

    def next_rate(self, learning_rate: float) -> float:
        """Count a step; the rate for `apply`, in which both moments' bias is corrected.

        >>> round(Adam(None, ()).next_rate(1.0), 6)  # the first step: sqrt(1 - 0.999) / (1 - 0.9)
        0.316228
        """
        self._steps += 1
        return learning_rate * math.sqrt(1 - BETA_2**self._steps) / (1 - BETA_1**self._steps)

    def apply(self, gradients: Sequence[Any], rate: Any) -> None:
        """Update the variables and their moments, within a traced step; those without a gradient stay as they are.

        Raises `ValueError` where no variable has one.
        """
        tf = self._tf
        if all(gradient is None for gradient in gradients):
            raise ValueError("No gradients provided for any variable")
        given = {dtype: self._given(rate, dtype) for dtype in {variable.dtype for variable in self._variables}}
        for variable, moments, gradient in zip(self._variables, self._moments, gradients, strict=True):
            if gradient is not None:
                m, v = (moment.handle for moment in moments)
                gradient = tf.convert_to_tensor(gradient)
                tf.raw_ops.ResourceApplyAdam(var=variable.handle, m=m, v=v, grad=gradient, **given[variable.dtype])

    def _given(self, rate: Any, dtype: Any) -> dict[str, Any]:
        """The operator's numbers in a dtype; powers of zero, for `next_rate` has corrected the bias."""
        numbers = {"beta1_power": 0.0, "beta2_power": 0.0, "beta1": BETA_1, "beta2": BETA_2, "epsilon": EPSILON}
        constants = {name: self._tf.constant(number, dtype) for name, number in numbers.items()}
        return {"lr": self._tf.cast(rate, dtype), **constants}
