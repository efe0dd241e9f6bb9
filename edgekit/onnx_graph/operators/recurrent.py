"""LSTM, GRU and RNN: Keras's layers with their gates in Keras's order, in either direction or in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Atom, Laid
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Operand, Step
from edgekit.values import Value

GATES = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}
"""ONNX's gates in Keras's order: i o f c becomes i f c o; z r h stays."""
ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
LAYERS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}
KNOWN = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "hardsigmoid": None,
    "softsign": "softsign",
    "softplus": "softplus",
}


class Direction(Value):
    """One direction: its place in ONNX's weights, and whether it runs backwards."""

    index: int
    backwards: bool


@builds("LSTM", "GRU", "RNN")
def recurrent(step: Step) -> Sequence[Operand | None]:
    """All outputs that the model uses: each step, the last state, and the cell's."""
    node, kind = step.node, step.node.operator
    layout = node.integer("layout", 0)
    given = step.laid()
    steps, features = (given.shape[1], given.shape[2]) if layout else (given.shape[0], given.shape[2])
    if given.shape[0 if layout else 1] != 1:
        raise CannotExpress("sequences of a fixed batch", "export with batch 1")
    _refuse(step, steps)
    tensor = step.arranged(given, (given.onnx[1 if layout else 0], given.onnx[2]))
    assert tuple(tensor.shape)[1:] == (steps, features)
    backward = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[
        node.text("direction", "forward")
    ]
    directions = [Direction(index=index, backwards=back) for index, back in enumerate(backward)]
    made = [_direction(step, tensor, one, kind, wants_all=bool(node.outputs[0])) for one in directions]
    return _outputs(step, made, steps, layout)


def _refuse(step: Step, steps: int) -> None:
    node = step.node
    lengths = step.constant(4)
    if lengths is not None and np.any(lengths != steps):
        raise CannotExpress("sequences shorter than the tensor", "export without sequence lengths")
    for name in ("clip", "input_forget", "activation_alpha", "activation_beta"):
        if node.attributes.get(name):
            raise CannotExpress(f"a recurrent layer with {name}")
    if node.operator == "LSTM" and (peepholes := step.constant(7)) is not None and np.any(peepholes):
        raise CannotExpress("an LSTM with peepholes")


def _direction(step: Step, tensor: Any, one: Direction, kind: str, *, wants_all: bool) -> list[Any]:
    """What a layer of one direction makes: each step in ONNX's order of time, and its states."""
    kernel, recurrent_kernel = step.wanted(1)[one.index], step.wanted(2)[one.index]
    bias = step.constant(3)
    units = recurrent_kernel.shape[1]
    after = kind == "GRU" and step.node.integer("linear_before_reset", 0) == 1
    weights = [_gates(kernel, kind, units).T, _gates(recurrent_kernel, kind, units).T]
    if bias is not None:
        both = [_gates(part[:, None], kind, units)[:, 0] for part in np.split(bias[one.index], 2)]
        weights.append(np.stack(both) if after else both[0] + both[1])
    settings: dict[str, Any] = {"reset_after": after} if kind == "GRU" else {}
    settings |= _activations(step, kind, one.index)
    initial = _initial(step, one.index, units, kind)
    layer = step.layer(
        LAYERS[kind], units, return_sequences=wants_all, return_state=True, go_backwards=one.backwards, use_bias=bias is not None,
        weights=weights, suffix="backward" if one.backwards else "", **settings,
    )  # fmt: skip
    made = list(layer(tensor, **({"initial_state": initial} if initial else {})))
    if wants_all and one.backwards:
        made[0] = step.op(step.ops.flip, made[0], axis=1, suffix="flip")
    return made


def _gates(array: np.ndarray, kind: str, units: int) -> np.ndarray:
    return np.concatenate([array[gate * units : (gate + 1) * units] for gate in GATES[kind]])


def _activations(step: Step, kind: str, index: int) -> dict[str, str]:
    given = step.node.attributes.get("activations") or ACTIVATIONS[kind] * 2
    each = len(ACTIVATIONS[kind])
    names = [KNOWN.get(str(name).lower()) for name in given[index * each : (index + 1) * each]]
    if None in names or (kind == "LSTM" and names[1] != names[2]):
        raise CannotExpress(f"a recurrent layer with the activations {', '.join(map(str, given))}")
    if kind == "RNN":
        return {"activation": str(names[0])}
    return {"recurrent_activation": str(names[0]), "activation": str(names[1])}


def _initial(step: Step, index: int, units: int, kind: str) -> list[Any]:
    """The first states where the model computes them; none where they are zero."""
    found = [step.input(place) for place in ((5, 6) if kind == "LSTM" else (5,))]
    if all(one is None or (isinstance(one, np.ndarray) and not np.any(one)) for one in found):
        return []
    if not all(isinstance(one, Laid) for one in found):
        raise CannotExpress("first states that are constant and not zero", "make the state an input of the model")
    return [_state(step, one, index, units) for one in found if isinstance(one, Laid)]


def _state(step: Step, one: Laid, index: int, units: int) -> Any:
    layout = step.node.integer("layout", 0)
    directions = one.shape[1 if layout else 0]
    if directions == 1:
        return step.arranged(one, (one.onnx[2],))
    tensor = step.arranged(one, (one.onnx[1 if layout else 0], one.onnx[2]))
    cut = tensor[:, index]
    cut._keras_history.operation.name = step.name("state")
    return cut


def _outputs(step: Step, made: Sequence[Sequence[Any]], steps: int, layout: int) -> list[Operand | None]:
    """ONNX's outputs: [steps, directions, batch, units], and [directions, batch, units] for states."""
    names = [*step.node.outputs, "", "", ""][:3]
    found: list[Operand | None] = []
    for place, name in enumerate(names):
        if not name or place >= len(made[0]):
            found.append(None)
            continue
        parts = [one[place] for one in made]
        units = parts[0].shape[-1]
        whole = parts[0] if len(parts) == 1 else step.layer("Concatenate", suffix="both")(parts)
        found.append(_laid(step, whole, place == 0, steps, len(parts), units, layout))
    return found


def _laid(step: Step, tensor: Any, is_sequence: bool, steps: int, directions: int, units: int, layout: int) -> Laid:
    """A Keras tensor of [steps, directions and units] or [directions and units], whose last axis is two of ONNX's."""
    time, way, unit = (((Atom(size),) if size > 1 else ()) for size in (steps, directions, units))
    last = (*way, *unit)
    if is_sequence:
        onnx = ((), time, way, unit) if layout else (time, way, (), unit)
        return Laid(tensor=tensor, onnx=onnx, keras=(time, last))
    return Laid(tensor=tensor, onnx=((), way, unit) if layout else (way, (), unit), keras=(last,))
