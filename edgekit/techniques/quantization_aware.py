"""Quantization-aware training: the model is fine-tuned while its int8 rounding is simulated.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv
1712.05877). It pays where post-training int8 loses too much. Layers that TFMOT has no scheme for are not annotated;
their ranges are calibrated after training, as in post-training quantization. Dense kernels are rounded with one scale
per channel (`dense_rounding`), as the conversion does; TFMOT has one for the whole kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.techniques.dense_rounding import dense_config, dense_objects
from edgekit.techniques.interface import Constraint, Evidence, Form, Task, Training, TrainingTechnique
from edgekit.techniques.sites import matching
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

# Parts of a tensor's name that show that its range is from training: the converter keeps the name of the fake
# quantizer, or only that of the layer that TFMOT wrapped.
TRAINED_RANGE = ("FakeQuantWithMinMaxVars", "/quant_", "quantize_layer/")
TFMOT_DECAY = 0.999
FIRST_STEPS = 100
RANGE_ENDS = ("_min:0", "_max:0")
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "Dense")


class Settings(Value):
    """int8 weights per channel, int8 activations per tensor. `exclude` names the layers that are only calibrated."""

    exclude: tuple[str, ...] = ()


class QuantizationAware(TrainingTechnique):
    """Fine-tuning with TFMOT's fake quantization."""

    name = "quantization_aware"
    settings_type = Settings
    place_in_chain = 3
    simulates = "int8"

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the device computes in int8 and the model has a layer whose training can simulate it."""
        if task.profile.numerics.int8 == "absent":
            return self.declined(f"{task.profile.name} has no int8 arithmetic")
        if not any(layer.kind in CONVOLUTIONS for layer in task.facts.layers):
            return self.declined("the model has no convolution or dense layer whose int8 rounding can be trained")
        return (Settings(exclude=matching(task.facts, task.exclude)),)

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """The layers that match the patterns."""
        return matching(facts, patterns)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """It changes nothing: the weights keep their width until the conversion after it."""
        return graph

    def form(self, settings: Settings) -> Form:
        """TFMOT simulates rounding in layers of tf_keras alone."""
        return "tf_keras"

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Annotate what TFMOT can simulate, and fine-tune."""
        quantization = door.tfmot.quantization.keras
        names = _trainable_in_int8(door, model) - set(settings.exclude)

        def annotate(layer: Any) -> Any:
            if layer.name not in names:
                return layer
            return quantization.quantize_annotate_layer(layer, dense_config(door) if _is_dense(layer) else None)

        annotated = door.keras.models.clone_model(model, clone_function=annotate)
        with self.scope(door):
            quantized = quantization.quantize_apply(annotated)

        def constraint(steps: int) -> Constraint:
            ranges = _Ranges(quantized)
            return Constraint(after_step=ranges.after_step, settle=lambda: _renew_ranges(quantized))

        training.fit(quantized, constraint)
        return quantized

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where a layer is wrapped by TFMOT's fake quantization."""
        wrapped = sum(type(layer).__name__.startswith("QuantizeWrapper") for layer in model.layers)
        return Evidence(
            technique=self.name,
            holds=wrapped > 0,
            detail=f"{wrapped} of {len(model.layers)} layers simulate int8",
        )

    def scope(self, door: Any) -> AbstractContextManager[Any]:
        """TFMOT's wrappers and our own rounding, which a saved model needs to be read again."""
        context: AbstractContextManager[Any] = door.tfmot.quantization.keras.quantize_scope(dense_objects(door))
        return context

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where every kernel is int8, and at least one tensor has its scale from the training's fake quantization.

        The converter names such a tensor after the quantizer that it folded, or after the layer that simulated the
        rounding; in plain int8 no tensor has such a name. This shows where the scales are from. Whether training made
        them better, the control and the drop show.
        """
        found = kernels(tflite)
        whole = sum(kernel.dtype == "int8" for kernel in found)
        trained = sum(_is_trained(tensor.name) and tensor.dtype == "int8" for tensor in tflite.tensors)
        return Evidence(
            technique=self.name,
            holds=trained > 0 and whole == len(found),
            detail=f"{whole} of {len(found)} kernels are int8, {trained} tensors with the scales of the training's fake quantization",
        )


def _renew_ranges(model: Any) -> None:
    """Set each kernel's range from its current weights: TFMOT's range is from the step before, when clusters had other values."""
    for layer in model.layers:
        for weight, _, ranges in getattr(layer, "_weight_vars", None) or ():
            channels = weight.shape[-1]
            if "max_var" in ranges and tuple(ranges["max_var"].shape) == (channels,):
                largest = abs(weight.numpy()).reshape(-1, channels).max(axis=0)
                ranges["min_var"].assign(-largest)
                ranges["max_var"].assign(largest)


class _Ranges:
    """The ranges of activations in one run: their mean over its first steps, TFMOT's moving average after that.

    TFMOT begins with -6 to 6 and moves by a thousandth of the distance per step. After a short run with small values,
    most of int8 would stand for values that never occur. TFMOT's range of a model input only ever grows, so it begins
    with nothing.
    """

    def __init__(self, model: Any) -> None:
        weights = [weight for layer in model.layers for weight in layer.weights if not weight.shape.rank]
        inputs = [layer.quantizer_vars for layer in model.layers if type(layer).__name__ == "QuantizeLayer"]
        self._growing = [one[end] for one in inputs for end in ("min_var", "max_var")]
        self._moving = [
            weight for weight in weights if weight.name.endswith(RANGE_ENDS) and "kernel_" not in weight.name
            and not any(weight is one for one in self._growing)
        ]  # fmt: skip
        self._before: list[float] = []

    def after_step(self, step: int) -> None:
        """Called with 0 before the first step, and with the step's number after each."""
        if step == 0:
            for variable in self._growing:
                variable.assign(0.0)
        elif step <= FIRST_STEPS:
            for variable, before in zip(self._moving, self._before, strict=True):
                seen = before + (float(variable.numpy()) - before) / (1 - TFMOT_DECAY)
                mean = before + (seen - before) / step if step > 1 else seen
                variable.assign(min(mean, 0.0) if "_min:" in variable.name else max(mean, 0.0))
        if step < FIRST_STEPS:
            self._before = [float(variable.numpy()) for variable in self._moving]


def _is_dense(layer: Any) -> bool:
    return type(layer).__name__ == "Dense"


def _trainable_in_int8(door: Any, model: Any) -> set[str]:
    """Names of the layers that TFMOT's registry has a scheme for; batch normalisation only behind a convolution."""
    registry, names = door.quantization_registry, set()
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "BatchNormalization":
            before = layer.input._keras_history.layer
            if type(before).__name__ in CONVOLUTIONS[:2]:
                names.add(layer.name)
        elif kind != "InputLayer" and registry.supports(layer) and _activation_is_known(layer):
            names.add(layer.name)
    return names


def _activation_is_known(layer: Any) -> bool:
    """Whether TFMOT's scheme knows the activation; it fails on any other."""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name in ("linear", "relu", "softmax", "sigmoid", "tanh")


def _is_trained(name: str) -> bool:
    return any(mark in f"/{name}" for mark in TRAINED_RANGE)
