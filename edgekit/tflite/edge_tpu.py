"""The published rules of the Edge TPU applied to a file: which operators its compiler can be expected to map.

The rules are data (`edge_tpu.toml`). What a file's shapes, dtypes and constants tell is checked; what depends on an
operator's options (fused activations, dilation) is not. A file that keeps the rules may still not compile: nothing is
compiled here.
"""

from __future__ import annotations

import math
import sys
from functools import cache
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.tflite.model import ABSENT, Operator, Tensor, TfliteModel, stored
from edgekit.values import Basis, Value, read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ARGUMENTS = ("int32", "int64", "bool")
MOST_IN_SOFTMAX = 16_000
REDUCTIONS = ("MEAN", "REDUCE_MAX", "REDUCE_MIN")
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
Z_MULTIPLE = 4


class Rules(Value):
    """The published rules of the compiler: its operators with the rules of each, and the rules for every tensor.

    `unverified` are operators that may be supported but have no published text: they are taken as not supported.
    """

    compiler: str
    runtime: int
    basis: Basis
    source: str
    weights_bytes: int
    dtypes: tuple[str, ...]
    dimensions: int
    operators: dict[str, str]
    unverified: tuple[str, ...] = ()


class Mapping(Value):
    """The operators that the rules allow to be mapped, in order up to the first that they do not; `on_cpu` are the others.

    `first` is that operator, and `why` the rule it breaks. `fed` counts the QUANTIZE operators on float inputs, which stay
    on the processor without ending the mapping. `is_batch_open` says that the file has a free batch, while the page asks for
    constant sizes: whether the compiler accepts the 1 that is stored there is not published. `streamed_bytes` are weights
    that do not fit the Edge TPU's memory, fetched at every inference.
    """

    operators: int
    mapped: int
    on_cpu: int
    fed: int = 0
    first: str = ""
    why: str = ""
    is_batch_open: bool = False
    weight_bytes: int = 0
    streamed_bytes: int = 0


@cache
def load_rules() -> Rules:
    """The published rules."""
    path = Path(__file__).with_suffix(".toml")
    return read(tomllib.loads(path.read_text(encoding="utf-8")), Rules, where=path.name)


def mapping(model: TfliteModel) -> Mapping:
    """How far a file can be mapped: from the first operator that cannot be, all stay on the processor."""
    rules, fed, mapped, first, why = load_rules(), 0, 0, "", ""
    for operator in model.operators:
        if mapped == 0 and _quantizes_an_input(model, operator):
            fed += 1
            continue
        why = "it is in another subgraph" if model.subgraphs > 1 else _refusal(model, operator, rules)
        if why:
            first = operator.name
            break
        mapped += 1
    total = len(model.operators)
    weights = sum(tensor.span[1] for tensor in _weights(model, model.operators[fed : fed + mapped]) if tensor.span)
    return Mapping(
        operators=total,
        mapped=mapped,
        on_cpu=total - mapped,
        fed=fed,
        first=first,
        why=why,
        is_batch_open=any(tensor.shape_signature[:1] == (-1,) for tensor in model.input_tensors),
        weight_bytes=weights,
        streamed_bytes=max(weights - rules.weights_bytes, 0),
    )


def _quantizes_an_input(model: TfliteModel, operator: Operator) -> bool:
    """Whether an operator quantizes a float input of the model: the compiler leaves it on the processor."""
    if operator.name != "QUANTIZE" or not operator.inputs or operator.inputs[0] == ABSENT:
        return False
    return operator.inputs[0] in model.inputs and model.tensors[operator.inputs[0]].dtype.startswith("float")


def _refusal(model: TfliteModel, operator: Operator, rules: Rules) -> str:
    """The first rule that an operator breaks; empty if it keeps them all."""
    if not operator.custom and operator.name in rules.unverified:
        return "whether the Edge TPU has it is not known here"
    if operator.custom or operator.name not in rules.operators:
        return "the Edge TPU does not have it"
    inputs = [model.tensors[index] for index in operator.inputs if index != ABSENT]
    outputs = [model.tensors[index] for index in operator.outputs]
    for tensor in (*inputs, *outputs):
        problem = _of_tensor(tensor, rules)
        if problem:
            return f"{problem} ({tensor.name!r})"
    return _of_operator(model, operator, inputs, outputs)


def _of_tensor(tensor: Tensor, rules: Rules) -> str:
    if tensor.constant and tensor.dtype in ARGUMENTS:
        return ""  # a bias, a shape, axes
    if tensor.dtype not in rules.dtypes:
        return f"a tensor of {tensor.dtype}, not {' or '.join(rules.dtypes)}"
    if not tensor.scales:
        return "a tensor without a scale"
    if not tensor.constant and any(size < 0 for size in tensor.shape_signature[1:]):
        return f"a size that is left open: {list(tensor.shape_signature)}"
    outer = tensor.shape[: -rules.dimensions] if len(tensor.shape) > rules.dimensions else ()
    if not tensor.constant and any(size > 1 for size in outer):
        return f"more than {rules.dimensions} dimensions above one: {list(tensor.shape)}"
    return ""


def _of_operator(model: TfliteModel, operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    """The rules published for this kind of operator alone."""
    if not inputs or not outputs:
        return "it has no input or no output"
    first, output = inputs[0], outputs[0]
    if operator.name in WEIGHTED and not all(tensor.constant for tensor in inputs[1:]):
        return "its weights are computed and not constant"
    if operator.name == "FULLY_CONNECTED" and _is_flat(output) is False:
        return f"an output of more than one dimension: {list(output.shape)}"
    if operator.name == "SOFTMAX" and (not _is_flat(first) or first.elements > MOST_IN_SOFTMAX):
        return f"an input that is not one-dimensional, or above {MOST_IN_SOFTMAX} elements: {list(first.shape)}"
    if operator.name in REDUCTIONS:
        return _of_reduction(model, operator, first)
    if operator.name == "STRIDED_SLICE" and any(stride != 1 for stride in _numbers(model, operator, 3)):
        return "a stride that is not 1"
    if operator.name == "CONCATENATION" and any(tensor.constant for tensor in inputs) and len(inputs) != 2:
        return "a constant among more or fewer than two inputs"
    if operator.name == "PRELU" and len(inputs) > 1 and not _is_flat(inputs[1]):
        return "more than one alpha a channel"
    return ""


def _of_reduction(model: TfliteModel, operator: Operator, tensor: Tensor) -> str:
    rank = len(tensor.shape)
    axes = {axis % rank for axis in _numbers(model, operator, 1)} if rank else set()
    if 0 in axes and rank > 1 and tensor.shape[0] >= 1:
        return "a reduction of the batch"
    if operator.name == "MEAN" and rank - 1 in axes and tensor.shape[-1] % Z_MULTIPLE:
        return f"a mean over {tensor.shape[-1]} channels, no multiple of {Z_MULTIPLE}"
    return ""


def _numbers(model: TfliteModel, operator: Operator, place: int) -> list[int]:
    """A constant argument as integers; empty if it is computed or absent."""
    from edgekit.tflite.weights import weights

    if len(operator.inputs) <= place or operator.inputs[place] == ABSENT:
        return []
    tensor = model.tensors[operator.inputs[place]]
    if not tensor.constant or tensor.dtype not in ("int32", "int64"):
        return []
    try:
        return [int(value) for value in weights(model, tensor.index).reshape(-1)]
    except ModelError:
        return []


def _is_flat(tensor: Tensor) -> bool:
    """Whether at most one dimension is larger than one."""
    return math.prod(tensor.shape) == max(tensor.shape, default=1)


def _weights(model: TfliteModel, operators: tuple[Operator, ...]) -> list[Tensor]:
    """The constants of some operators; shared ones count once."""
    used = {index for operator in operators for index in operator.inputs if index != ABSENT}
    return stored(model.tensors[index] for index in sorted(used))
