"""A short readable name for each operator of a `.tflite`: the layer of the user's model that it came from.

The converter names a tensor by the paths of all that it fused into it, as
`network/conv/Relu;network/conv/BiasAdd;network/conv/Conv2D`; the layer is the part of the first path between the
model's name and the operation's. The file is not trusted, so a label is short and printable.
"""

from __future__ import annotations

import re
from collections import Counter

from edgekit.tflite.model import ABSENT, Operator, TfliteModel

MAX_LENGTH = 60
TFMOT_PREFIX = "quant_"  # what quantization-aware training puts before a layer's name
_GENERIC = re.compile(r"(StatefulPartitionedCall|PartitionedCall|Identity)(_\d+)?(:\d+)*\d*$")


def labels(model: TfliteModel) -> tuple[str, ...]:
    """The label of each operator, in the order of `model.operators`; several operators may share a layer's.

    They are those that are known from elsewhere, as from the report of a build whose file has no names. An operator whose output and weights have
    no name is named after the model's output, or its kind.
    """
    if model.layers and len(model.layers) == len(model.operators):
        pairs = zip(model.layers, model.operators, strict=True)
        return tuple(printable(layer) or operator.name.lower() for layer, operator in pairs)
    named = {index: name for signature in model.signatures for name, index in signature.outputs.items()}
    paths = [_operator_path(model, operator) for operator in model.operators]
    root = _root(paths)
    return tuple(
        printable(_layer(path, root) or _signature_name(operator, named) or operator.name.lower())
        for operator, path in zip(model.operators, paths, strict=True)
    )


def _operator_path(model: TfliteModel, operator: Operator) -> list[str]:
    """The path in the name of an operator's output, else in the name of its first named constant."""
    constants = [index for index in operator.inputs if index != ABSENT and model.tensors[index].constant]
    paths = (_path(model.tensors[index].name) for index in (*operator.outputs[:1], *constants))
    return next((path for path in paths if path), [])


def _signature_name(operator: Operator, named: dict[int, str]) -> str:
    return next((named[index] for index in operator.outputs if index in named), "")


def _path(name: str) -> list[str]:
    """The parts of the first path in a tensor's name; empty for names that converters give to unnamed results."""
    first = name.split(";")[0]
    return [] if _GENERIC.match(first) or first.startswith(("tfl.", "arith.")) else first.split("/")


def _root(paths: list[list[str]]) -> str | None:
    """The model's name: the first part of the paths with at least three parts, if most of them share it."""
    first = Counter(path[0] for path in paths if len(path) > 2)
    name, count = next(iter(first.most_common(1)), ("", 0))
    return name if 2 * count > sum(first.values()) else None


def _layer(path: list[str], root: str | None) -> str:
    inner = path[1:] if path and path[0] == root else path
    return "/".join(part.removeprefix(TFMOT_PREFIX) for part in inner[:-1] or inner)


def printable(text: str) -> str:
    """Text from a file, safe for a terminal: no control characters, and no longer than `MAX_LENGTH`.

    >>> printable("a\\x1b[2J")
    'a?[2J'
    """
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
