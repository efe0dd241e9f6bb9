"""A `.tflite` file as the model of a build: checked, kept as it is, with the facts that planning needs.

Its operators are told as the Keras layers that become such operators, so that the plan and the cost models see one kind of graph. Nothing
native reads the file, and TensorFlow is not needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgekit import first_bytes
from edgekit.documents.facts import KernelValues, LayerFacts, ModelFacts, TensorFacts
from edgekit.errors import ModelError
from edgekit.onnx_file.outline import is_onnx
from edgekit.tflite.ends import ends_of
from edgekit.tflite.few_values import zeros_and_values
from edgekit.tflite.finite import require_finite
from edgekit.tflite.given import quantized_as, require_usable
from edgekit.tflite.labels import labels, printable
from edgekit.tflite.model import ABSENT, Operator, Tensor, TfliteModel, is_parameter
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import KERNELS, kernel_tensors
from edgekit.torch_file.archive import is_pt2
from edgekit.torch_file.saved import is_saved
from edgekit.values import to_json

FILE, FACTS_FILE = "given.tflite", "facts.json"
UNTRAINABLE = "a .tflite has no trainable weights: give the Keras, PyTorch or ONNX model that it was made of"
KINDS = {
    "CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "FULLY_CONNECTED": "Dense", "TRANSPOSE_CONV": "Conv2DTranspose", "CONV_3D": "Conv3D",
    "CONV_3D_TRANSPOSE": "Conv3DTranspose", "UNIDIRECTIONAL_SEQUENCE_LSTM": "LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN": "SimpleRNN", "PRELU": "PReLU",
    "EMBEDDING_LOOKUP": "Embedding", "GATHER": "Embedding", "ADD": "Add", "MUL": "Multiply", "SUB": "Subtract", "CONCATENATION": "Concatenate",
    "AVERAGE_POOL_2D": "AveragePooling2D", "MAX_POOL_2D": "MaxPooling2D", "BATCH_MATMUL": "Matmul",
}  # fmt: skip
"""The Keras layers that become these operators; of any other one the kind is the operator's own name."""
OF_KERAS = (".keras", ".h5", ".hdf5")
DATA = {"TRANSPOSE_CONV": 2, "CONV_3D_TRANSPOSE": 2}
"""Where an operator takes its data, if that is not its first input."""


def require_own_name(path: Path) -> None:
    """Raise `ModelError` for a `.tflite` under the name of another format: who gave that name may mean another file, of which more could be made."""
    if path.name.lower().endswith(OF_KERAS) or is_onnx(path) or is_pt2(path) or is_saved(path):
        with path.open("rb") as file:
            begins = file.read(first_bytes.ENOUGH)
        raise ModelError(
            f"not what a {path.suffix} file is", where=str(path), received=first_bytes.said(begins), allowed="a .tflite under its own name",
            next_step="give the model that you mean; or name this one .tflite: a build quantizes a float one, and trains nothing",
        )  # fmt: skip


def keep_tflite(path: Path, folder: Path, *, sha256: str) -> None:
    """Write a model's file and its facts to a folder; raises `ModelError` for one that no build takes."""
    model = read_tflite(path)
    facts = facts_of(model, sha256=sha256)
    (folder / FILE).write_bytes(model.content)
    (folder / FACTS_FILE).write_text(to_json(facts), encoding="utf-8")


def facts_of(model: TfliteModel, *, sha256: str) -> ModelFacts:
    """The facts of a file; raises `ModelError` for one that no build takes."""
    require_usable(model)
    require_finite(model)
    known, layers = quantized_as(model), tuple(_layers(model))
    return ModelFacts(
        sha256=sha256,
        format=f".tflite, {known or 'float32'}",
        inputs=tuple(_port(model, tensor) for tensor in model.input_tensors),
        outputs=tuple(_port(model, tensor) for tensor in model.output_tensors),
        layers=layers,
        output_kinds=ends_of(model),
        untrainable=UNTRAINABLE,
        quantized=known or "",
        values=_values(model, layers[len(model.inputs) :]),
    )


def _port(model: TfliteModel, tensor: Tensor) -> TensorFacts:
    """An input or output; one that is quantized stands for real numbers, and is given and compared as such."""
    name = printable(model.name_of(tensor.index))
    return TensorFacts(name=name, shape=tensor.shape[1:], dtype="float32" if tensor.scales else tensor.dtype)


def _layers(model: TfliteModel) -> Iterator[LayerFacts]:
    """The inputs, then the operators in the order they run, each by a name of its own."""
    seen: Counter[str] = Counter()
    made_by: dict[int, str] = {}
    for tensor in model.input_tensors:
        made_by[tensor.index] = _fresh(printable(model.name_of(tensor.index)), seen)
        yield LayerFacts(name=made_by[tensor.index], kind="InputLayer", output_shape=tensor.shape[1:])
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    for operator, label in zip(model.operators, labels(model), strict=True):
        name = _fresh(label, seen)
        made_by |= dict.fromkeys(operator.outputs, name)
        yield _layer(model, operator, name, made_by, writers)


def _values(model: TfliteModel, layers: Sequence[LayerFacts]) -> dict[str, KernelValues]:
    """The zeros and few values of each operator's kernels, where it has some, by the name of its layer."""
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    found = {}
    for operator, layer in zip(model.operators, layers, strict=True):
        held = [tensor for tensor, _ in kernel_tensors(model, operator, writers)]
        zeros, distinct = zeros_and_values(model, held, KERNELS.get(operator.name, ((), 0))[1])
        if zeros or distinct:
            found[layer.name] = KernelValues(zeros=zeros, distinct=distinct)
    return found


def _fresh(label: str, seen: Counter[str]) -> str:
    """The label, or the first with a number behind it that no other operator has."""
    name = label
    while name in seen:
        seen[label] += 1
        name = f"{label}_{seen[label]}"
    seen[name] = 1
    return name


def _layer(
    model: TfliteModel, operator: Operator, name: str, made_by: dict[int, str], writers: dict[int, Operator]
) -> LayerFacts:
    taken = [index for index in operator.inputs if index != ABSENT]
    first = DATA.get(operator.name, 0)
    ordered = [*operator.inputs[first : first + 1], *operator.inputs[:first], *operator.inputs[first + 1 :]]
    constants = {index: model.tensors[index] for index in taken if model.tensors[index].constant}
    kernels = [tensor for tensor, _ in kernel_tensors(model, operator, writers)] or _tables(model, operator)
    largest = max((one for one in kernels if len(one.shape) > 1), key=lambda tensor: tensor.elements, default=None)
    weights = {tensor.index: tensor for tensor in (*kernels, *constants.values()) if is_parameter(tensor)}
    output = model.tensors[operator.outputs[0]] if operator.outputs else None
    return LayerFacts(
        name=name,
        kind=KINDS.get(operator.name, operator.name),
        inputs=tuple(dict.fromkeys(made_by[index] for index in ordered if index in made_by)),
        output_shape=() if output is None else output.shape[1:],
        parameters=sum(tensor.elements for tensor in weights.values()),
        macs=operator.macs,
        kernel=None if largest is None else _as_in_keras(operator.name, largest.shape),
    )


def _tables(model: TfliteModel, operator: Operator) -> list[Tensor]:
    """The constant that an operator looks its output up in."""
    place = {"GATHER": 0, "EMBEDDING_LOOKUP": 1}.get(operator.name)
    if place is None or place >= len(operator.inputs) or operator.inputs[place] == ABSENT:
        return []
    tensor = model.tensors[operator.inputs[place]]
    return [tensor] if tensor.constant else []


def _as_in_keras(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a kernel with the axes in Keras's order.

    >>> _as_in_keras("CONV_2D", (4, 3, 3, 1)), _as_in_keras("FULLY_CONNECTED", (8, 144))
    ((3, 3, 1, 4), (144, 8))
    """
    if name in ("CONV_2D", "FULLY_CONNECTED"):
        return (*shape[1:], shape[0])
    if name == "TRANSPOSE_CONV":
        return (*shape[1:3], shape[0], *shape[3:])
    if name == "DEPTHWISE_CONV_2D" and len(shape) == 4:
        return (*shape[1:], 1)
    return shape
