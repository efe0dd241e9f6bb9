"""Our own fake quantization of a Keras 3 model: trained, and seen again in the model and in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from edgekit.keras_graph.flat_graph import FlatGraph, read_graph
from edgekit.keras_graph.rounded_states import round_states
from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.techniques.fake_quant.keras_layers import classes
from edgekit.techniques.fake_quant.sums import widen_for_sums
from edgekit.techniques.interface import Training
from edgekit.tflite.model import TfliteModel

STEPS_OF_INT8 = 255
NEAR = 1e-4
"""Two scales are the same if they differ by less than this share: float32 rounds them on different ways."""


def trained(door: Any, model: Any, exclude: Collection[str], training: Training, *, wide_in_float: bool = False) -> Any:
    """The Keras 3 model with fake quantization, fine-tuned; with `wide_in_float`, what a logarithm and its kind take is not rounded."""
    quantized = fake_quantized(door, model, exclude, wide_in_float=wide_in_float)
    training.fit(quantized)
    return quantized


def scope(door: Any) -> AbstractContextManager[Any]:
    """Nothing to enter once the classes are registered with Keras."""
    classes(door)
    return nullcontext()


def in_model(model: Any) -> tuple[bool, str]:
    """Whether kernels are rounded and every range has seen data, with the counts in words."""
    kernels = sum(map(len, model.rounded_kernels().values()))
    ranges = list(_ranges(model))
    empty = [layer.name for layer in ranges if not _ends(layer)]
    detail = f"{kernels} kernels and {len(ranges)} ranges of activations simulate int8"
    return kernels > 0 and not empty, detail + (f"; no data was seen by {', '.join(empty)}" if empty else "")


def in_file(model: Any, tflite: TfliteModel) -> tuple[int, int]:
    """How many of a model's trained ranges an int8 tensor of the file has, and how many there are."""
    wanted = {layer.name: _ends(layer) for layer in _ranges(model)}
    scales = {tensor.scales[0] for tensor in tflite.tensors if tensor.dtype == "int8" and len(tensor.scales) == 1}
    trained_scales = [(high - low) / STEPS_OF_INT8 for low, high in filter(None, wanted.values())]
    return sum(any(abs(one - scale) <= NEAR * scale for one in scales) for scale in trained_scales), len(trained_scales)


def for_conversion(door: Any, model: Any, *, ranges: bool) -> Any:
    """The model with its kernels rounded for good, and its ranges as kernels need them; without `ranges`, they hand on their input from now on."""
    model.round_for_good()
    if ranges:
        graph = read_graph(door, model)
        trained_ranges = set(map(id, _ranges(model)))
        widen_for_sums(graph, lambda operation: id(operation) in trained_ranges)
        _round_states(door, graph, trained_ranges)
        return model
    for layer in (*_ranges(model), *_fixed(model)):
        layer.is_silent = True
    return model


def _round_states(door: Any, graph: FlatGraph, trained_ranges: Collection[int]) -> None:
    """A recurrent layer that gives out every step, and whose outputs have a range, rounds its states to the same."""
    makers, kinds = graph.makers(), (door.keras3.layers.RNN, door.keras3.layers.Bidirectional)
    for call in graph.calls:
        made_by = makers.get(call.inputs[0]) if id(call.operation) in trained_ranges else None
        if made_by is None or not isinstance(made_by.operation, kinds) or call.inputs[0] is not made_by.outputs[0]:
            continue
        if made_by.operation.return_sequences:
            round_states(made_by.operation, call.operation.rounding())


def _ranges(model: Any) -> Iterator[Any]:
    """The layers of ranges that follow the data."""
    return (layer for layer in model.layers if type(layer).__name__ == "FakeQuantizedRange" and layer.fixed is None)


def _fixed(model: Any) -> Iterator[Any]:
    return (layer for layer in model.layers if type(layer).__name__ == "FakeQuantizedRange" and layer.fixed is not None)


def _ends(layer: Any) -> tuple[float, float] | None:
    """The ends of a range; None where no data was seen."""
    low, high = float(layer.low.numpy().min()), float(layer.high.numpy().max())
    return (low, high) if high > low else None
