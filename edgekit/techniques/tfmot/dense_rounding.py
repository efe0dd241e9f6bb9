"""The rounding of a dense kernel to int8 with one scale per channel, simulated in training.

TFMOT rounds a dense kernel with one scale, the converter with one for each output: the model would be trained with
another rounding than it is converted with. TFMOT has no setting for this, because its quantizer's operator does not
convert on a dense layer by channel. The quantizer here is made of plain operators, which the converter folds into a
constant that is already rounded and then takes exactly.

The classes are made once TFMOT is imported, since their bases are TFMOT's.
"""

from __future__ import annotations

import functools
from typing import Any

GRID = 127.0


@functools.cache
def _classes(door: Any) -> tuple[type, type]:
    tf, quantizers, configs = door.tf, door.tfmot.quantization.keras.quantizers, door.quantize_configs

    class PerChannelRounding(quantizers.Quantizer):  # type: ignore[misc,name-defined]
        """Rounds the weights of each output to the nearest of 255 values; gradients pass unrounded (straight through)."""

        def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
            return {}

        def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
            scale = tf.reduce_max(tf.abs(inputs), axis=0, keepdims=True) / GRID
            rounded = tf.round(tf.math.divide_no_nan(inputs, scale)) * scale
            return inputs + tf.stop_gradient(rounded - inputs)

        def get_config(self) -> dict[str, Any]:
            return {}

    class PerChannelDenseConfig(configs.Default8BitQuantizeConfig):  # type: ignore[misc,name-defined]
        """TFMOT's configuration of a layer, with this rounding for its kernel."""

        def __init__(self, weight_attrs: Any, activation_attrs: Any, quantize_output: Any) -> None:
            super().__init__(weight_attrs, activation_attrs, quantize_output)
            self.weight_quantizer = PerChannelRounding()

    return PerChannelRounding, PerChannelDenseConfig


def dense_config(door: Any) -> Any:
    """How a dense layer is quantized in training: its kernel by channel, its activation as TFMOT does it."""
    return _classes(door)[1](["kernel"], ["activation"], False)


def dense_objects(door: Any) -> dict[str, type]:
    """The classes by their names in a saved model."""
    return {found.__name__: found for found in _classes(door)}
