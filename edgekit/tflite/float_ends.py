"""A softmax, sigmoid or tanh at an output, computed in float32 in a file whose outputs are float32.

TFLite prescribes the scale of their int8 results, 1/256 for shares, whatever the data: of a thousand classes of a few thousandths each, all are zero or equal. Where the
output is dequantized anyway, the logits are dequantized in its place: the same operators in another order, and the outputs keep their digits.
The file is changed in place, with a few numbers behind its end, so that all else stays as the converter wrote it.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence

from edgekit.tflite.flatbuffer import FlatBuffer, Table
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import TENSOR_TYPES, ModelField, OperatorField, SubGraphField, TensorField

CURVES = ("SOFTMAX", "LOGISTIC", "LOG_SOFTMAX", "TANH")
"""Operators whose int8 result has a scale that TFLite prescribes, so that quantization-aware training gives it no range (`techniques/fake_quant/ranges.FIXED`)."""
HAND_ON = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE")
"""Operators that may stand between one of these and the output."""
MOST_BETWEEN = 4
DEQUANTIZE, INT8 = "DEQUANTIZE", "int8"
FLOAT32 = TENSOR_TYPES.index("float32")
EMPTY_TABLE = struct.pack("<HHi", 4, 4, 4)
"""A description without fields, and a table of it behind that."""


def with_float_ends(content: bytes) -> bytes:
    """The file with these operators behind the DEQUANTIZE of their output; the same bytes where there are none."""
    model = parse_tflite(content, where="the converted model")
    makers = {index: operator for operator in model.operators for index in operator.outputs}
    users = Counter(index for operator in model.operators for index in set(operator.inputs))
    found = [chain for output in dict.fromkeys(model.outputs) if (chain := _behind_curve(model, makers, users, output))]
    if not found:
        return content
    patch = _Patch(content, model)
    for chain in found:
        patch.turn(chain)
    return bytes(patch.made)


def float_ends(model: TfliteModel) -> tuple[Operator, ...]:
    """The operators of a file that compute an output in float32 from logits that are dequantized."""
    makers = {index: operator for operator in model.operators for index in operator.outputs}
    found: list[Operator] = []
    for output in model.outputs:
        chain = _chain(makers, output)
        given = makers.get(chain[0].inputs[0]) if chain and chain[0].name in CURVES else None
        if given is not None and given.name == DEQUANTIZE:
            found += chain
    return tuple(dict.fromkeys(found))


def _chain(makers: dict[int, Operator], index: int) -> list[Operator]:
    """The operators that make a value: what hands it on, behind the first that is something else."""
    chain: list[Operator] = []
    while (maker := makers.get(index)) is not None and len(chain) <= MOST_BETWEEN:
        chain.insert(0, maker)
        if maker.name not in HAND_ON:
            break
        index = maker.inputs[0]
    return chain


def _behind_curve(
    model: TfliteModel, makers: dict[int, Operator], users: Counter[int], output: int
) -> list[Operator] | None:
    """The curve, what hands it on, and the DEQUANTIZE of an output; None where one of them is another operator, or something else takes its value."""
    last = makers.get(output)
    if last is None or last.name != DEQUANTIZE or users[output] or model.tensors[output].subgraph:
        return None
    chain = _chain(makers, last.inputs[0])
    if not chain or chain[0].name not in CURVES:
        return None
    made = [one.outputs[0] for one in chain]
    alone = all(users[index] == 1 and index not in model.outputs for index in made)
    whole = all(model.tensors[index].dtype == INT8 for index in (chain[0].inputs[0], *made))
    return [*chain, last] if alone and whole else None


class _Patch:
    """A file's bytes being changed."""

    def __init__(self, content: bytes, model: TfliteModel) -> None:
        self.made = bytearray(content) + bytes(-len(content) % 4)
        self._model = model
        self._main = FlatBuffer(content, "the converted model").root("model").tables(ModelField.SUBGRAPHS)[0]
        self._tensors, self._operators = (
            self._main.tables(SubGraphField.TENSORS), self._main.tables(SubGraphField.OPERATORS),
        )  # fmt: skip
        self._nothing = len(self.made) + 4
        self.made += EMPTY_TABLE

    def turn(self, chain: Sequence[Operator]) -> None:
        """Put the DEQUANTIZE before the rest; the tensor that it read becomes that of the float logits."""
        places = [self._place(operator) for operator in chain]
        *curved, last = chain
        logits, spare, output = curved[0].inputs[0], last.inputs[0], last.outputs[0]
        made = [*(one.outputs[0] for one in curved[:-1]), output]
        self._name(output, self._name_of(curved[-1].outputs[0]))
        self._name(spare, self._name_of(logits))
        self._shape(spare, self._model.tensors[logits].shape, self._model.tensors[logits].shape_signature)
        for index in (spare, *made[:-1]):
            self._make_float(index)
        self._wire(places[-1], (logits,), (spare,))
        for one, place, given, result in zip(curved, places, [spare, *made], made, strict=False):
            self._wire(place, (given, *one.inputs[1:]), (result,))
        self._reorder(places)

    def _place(self, operator: Operator) -> int:
        """Where in the main graph an operator stands, by what it makes."""
        return next(
            place
            for place, table in enumerate(self._operators)
            if table.numbers(OperatorField.OUTPUTS, "i") == operator.outputs
        )

    def _reorder(self, places: Sequence[int]) -> None:
        """The last of some operators first, each of the others one place later."""
        start = self._main.start_of(SubGraphField.OPERATORS, 4)
        ends = [start + 4 * place for place in places]
        targets = [end + struct.unpack_from("<I", self.made, end)[0] for end in ends]
        for end, target in zip(ends, (targets[-1], *targets[:-1]), strict=True):
            struct.pack_into("<I", self.made, end, target - end)

    def _wire(self, place: int, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        for field, numbers in ((OperatorField.INPUTS, inputs), (OperatorField.OUTPUTS, outputs)):
            self._point(self._operators[place], field, self._vector(numbers))

    def _shape(self, index: int, shape: Sequence[int], signature: Sequence[int]) -> None:
        self._point(self._tensors[index], TensorField.SHAPE, self._vector(shape))
        if self._tensors[index].place_of(TensorField.SHAPE_SIGNATURE) is not None:
            self._point(self._tensors[index], TensorField.SHAPE_SIGNATURE, self._vector(signature))

    def _make_float(self, index: int) -> None:
        place = self._tensors[index].place_of(TensorField.TYPE)
        assert place is not None, "int8 is not the default"
        self.made[place] = FLOAT32
        self._point(self._tensors[index], TensorField.QUANTIZATION, self._nothing)

    def _name_of(self, index: int) -> int | None:
        """Where a tensor's name is in the file."""
        place = self._tensors[index].place_of(TensorField.NAME)
        return None if place is None else place + int(struct.unpack_from("<I", self.made, place)[0])

    def _name(self, index: int, text: int | None) -> None:
        place = self._tensors[index].place_of(TensorField.NAME)
        if text is not None and place is not None and text > place:  # an offset leads forwards
            struct.pack_into("<I", self.made, place, text - place)

    def _vector(self, numbers: Sequence[int]) -> int:
        """Where a new vector of whole numbers is."""
        start = len(self.made)
        self.made += struct.pack(f"<{1 + len(numbers)}i", len(numbers), *numbers)
        return start

    def _point(self, table: Table, field: OperatorField | TensorField, target: int) -> None:
        place = table.place_of(field)
        assert place is not None, "a converted operator or tensor has it"
        struct.pack_into("<I", self.made, place, target - place)
