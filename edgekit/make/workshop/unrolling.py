"""Unrolls the loops of recurrent layers step by step, for conversions that fail with a loop.

The converter crashes when it quantizes the body of a WHILE (TensorFlow 2.21, every GRU and SimpleRNN in int8), and a
runtime may lack the operator. Every recurrent layer of either Keras, and any user's layer that calls `backend.rnn`, is
unrolled; an LSTM is then no longer one fused operator. The outputs stay the same, but for a rounding that a technique gave the states.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.keras_graph.rounded_states import Rounding, rounding_of
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door
from edgekit.verdict.converter_said import NO_LOOPS

MOST_STEPS = 256
"""The most steps of all loops together: 128 steps of a GRU are 1,800 operators and take 20 s to convert."""


class Unrolled:
    """How many steps were unrolled within the block, and the reason if that was impossible."""

    def __init__(self) -> None:
        self.steps, self.reason = 0, ""

    def add(self, steps: int | None) -> None:
        """Count the steps of one loop; raises `ValueError` if it cannot be unrolled."""
        self.steps += steps or 0
        if steps is None:
            self.reason = "its recurrent layers have no fixed number of steps, so that their loops cannot be unrolled"
        elif self.steps > MOST_STEPS:
            self.reason = f"its recurrent layers have more than {MOST_STEPS} steps, too many to unroll"
        if self.reason:
            raise ValueError(self.reason)

    def require(self) -> None:
        """Raise `ValueError` if nothing was unrolled."""
        if not self.steps:
            raise ValueError(NO_LOOPS)


@contextlib.contextmanager
def unrolling(tools: Door, model: Any) -> Iterator[Unrolled]:
    """Within the block, calling the model unrolls its recurrent layers.

    Raises `ValueError` there if the number of steps is not fixed, or exceeds `MOST_STEPS` in all.
    """
    backend, done = (tools.keras3 if is_keras3(model) else tools.keras).src.backend, Unrolled()
    layers = () if is_keras3(model) else model.submodules
    looped, fused = backend.rnn, [layer for layer in layers if getattr(layer, "_could_use_gpu_kernel", False)]

    rounding: list[Rounding | None] = [None]

    def rnn(step: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        done.add(_steps(tools, inputs, time_major=kwargs.get("time_major", False)))
        return looped(_rounded(step, rounding[-1]), inputs, *args, **{**kwargs, "unroll": True})

    backend.rnn = rnn
    for layer in fused:
        layer._could_use_gpu_kernel = False
    try:
        with _loops_told(tools, rounding) if is_keras3(model) else contextlib.nullcontext():
            yield done
    finally:
        backend.rnn = looped
        for layer in fused:
            layer._could_use_gpu_kernel = True


@contextlib.contextmanager
def _loops_told(tools: Door, rounding: list[Rounding | None]) -> Iterator[None]:
    """Within the block, `rounding` ends with that of the layer of Keras 3 whose loop is traced."""
    kind = tools.keras3.layers.RNN
    own = kind.call

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        rounding.append(rounding_of(layer))
        try:
            return own(layer, *args, **kwargs)
        finally:
            rounding.pop()

    kind.call = call
    try:
        yield
    finally:
        kind.call = own


def _rounded(step: Any, rounding: Rounding | None) -> Any:
    """A step of a loop whose output, and the state that is the same tensor, are rounded."""
    if rounding is None:
        return step

    def rounded(inputs: Any, states: Any) -> Any:
        output, after = step(inputs, states)
        made = rounding(output)
        return made, [made if state is output else state for state in after]

    return rounded


def _steps(tools: Door, inputs: Any, *, time_major: bool) -> int | None:
    steps = tools.tf.nest.flatten(inputs)[0].shape[0 if time_major else 1]
    return None if steps is None else int(steps)
