"""The rounding of a dense kernel to int8 with a scale a channel, simulated in training.

TFMOT rounds dense kernels with one scale, where the converter has one for each output: what was trained would not be what
is converted. It cannot simply be told so, because its quantizer's operator does not convert on a dense layer by channel.
This one is made of plain operators that fold into a constant already rounded, which the conversion then takes exactly.

The classes are made when the door is open, since their bases are TFMOT's.
"""

from __future__ import annotations

import functools
from typing import Any

GRID = 127.0


@functools.cache
def _classes(door: Any) -> tuple[type, type]:
    tf, quantizers, configs = door.tf, door.tfmot.quantization.keras.quantizers, door.quantize_configs

    class PerChannelRounding(quantizers.Quantizer):  # type: ignore[misc,name-defined]
        """Rounds to the nearest of 255 values of each output; gradients pass as if it did not (straight through)."""

        def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
            return {}

        def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
            scale = tf.reduce_max(tf.abs(inputs), axis=0, keepdims=True) / GRID
            rounded = tf.round(tf.math.divide_no_nan(inputs, scale)) * scale
            return inputs + tf.stop_gradient(rounded - inputs)

        def get_config(self) -> dict[str, Any]:
            return {}

    class PerChannelDenseConfig(configs.Default8BitQuantizeConfig):  # type: ignore[misc,name-defined]
        """TFMOT's configuration of a layer, with that rounding of its kernel."""

        def __init__(self, weight_attrs: Any, activation_attrs: Any, quantize_output: Any) -> None:
            super().__init__(weight_attrs, activation_attrs, quantize_output)
            self.weight_quantizer = PerChannelRounding()

    return PerChannelRounding, PerChannelDenseConfig


def dense_config(door: Any) -> Any:
    """How a dense layer is quantized in training: its kernel by channel, its activation as TFMOT does it."""
    return _classes(door)[1](["kernel"], ["activation"], False)


def dense_objects(door: Any) -> dict[str, type]:
    """The classes by the names that a saved model calls them by."""
    return {found.__name__: found for found in _classes(door)}
