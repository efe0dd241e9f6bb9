"""Recurrent layers of Keras 3, traced while a model is converted in the form that the converter fuses, or in the fewest operators.

The converter makes one operator of an LSTM whose loop stands in a function that says `api_implements`, with the arguments and outputs of
Keras 2's `standard_lstm` (TensorFlow, `compiler/mlir/lite/utils/lstm_utils.cc`); Keras 3 gives it a plain loop. Keras 3 also counts a loop
twice, cuts the gates of a GRU one by one in each turn, and draws dropout masks that inference never uses.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door

Loop = Callable[..., Any]
Activation = Callable[[Any], Any]


@contextlib.contextmanager
def recurrent_layers(tools: Door, model: Any, *, fused: bool) -> Iterator[None]:
    """Within the block, calling a model of Keras 3 without training gives recurrent layers as said above; an LSTM is fused only where `fused`."""
    if not is_keras3(model):
        yield
        return
    source = tools.keras3.src
    backend, layer = source.backend, source.layers.RNN
    loops = importlib.import_module("keras.src.backend.tensorflow.rnn")
    ours = [
        (backend, "gru", _gru(tools)),
        (loops, "tf", _CountedOnce(tools.tf)),
        (layer, "_maybe_config_dropout_masks", lambda *_: None),
        (source.layers.LSTMCell, "call", _lstm_cell(tools.tf, source.layers.LSTMCell.call)),
        (source.layers.GRUCell, "call", _gru_cell(tools.tf, source.layers.GRUCell.call)),
        *([(backend, "lstm", _lstm(tools))] if fused else []),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in ours]
    for owner, name, value in ours:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


class _CountedOnce:
    """TensorFlow, with loops that end by their own condition alone."""

    def __init__(self, tf: Any) -> None:
        self._tf = tf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tf, name)

    def while_loop(self, *args: Any, maximum_iterations: Any = None, **kwargs: Any) -> Any:
        """The same loop without a second counter."""
        return self._tf.while_loop(*args, **kwargs)


def _lstm(tools: Door) -> Loop:
    """Keras 3's `backend.lstm`: in a function that the converter fuses where the layer has the usual activations and a bias."""
    tf, backend, activations = tools.tf, tools.keras3.src.backend, tools.keras3.activations
    usual, names = (activations.tanh, activations.sigmoid), itertools.count()

    def lstm(
        inputs: Any, hidden: Any, carry: Any, mask: Any, kernel: Any, recurrent_kernel: Any, bias: Any, activation: Any,
        recurrent_activation: Any, return_sequences: bool = False, **how: Any,
    ) -> Any:  # fmt: skip
        if mask is not None or how.get("unroll"):
            raise NotImplementedError

        def standard_lstm(inputs: Any, hidden: Any, carry: Any, *weights: Any) -> Any:
            step = _lstm_step(tf, weights, activation, recurrent_activation)
            last, outputs, states = backend.rnn(
                step, inputs, [hidden, carry], return_all_outputs=return_sequences, **how
            )
            return last, outputs, *states, tf.constant(0.0)

        call = standard_lstm
        if (activation, recurrent_activation) == usual and bias is not None:
            call = _named(tf, standard_lstm, f"lstm_{next(names)}", how)
        weights = (_tensor(tools, weight) for weight in (kernel, recurrent_kernel, bias))
        last, outputs, hidden, carry, _ = call(inputs, hidden, carry, *weights)
        return last, outputs, [hidden, carry]

    return lstm


def _lstm_cell(tf: Any, own: Loop) -> Loop:
    """A step of Keras's cell, whose gates are cut out one by one where its state is constant: the first step of an unrolled loop.

    Its carry is zero, so that its forget gate is folded away. A split with an output that nobody takes has no range there, and would stay in
    float.
    """

    def call(cell: Any, inputs: Any, states: Any, training: Any = False) -> Any:
        if training or tf.get_static_value(states[1]) is None:
            return own(cell, inputs, states, training=training)
        weights = (cell.kernel, cell.recurrent_kernel, cell.bias)
        return _lstm_step(tf, weights, cell.activation, cell.recurrent_activation, _sliced)(inputs, states)

    return call


def _lstm_step(
    tf: Any, weights: Sequence[Any], activation: Activation, recurrent_activation: Activation, cut: Any = None
) -> Loop:
    kernel, recurrent_kernel, bias = weights

    def step(x: Any, states: Any) -> Any:
        gates = tf.matmul(x, kernel) + tf.matmul(states[0], recurrent_kernel)
        i, f, c, o = (cut or tf.split)(gates if bias is None else gates + bias, 4, axis=1)
        carried = recurrent_activation(f) * states[1] + recurrent_activation(i) * activation(c)
        hidden = recurrent_activation(o) * activation(carried)
        return hidden, [hidden, carried]

    return step


def _gru(tools: Door) -> Loop:
    """Keras 3's `backend.gru`, in a function of its own as Keras 2 has it: so its tensors have short names."""
    tf, backend, names = tools.tf, tools.keras3.src.backend, itertools.count()

    def gru(
        inputs: Any, hidden: Any, mask: Any, kernel: Any, recurrent_kernel: Any, bias: Any, activation: Any,
        recurrent_activation: Any, return_sequences: bool = False, reset_after: bool = True, **how: Any,
    ) -> Any:  # fmt: skip
        if mask is not None or how.get("unroll"):
            raise NotImplementedError

        def standard_gru(inputs: Any, hidden: Any, *weights: Any) -> Any:
            kind = _gru_step if reset_after else _early_gru_step
            step = kind(tf, weights, activation, recurrent_activation, hidden)
            return backend.rnn(step, inputs, [hidden], return_all_outputs=return_sequences, **how)

        weights = (_tensor(tools, weight) for weight in (kernel, recurrent_kernel, bias))
        return _named(tf, standard_gru, f"gru_{next(names)}", how)(inputs, hidden, *weights)

    return gru


def _gru_step(
    tf: Any, weights: Sequence[Any], activation: Activation, recurrent_activation: Activation, initial: Any
) -> Loop:
    """A step that resets after the product with the recurrent kernel, with one split of the gates where Keras's cell cuts each out.

    But for the first step of an unrolled loop, as in an LSTM: without a bias its reset changes nothing and is folded away.
    """
    kernel, recurrent_kernel, bias = weights
    of_input, of_state = (0.0, 0.0) if bias is None else tf.unstack(bias)

    def step(x: Any, states: Any) -> Any:
        cut = _sliced if states[0] is initial else tf.split
        x_z, x_r, x_h = cut(tf.matmul(x, kernel) + of_input, 3, axis=1)
        h_z, h_r, h_h = tf.split(tf.matmul(states[0], recurrent_kernel) + of_state, 3, axis=1)
        z, r = recurrent_activation(x_z + h_z), recurrent_activation(x_r + h_r)
        after = z * states[0] + (1 - z) * activation(x_h + r * h_h)
        return after, [after]

    return step


def _gru_cell(tf: Any, own: Loop) -> Loop:
    """A step of Keras's cell, with its gates cut out one by one where its state is constant, for the reason that an LSTM's cell has."""

    def call(cell: Any, inputs: Any, states: Any, training: Any = False) -> Any:
        state = states[0] if isinstance(states, (list, tuple)) else states
        if training or tf.get_static_value(state) is None:
            return own(cell, inputs, states, training=training)
        weights, kind = (
            (cell.kernel, cell.recurrent_kernel, cell.bias),
            _gru_step if cell.reset_after else _early_gru_step,
        )
        after, states_after = kind(tf, weights, cell.activation, cell.recurrent_activation, state)(inputs, [state])
        return after, states_after if isinstance(states, (list, tuple)) else after

    return call


def _sliced(gates: Any, count: int, axis: int) -> list[Any]:
    """What a split along the last axis gives, each part cut out by itself."""
    units = int(gates.shape[axis]) // count
    return [gates[:, number * units : (number + 1) * units] for number in range(count)]


def _early_gru_step(
    tf: Any, weights: Sequence[Any], activation: Activation, recurrent_activation: Activation, initial: Any
) -> Loop:
    """A step that resets before that product, as Keras 1 did; the gates of the first step of an unrolled loop are cut as above."""
    kernel, recurrent_kernel, bias = weights
    gates = 2 * int(recurrent_kernel.shape[0])

    def step(x: Any, states: Any) -> Any:
        entering = tf.matmul(x, kernel)
        cut = _sliced if states[0] is initial else tf.split
        x_z, x_r, x_h = cut(entering if bias is None else entering + bias, 3, axis=1)
        h_z, h_r = tf.split(tf.matmul(states[0], recurrent_kernel[:, :gates]), 2, axis=1)
        z, r = recurrent_activation(x_z + h_z), recurrent_activation(x_r + h_r)
        after = z * states[0] + (1 - z) * activation(x_h + tf.matmul(r * states[0], recurrent_kernel[:, gates:]))
        return after, [after]

    return step


def _named(tf: Any, function: Loop, name: str, how: dict[str, Any]) -> Loop:
    """The function as one of the graph, by whose attributes the converter knows what it does."""
    attributes = {"api_implements": name, "time_major": False, "go_backwards": how.get("go_backwards", False)}
    traced: Loop = tf.function(function, autograph=False, experimental_attributes=attributes)
    return traced


def _tensor(tools: Door, weight: Any) -> Any:
    """A weight's value in the graph: a function that is given the variable itself is not fused."""
    return None if weight is None else tools.tf.convert_to_tensor(weight.value if is_keras3(weight) else weight)
