"""Calibration that sees each value as it was made.

The converter's calibration runs the float model and notes the range of what each operator takes and gives, after it ran. Where an operator writes its result over
its input (LiteRT does so for sums and products whose input nobody else takes), the input's range then is wrong: that of a residual branch is as wide as the sum, that
of what a large factor scales up as wide as the product (TensorFlow 2.21). An output of the model is never written over, so that these
inputs are outputs while the model is calibrated.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

from edgekit.make.workshop.int8.common_scales import widened
from edgekit.tflite.flatbuffer import FlatBuffer, Table
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import ModelField, SubGraphField

UNCHANGED = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BITCAST"})
"""Operators whose result is the input's bytes: what they write over keeps its range."""


@contextlib.contextmanager
def kept_inputs() -> Iterator[None]:
    """Within the block, TensorFlow's int8 calibration keeps the inputs of operators."""
    module = importlib.import_module("tensorflow.lite.python.optimize.calibrator")
    kind = module.Calibrator
    own = kind.calibrate

    def calibrate(self: Any, samples: Any) -> bytes:
        content, plain = bytes(self._model_content), self._calibrator
        kept = with_outputs(content)  # held as long as the wrapper, which reads it where it is
        self._calibrator = module._calibration_wrapper.CalibrationWrapper(kept, [], [])
        try:
            made = bytes(own(self, samples))
        finally:
            self._calibrator = plain
        return widened(_with_fewer_outputs(made, len(_outputs(content))))

    kind.calibrate = calibrate
    try:
        yield
    finally:
        kind.calibrate = own


def with_outputs(content: bytes) -> bytes:
    """The float file in which values that may be written over are outputs too, behind its own."""
    model = parse_tflite(content, where="the float model")
    outputs = [*_outputs(content), *_written_over(model)]
    place = _main(content).place_of(SubGraphField.OUTPUTS)
    assert place is not None, "a model has outputs"
    made = bytearray(content) + bytes(-len(content) % 4)
    struct.pack_into("<I", made, place, len(made) - place)
    return bytes(made + struct.pack(f"<{1 + len(outputs)}i", len(outputs), *outputs))


def _written_over(model: TfliteModel) -> list[int]:
    """The values of the main graph that one operator alone takes, and gives a result of the same size for."""
    users = Counter(index for operator in model.operators for index in set(operator.inputs))
    ports, found = {*model.inputs, *model.outputs}, []
    for operator in model.operators:
        sizes = {math.prod(model.tensors[index].shape) for index in operator.outputs}
        for index in dict.fromkeys(operator.inputs):
            one = model.tensors[index] if index >= 0 else None
            if (
                one is None
                or one.subgraph
                or one.span is not None
                or one.variable
                or index in ports
                or users[index] > 1
            ):
                continue
            if operator.name not in UNCHANGED and math.prod(one.shape) in sizes:
                found.append(index)
    return found


def _with_fewer_outputs(content: bytes, count: int) -> bytes:
    """The file with its first outputs alone."""
    made = bytearray(content)
    struct.pack_into("<I", made, _main(content).start_of(SubGraphField.OUTPUTS, 4) - 4, count)
    return bytes(made)


def _outputs(content: bytes) -> tuple[int, ...]:
    return _main(content).numbers(SubGraphField.OUTPUTS, "i")


def _main(content: bytes) -> Table:
    return FlatBuffer(content, "the float model").root("model").tables(ModelField.SUBGRAPHS)[0]
