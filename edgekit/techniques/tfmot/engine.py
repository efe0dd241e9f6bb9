"""Fake quantization by TFMOT: annotates the layers that it has a scheme for, and trains them.

Other layers are not annotated: their ranges are calibrated after training, as in post-training quantization. Dense kernels are rounded
with one scale per channel (`dense_rounding`), as the conversion does; TFMOT has one for the whole kernel.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any

from edgekit.techniques.interface import Constraint, Training
from edgekit.techniques.tfmot.dense_rounding import dense_config, dense_objects
from edgekit.techniques.tfmot.ranges import Ranges, renew_kernel_ranges
from edgekit.tflite.model import TfliteModel

FOLLOWED_BY_NORMALIZATION = ("Conv2D", "DepthwiseConv2D")
# Parts of a tensor's name that show that its range is from training: the converter keeps the name of the fake
# quantizer, or only that of the layer that TFMOT wrapped.
MARKS = ("FakeQuantWithMinMaxVars", "/quant_", "quantize_layer/")


def trained(door: Any, model: Any, exclude: Collection[str], training: Training) -> Any:
    """The tf_keras model with fake quantization, fine-tuned."""
    quantization = door.tfmot.quantization.keras
    names = _trainable_in_int8(door, model) - set(exclude)

    def annotate(layer: Any) -> Any:
        if layer.name not in names:
            return layer
        return quantization.quantize_annotate_layer(layer, dense_config(door) if _is_dense(layer) else None)

    annotated = door.keras.models.clone_model(model, clone_function=annotate)
    with scope(door):
        quantized = quantization.quantize_apply(annotated)

    def constraint(steps: int) -> Constraint:
        ranges = Ranges(quantized)
        return Constraint(after_step=ranges.after_step, settle=lambda: renew_kernel_ranges(quantized))

    training.fit(quantized, constraint)
    return quantized


def scope(door: Any) -> AbstractContextManager[Any]:
    """TFMOT's wrappers and our own rounding, which a saved model needs to be read again."""
    context: AbstractContextManager[Any] = door.tfmot.quantization.keras.quantize_scope(dense_objects(door))
    return context


def in_model(model: Any) -> tuple[bool, str]:
    """Whether a layer is wrapped by TFMOT's fake quantization, and how many are."""
    wrapped = sum(type(layer).__name__.startswith("QuantizeWrapper") for layer in model.layers)
    return wrapped > 0, f"{wrapped} of {len(model.layers)} layers simulate int8"


def in_file(model: Any, tflite: TfliteModel) -> tuple[int, int]:
    """Whether an int8 tensor has its scale from the training's fake quantization, by the name that the converter gives it: (1, 1) or (0, 1).

    It names such a tensor after the quantizer that it folded, or after the layer that simulated the rounding; in plain int8 no
    tensor has such a name.
    """
    marked = any(mark in f"/{tensor.name}" for tensor in tflite.tensors for mark in MARKS if tensor.dtype == "int8")
    return int(marked), 1


def _is_dense(layer: Any) -> bool:
    return type(layer).__name__ == "Dense"


def _trainable_in_int8(door: Any, model: Any) -> set[str]:
    """Names of the layers that TFMOT's registry has a scheme for; batch normalisation only behind a convolution."""
    registry, names = door.quantization_registry, set()
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "BatchNormalization":
            before = layer.input._keras_history.layer
            if type(before).__name__ in FOLLOWED_BY_NORMALIZATION:
                names.add(layer.name)
        elif kind != "InputLayer" and registry.supports(layer) and _activation_is_known(layer):
            names.add(layer.name)
    return names


def _activation_is_known(layer: Any) -> bool:
    """Whether TFMOT's scheme knows the activation; it fails on any other."""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name in ("linear", "relu", "softmax", "sigmoid", "tanh")
