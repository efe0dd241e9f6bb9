"""Where a graph gets ranges for its activations: a pure decision, by what TFLite's int8 kernels do.

A value has a range where an int8 operator writes it. It has none of its own where an operator hands on its input's scale (pools,
reshapes) or where the converter fuses two calls (`fused`). The inputs and the output of a concatenation have one scale: they share the
range of the output. So do the steps and the last state that a recurrent layer gives out: with its loop unrolled, the last step is that state.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.techniques.fake_quant.fused import activation, fused_values
from edgekit.techniques.fake_quant.wide import wide_values

Fixed = tuple[float, float]
SHARE: Fixed = (0.0, 255 / 256)
SIGNED: Fixed = (-1.0, 127 / 128)
FIXED = {"softmax": SHARE, "sigmoid": SHARE, "tanh": SIGNED, "log_softmax": (-16.0 * 255 / 256, 0.0)}
"""The ranges that TFLite's int8 kernels give these activations, whatever the data."""
CALIBRATED = ("LSTM", "Bidirectional", "RNN")
"""Recurrent layers that are one operator in the file, with a state of its own scale: a range at both ends is more than the converter bears."""
RECURRENT = ("GRU", "SimpleRNN")
"""Of these, one that skips masked steps is calibrated too: in the file all its states have one scale, and that of the last alone is trained."""
CONCATENATES = ("Concatenate",)
AVERAGES = ("AveragePool",)
"""Of those that hand on the scale of their input, these make values that are not on its grid: the file rounds them to it."""
# Layers and operations that hand on the scale of their input.
SAME_SCALE = (
    "Reshape", "Flatten", "Permute", "Dropout", "SpatialDropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    "Cropping", "UpSampling", "ZeroPadding", "MaxPool", "AveragePool", "GlobalMaxPool", "RepeatVector", "Identity", "Masking",
    "Transpose", "Squeeze", "ExpandDims", "GetItem", "Pad", "Split", "Unstack", "Repeat", "Tile", "BroadcastTo", "Take", "Flip", "Roll",
    "Random", "Slice", "Swapaxes", "Moveaxis", "StopGradient", "Ravel", "Copy",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Range:
    """A range: `fixed`, or followed by what the `watched` values hold in training."""

    fixed: Fixed | None = None
    watched: tuple[Value, ...] = ()


def ranged_values(
    graph: FlatGraph, exclude: Collection[str] = (), *, wide_in_float: bool = False
) -> dict[Value, Range]:
    """The range of each value that has one, in the order they are made; values that are concatenated share one.

    What layers in `exclude` make gets none: it is calibrated after training. An output with a fixed range gets none either: the file
    has that range whatever is simulated, and a loss of a probability that was rounded to zero is the logarithm of nothing. With `wide_in_float`, what a
    logarithm and its kind take gets none (`wide`).
    """
    made = dict.fromkeys(value for value in graph.inputs if _is_real(value))
    fixed: dict[Value, Fixed | None] = {**made}
    vanished = fused_values(graph)
    calibrated = (*CALIBRATED, *(RECURRENT if _masks(graph) else ()))
    for call in graph.calls:
        if call.name in exclude or call.kind.startswith(SAME_SCALE) or _recurrent_kind(call) in calibrated:
            continue
        fixed.update((value, fixed_range(call)) for value in call.outputs if _is_real(value) and value not in vanished)
    fixed.update(_averages(graph, fixed))
    wide = wide_values(graph) if wide_in_float else set[Value]()
    fixed = {
        value: end for value, end in fixed.items() if value not in wide and (end is None or value not in graph.outputs)
    }
    joined = _joined(graph, fixed)
    watched: dict[Value, list[Value]] = {}
    for value, first in joined.items():
        watched.setdefault(first, []).append(value)
    shared = {first: Range(watched=_watched(graph, values)) for first, values in watched.items()}
    return {
        value: shared[joined[value]] if value in joined else Range(fixed=end) if end else Range(watched=(value,))
        for value, end in fixed.items()
    }


def _recurrent_kind(call: Call) -> str:
    """The kind of a call; of a Bidirectional layer that gives out its states, the kind of its layers.

    Its states may be concatenated, and so given a range that is trained. Were the steps calibrated, the last step would have two scales.
    """
    gives_states = call.kind == "Bidirectional" and call.operation.return_state
    return type(call.operation.forward_layer).__name__ if gives_states else call.kind


def _masks(graph: FlatGraph) -> bool:
    """Whether a layer of the graph masks steps of a sequence."""
    return any(call.kind == "Masking" or getattr(call.operation, "mask_zero", False) for call in graph.calls)


def fixed_range(call: Call) -> Fixed | None:
    """The range that the int8 kernel of a call's activation has; None where it has none of its own."""
    return FIXED.get(activation(call.operation))


def _averages(graph: FlatGraph, fixed: Mapping[Value, Fixed | None]) -> dict[Value, Fixed | None]:
    """The averages of values that have a range, each with what those have."""
    makers = graph.makers()
    averages = (call.outputs[0] for call in graph.calls if call.kind.startswith(AVERAGES))
    return {value: fixed[source] for value in averages if (source := made_from(value, makers)) in fixed}


def _is_real(value: Value) -> bool:
    return value.dtype == "float32"


def _joined(graph: FlatGraph, ranged: Mapping[Value, Fixed | None]) -> dict[Value, Value]:
    """The values that may share a range with others, each with the first of them."""
    first: dict[Value, Value] = {}

    def find(value: Value) -> Value:
        while first.get(value, value) is not value:
            value = first[value]
        return value

    for values in _of_one_scale(graph, ranged):
        for value in values:
            first.setdefault(value, value)
            first[find(value)] = find(values[0])
    return {value: find(value) for value in first if value in ranged}


def _of_one_scale(graph: FlatGraph, ranged: Mapping[Value, Fixed | None]) -> Iterator[list[Value]]:
    """The values to which a call gives one scale in the file, what it makes first.

    They are those whose range follows the data, and calibrated ones that a recurrent layer gives out twice: these tie what they are concatenated to.
    """
    makers, taken = graph.makers(), {*graph.users(), *graph.outputs}
    tied = [_given_twice(call, taken) for call in graph.calls]
    free = {value for value, end in ranged.items() if end is None} | ({*itertools.chain(*tied)} - {*ranged})
    for call, found in zip(graph.calls, tied, strict=True):
        if call.kind.startswith((*CONCATENATES, *AVERAGES)) and call.outputs[0] in ranged:
            found = [
                call.outputs[0],
                *(value if value in ranged else made_from(value, makers) for value in call.inputs),
            ]
        yield [value for value in found if value in free]


def _given_twice(call: Call, taken: Collection[Value]) -> list[Value]:
    """What a recurrent layer gives out of one step both as an output and as its state, where both are taken."""
    alike = call.outputs if _recurrent_kind(call) in RECURRENT else call.outputs[:2] if call.kind == "LSTM" else ()
    found = [value for value in alike if value in taken]
    return found if len(found) > 1 else []


def made_from(value: Value, makers: Mapping[Value, Call]) -> Value:
    """The value whose scale a value has."""
    while value in makers and makers[value].kind.startswith(SAME_SCALE) and makers[value].inputs:
        value = makers[value].inputs[0]
    return value


def _watched(graph: FlatGraph, values: Collection[Value]) -> tuple[Value, ...]:
    """Of values that share a range, those that hold what the others hold: the concatenated ones, and what recurrent layers give out beside them.

    Without a concatenated one, these are all that are no averages.
    """
    makers = graph.makers()
    kinds = {value: makers[value].kind if value in makers else "" for value in values}
    concatenated = [value for value, kind in kinds.items() if kind in CONCATENATES]
    recurrent = [value for value in values if value in makers and _recurrent_kind(makers[value]) in RECURRENT]
    within = {value for one in concatenated for value in makers[one].inputs}
    within |= {
        state for state in recurrent if kinds[state] in RECURRENT and makers[state].outputs[0] in kinds.keys() - {state}
    }
    beside = [value for value in recurrent if value not in within]
    single = [value for value, kind in kinds.items() if value not in recurrent and not kind.startswith(AVERAGES)]
    return (*(concatenated or single), *beside)
