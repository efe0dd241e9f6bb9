"""Which values of a graph vanish in the file, because the converter fuses the call that makes them with the next one.

A convolution takes up its batch normalisation and its ReLU, an addition its ReLU, and the four operations of a hard swish become one
operator. What is fused needs no range: no int8 value ever stands there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value

CONVOLVES = ("Conv", "DepthwiseConv", "SeparableConv", "Dense", "EinsumDense")
JOINS = ("Add", "Subtract", "Multiply", "BatchNormalization", "Normalization", "Rescaling")
SCALES = ("BatchNormalization", "LayerScale")
ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide")
TAKE_FACTORS = ("Conv2D", "DepthwiseConv2D", "Dense")
"""Of those, the ones that also take up one factor before them."""
RELUS = ("relu", "relu6")
RELU_KINDS = ("ReLU", "Relu", "Relu6", "Activation")
SHIFT, SHARE = 3.0, 1 / 6


def fused_values(graph: FlatGraph) -> set[Value]:
    """The values that no operator of the file writes."""
    users, makers = graph.users(), graph.makers()
    found: set[Value] = set()
    folds: set[Value] = set()  # what a convolution makes, and what is folded into it
    for call in graph.calls:
        if call.kind.startswith(CONVOLVES) and not activation(call.operation):
            folds |= set(call.outputs)
        taken = call.inputs[0] if call.inputs else None
        if taken is None or taken in graph.outputs or len(users[taken]) != 1:
            continue
        if taken in folds and _scales(call):
            folds |= set(call.outputs)
            found.add(taken)
        elif _clips(call) and (taken in folds or _joins(makers.get(taken))):
            found.add(taken)
        found |= {taken} if call.kind in TAKE_FACTORS and _is_one_factor(makers.get(taken)) else set()
    return found | {value for call in graph.calls for value in _hard_swish(call, users, makers)}


def _scales(call: Call) -> bool:
    """Whether a convolution takes up a call behind it: a scale or an offset of each channel that is constant."""
    return call.kind in SCALES or (call.kind in ARITHMETIC and len(call.inputs) == 1)


def _is_one_factor(call: Call | None) -> bool:
    """Whether a call is a product with one number, which the converter puts into the kernel behind it."""
    if call is None or len(call.inputs) != 1:
        return False
    if call.kind == "Rescaling":
        settings = call.operation.get_config()
        return isinstance(settings["scale"], int | float) and settings["offset"] == 0
    numbers = [part for part in (*_flat(call.args), *call.kwargs.values()) if isinstance(part, int | float)]
    return call.kind == "Multiply" and len(numbers) == 1


def _clips(call: Call) -> bool:
    return call.kind in RELU_KINDS and activation(call.operation) in RELUS


def _joins(call: Call | None) -> bool:
    return call is not None and call.kind.startswith(JOINS) and not activation(call.operation)


def activation(operation: Any) -> str:
    """The name of the activation that a layer or an operation applies last; empty for none that is known."""
    kind = type(operation).__name__
    if kind in ("Softmax", "Sigmoid", "Tanh", "LogSoftmax"):
        return {"LogSoftmax": "log_softmax"}.get(kind, kind.lower())
    if kind in ("ReLU", "Relu", "Relu6"):
        return _relu(operation)
    if kind in ("LSTM", "GRU", "SimpleRNN", "Bidirectional", "TimeDistributed", "RNN"):
        return ""
    name = getattr(getattr(operation, "activation", None), "__name__", "")
    return "" if name == "linear" else str(name)


def _relu(operation: Any) -> str:
    """`relu` or `relu6` where a layer or an operation is one that TFLite fuses."""
    if type(operation).__name__ in ("Relu", "Relu6"):
        return type(operation).__name__.lower()
    plain = not operation.negative_slope and not operation.threshold
    return {None: "relu", 6.0: "relu6"}.get(operation.max_value, "") if plain else ""


def _hard_swish(last: Call, users: Mapping[Value, Sequence[Call]], makers: Mapping[Value, Call]) -> Iterator[Value]:
    """The values within `x * (relu6(x + 3) / 6)`, where `last` is that product."""
    if last.kind != "Multiply" or len(last.inputs) != 2:
        return
    for x, gate in (last.inputs, last.inputs[::-1]):
        scaled = makers.get(gate)
        clipped = makers.get(_only(scaled, "Multiply", SHARE)) if scaled else None
        shifted = makers.get(clipped.inputs[0]) if clipped and activation(clipped.operation) == "relu6" else None
        if scaled and clipped and shifted and _only(shifted, "Add", SHIFT) is x:
            within = (gate, clipped.outputs[0], shifted.outputs[0])
            yield from within if all(len(users[value]) == 1 for value in within) else ()


def _only(call: Call, kind: str, constant: float) -> Any:
    """The one value of an operation with a constant; None for any other call."""
    if call.kind != kind or len(call.inputs) != 1:
        return None
    arguments = [part for part in (*_flat(call.args), *call.kwargs.values()) if isinstance(part, int | float)]
    return call.inputs[0] if any(abs(part - constant) < 1e-6 for part in arguments) else None


def _flat(arguments: Any) -> Iterator[Any]:
    for part in arguments if isinstance(arguments, list | tuple) else (arguments,):
        yield from _flat(part) if isinstance(part, list | tuple) else (part,)
