"""Which values of a graph vanish in the file, because the converter fuses the call that makes them with the next one.

A convolution takes up its batch normalisation and its ReLU, an addition its ReLU, and the four operations of a hard swish become one
operator. What is fused needs no range: no int8 value ever stands there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value

CONVOLVES = ("Conv", "DepthwiseConv", "SeparableConv", "Dense", "EinsumDense")
JOINS = (
    "Add", "Subtract", "Multiply", "BatchNormalization", "Normalization", "Rescaling", "LayerNormalization", "RMSNormalization", "LayerScale",
)  # fmt: skip
"""What ends with a sum or a product."""
SCALES = ("BatchNormalization", "LayerScale")
ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide")
TAKE_FACTORS = ("Conv2D", "DepthwiseConv2D", "Dense")
"""Of those, the ones that also take up one factor before them."""
RELUS = ("relu", "relu6")
CLIPS = (*RELUS, "hard_tanh")
CLIPPED = ((0, 6), (-1, 1))
CLIP_KINDS = ("ReLU", "Relu", "Relu6", "HardTanh", "Activation")
SHIFT, SHARE = 3.0, 1 / 6
OWN_LAYERS = ("keras.src.layers", "keras.layers")
PARTS = 3
"""The values within a hard swish."""


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
        elif clips(call) and (taken in folds or _joins(makers.get(taken))):
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


def clips(call: Call) -> bool:
    """Whether a call is one that the operator before it can do at its end."""
    if call.kind == "Clip":
        return (call.operation.x_min, call.operation.x_max) in CLIPPED
    return call.kind in CLIP_KINDS and (call.kind == "HardTanh" or activation(call.operation) in CLIPS)


def _joins(call: Call | None) -> bool:
    """Whether what a call does last takes up a clip behind it, or may: what a layer of somebody's own ends with is not known."""
    if call is not None and _is_closed(call.operation):
        return True
    if call is not None and call.kind == "UnitNormalization":
        return len(call.outputs[0].shape) > 1  # rows are normalised by an operator of their own
    return call is not None and call.kind.startswith(JOINS) and not activation(call.operation)


def _is_closed(operation: Any) -> bool:
    """Whether it is a layer that is none of Keras's own layers: InceptionResNetV2 scales its branches with one."""
    return hasattr(operation, "weights") and not type(operation).__module__.startswith(OWN_LAYERS)


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
    """The values within `x * (relu6(x + 3) / 6)`, or within `x * relu6(x + 3) / 6`, where `last` is the last operation."""
    product = makers.get(_share(last)) if _share(last) else None
    if product is not None and product.kind == "Multiply" and len(product.inputs) == 2:
        within = [product.outputs[0], *_clipped(product.inputs, makers)]
    elif last.kind == "Multiply" and len(last.inputs) == 2:
        scaled = {gate: makers[gate] for gate in last.inputs if gate in makers and _share(makers[gate])}
        pairs = [(value, _share(scaled[gate])) for gate in scaled for value in last.inputs if value is not gate]
        within = [*scaled, *(value for pair in pairs for value in _clipped(pair, makers))]
    else:
        return
    if len(within) == PARTS and all(len(users[value]) == 1 for value in within):
        yield from within


def _clipped(pair: Sequence[Value], makers: Mapping[Value, Call]) -> Iterator[Value]:
    """The two values within `relu6(x + 3)`, where a pair is `x` and that, in either order."""
    for x, clipped in (pair, pair[::-1]):
        clip = makers.get(clipped)
        shift = makers.get(clip.inputs[0]) if clip and activation(clip.operation) == "relu6" else None
        if clip and shift and _only(shift, ("Add",), SHIFT) is x:
            yield from (clipped, shift.outputs[0])


def _share(call: Call) -> Any:
    """The value of which a call takes a sixth; None where it does not."""
    return _only(call, ("Multiply",), SHARE) or _only(call, ("Divide", "TrueDivide"), 1 / SHARE)


def _only(call: Call, kinds: tuple[str, ...], constant: float) -> Any:
    """The one value of an operation with a constant; None for any other call."""
    if call.kind not in kinds or len(call.inputs) != 1:
        return None
    arguments = [part for part in (*_flat(call.args), *call.kwargs.values()) if isinstance(part, int | float)]
    return call.inputs[0] if any(abs(part - constant) < 1e-6 for part in arguments) else None


def _flat(arguments: Any) -> Iterator[Any]:
    for part in arguments if isinstance(arguments, list | tuple) else (arguments,):
        yield from _flat(part) if isinstance(part, list | tuple) else (part,)
