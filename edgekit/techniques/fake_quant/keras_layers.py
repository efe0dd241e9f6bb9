"""The Keras 3 classes of a fake-quantized model: a layer that simulates a range, and the model that rounds its kernels while it is called.

They are made once TensorFlow is imported, and registered, so that a stored model is read again.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from edgekit.techniques.fake_quant.kernels import Rounding, rounded, roundings

BITS = 8
REMEMBERED = 100
"""A range is the mean of the batches' ends over so many steps, and then moves towards each batch by that share."""
PACKAGE = "edgekit"


class Classes(NamedTuple):
    """The layer and the model."""

    range: Any
    model: Any


@functools.cache
def classes(door: Any) -> Classes:
    """Both classes, registered with Keras 3."""
    return Classes(_range_layer(door), _model(door))


def _range_layer(door: Any) -> Any:
    tf, keras = door.tf, door.keras3

    @keras.saving.register_keras_serializable(PACKAGE)
    class FakeQuantizedRange(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """Rounds tensors to 256 values, with a zero among them, of a `fixed` range or of one that follows the data in training.

        Several tensors may share the range: it spans the ends of those that are `watched` (by their number); others are rounded as soon
        as anything was seen. What is `rectified` has no value below zero, and is not searched for one.
        """

        def __init__(self, fixed: Any = None, watched: int = 1, rectified: bool = False, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.fixed, self.watched, self.rectified = None if fixed is None else tuple(fixed), watched, rectified
            self.supports_masking, self.is_silent = True, False

        def build(self, shape: Any) -> None:
            def ends(name: str) -> Any:
                return self.add_weight(name=name, shape=(self.watched,), initializer="zeros", trainable=False)

            if self.fixed is None:
                self.low, self.high, self.steps = ends("low"), ends("high"), ends("steps")
            self.built = True

        def call(self, inputs: Any, number: int | None = 0, training: bool = False) -> Any:
            if self.is_silent:
                return inputs
            if self.fixed is not None:
                return self._rounded(inputs, *self.fixed)
            if training and number is not None:
                self._watch(inputs, number)
            low, high = self._range()
            if number is not None:
                return self._rounded(inputs, low, high)
            return tf.cond(high > low, lambda: self._rounded(inputs, low, high), lambda: inputs)

        def rounding(self) -> Any:
            """What it does to a tensor from now on, with its ends as numbers."""
            low, high = float(self.low.numpy().min()), float(self.high.numpy().max())
            return lambda inputs: self._rounded(inputs, low, high)

        def width(self) -> float:
            """From one end to the other."""
            return float(self.high.numpy().max() - self.low.numpy().min())

        def widen(self, least: float) -> None:
            """Move both ends apart by one factor, until they are `least` from each other."""
            width = self.width()
            for end in (self.low, self.high) if 0.0 < width < least else ():
                end.assign(end.value * (least / width))

        def _rounded(self, inputs: Any, low: Any, high: Any) -> Any:
            return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=BITS)

        def _range(self) -> tuple[Any, Any]:
            """Its ends as tensors: they are asked for in every call, and take few operators."""
            if self.watched == 1:
                return tf.squeeze(self.low.value), tf.squeeze(self.high.value)
            return tf.reduce_min(self.low.value), tf.reduce_max(self.high.value)

        def _watch(self, inputs: Any, number: int) -> None:
            one = tf.one_hot(number, self.watched) if self.watched > 1 else 1.0
            share = one / tf.minimum(self.steps.value + 1.0, float(REMEMBERED))
            inputs = tf.stop_gradient(inputs)  # the ends follow the data, and are not trained
            ends = [(self.high, tf.maximum(tf.reduce_max(inputs), 0.0))]
            if not self.rectified:
                ends.append((self.low, tf.minimum(tf.reduce_min(inputs), 0.0)))
            for variable, seen in ends:
                variable.assign(variable.value + share * (seen - variable.value))
            self.steps.assign(self.steps.value + one)

        def compute_output_shape(self, shape: Any, **_: Any) -> Any:
            return shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "fixed": self.fixed, "watched": self.watched, "rectified": self.rectified}

    return FakeQuantizedRange


def _model(door: Any) -> Any:
    tf, keras = door.tf, door.keras3

    @keras.saving.register_keras_serializable(PACKAGE)
    class FakeQuantizedModel(keras.Model):  # type: ignore[misc, name-defined]
        """A Functional model whose layers get int8-rounded kernels while it is called; those in `float_layers` keep theirs."""

        float_layers: tuple[str, ...] = ()
        is_rounded = False

        def rounded_kernels(self) -> dict[str, tuple[Rounding, ...]]:
            """The kernels that are rounded, by the name of their layer."""
            found = {layer.name: roundings(layer) for layer in self.layers if layer.name not in self.float_layers}
            return {name: kernels for name, kernels in found.items() if kernels}

        def round_for_good(self) -> None:
            """Give the kernels themselves their rounded values, which a conversion then sees as constants."""
            for one in (one for found in self.rounded_kernels().values() for one in found):
                one.variable.assign(rounded(tf, one.variable.value, one))
            self.is_rounded = True

        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            if self.is_rounded:
                return super().call(inputs, training=training, mask=mask)
            kernels = [one for found in self.rounded_kernels().values() for one in found]
            mapping = [(one.variable, rounded(tf, one.variable.value, one)) for one in kernels]
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
                outputs = super().call(inputs, training=training, mask=mask)
            for variable in self.non_trainable_variables:
                value = scope.get_current_value(variable)
                if value is not None:
                    variable.assign(value)
            for loss in scope.losses:
                self.add_loss(loss[0] if isinstance(loss, tuple) else loss)
            return outputs

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "float_layers": list(self.float_layers)}

        @classmethod
        def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
            left = config.pop("float_layers", ())
            made = super().from_config(config, custom_objects=custom_objects)
            made.float_layers = tuple(left)
            return made

    return FakeQuantizedModel
