"""What is done to a calibrated model before TensorFlow's quantizer makes integers of it: channel ranges equalised, and operators left in float."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from edgekit.make.workshop.int8.equalized import equalized
from edgekit.make.workshop.int8.in_float import most_sensitive
from edgekit.make.workshop.int8.on_samples import Samples
from edgekit.techniques.steps import TypedStep, conversion_of, training_of
from edgekit.tflite.distinct_names import with_distinct_names

WHERE = "the calibrated model"


def may_equalize(steps: Sequence[TypedStep]) -> bool:
    """Whether channels may get factors in a chain's file: its conversion asks for it, and nothing that training made is lost by them."""
    return conversion_of(steps[-1]).equalizes and all(training_of(step).rescalable for step in steps[:-1])


@contextlib.contextmanager
def quantizing(samples: Samples, *, float_share: float | None, equalizes: bool) -> Iterator[list[str]]:
    """Within the block, TensorFlow's quantizer to int8 does both.

    Channel ranges are equalised where `equalizes` and that pays (`equalized`); the operators that rounding hurts most stay in float32, with up to `float_share` of all
    weights (`most_sensitive`; None: nothing is left by choice). Gives the notes on that, which are there after the block. `samples` are the calibration samples, by the names of the inputs.
    """
    notes: list[str] = []
    if not equalizes and float_share is None:
        yield notes
        return
    module: Any = importlib.import_module("tensorflow.lite.python.lite")
    own = module._mlir_quantize

    def quantize(calibrated: bytes, *given: Any, **named: Any) -> bytes:
        content, made = bytes(calibrated), dict[bytes, bytes]()

        def tried(other: bytes) -> bytes:
            made[other] = bytes(own(other, *given, **named))
            return made[other]

        if equalizes:
            content, note = equalized(content, samples, tried)
            notes.extend([note] if note else [])
        if float_share is None:
            return made[content] if content in made else tried(content)
        content = with_distinct_names(content, where=WHERE)
        inside = {key: value for key, value in named.items() if key not in ("input_data_type", "output_data_type")}
        left = most_sensitive(
            content, float_share, samples, lambda names: own(content, *given, denylisted_nodes=names, **inside)
        )
        return bytes(own(content, *given, denylisted_nodes=left, **named))

    module._mlir_quantize = quantize
    try:
        yield notes
    finally:
        module._mlir_quantize = own
