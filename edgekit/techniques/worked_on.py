"""Which kernels of a converted file were worked on: told by the layers of the model that it was made of, and by no size alone.

The converter names a kernel by the path of its layer. It names none of a recurrent layer that was unrolled: those are told by what
the others leave.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgekit.keras_graph.call_graph import plain_name
from edgekit.techniques.sites import (
    DENSE_OPERATORS,
    LAYER_KINDS,
    MINIMUM_WEIGHTS,
    file_kernels,
    kernel_of,
    kernel_variables,
    unwrapped,
)
from edgekit.tflite.labels import TFMOT_PREFIX
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, kernels


class Judged(NamedTuple):
    """The kernels of a file to judge; of them, `spared` were not worked on. `told` says in words what the others are."""

    kernels: tuple[Kernel, ...]
    spared: int = 0
    told: str = ""


def worked_on(tflite: TfliteModel, model: Any, exclude: Sequence[str]) -> Judged:
    """The kernels of a file that were worked on in the model that it was made of: those that bear the name of such a layer.

    Where such a layer's name is on none, the kernels of its size that bear no layer's name are judged too; it may be any of them.
    """
    sizes = _worked_sizes(model, exclude)
    layers = {plain_name(unwrapped(layer).name): unwrapped(layer) for layer in model.layers}
    found = {kernel.index: set(_layers_in(kernel.name, model, layers)) for kernel in file_kernels(tflite)}
    missing = Counter(size for name, size in sizes.items() if not any(name in names for names in found.values()))
    judged, unnamed = [], Counter[int]()
    for kernel in file_kernels(tflite):
        names, size = found[kernel.index], kernel.array.size
        if names & set(sizes):
            judged.append(kernel)
        elif not names and size in missing:
            judged.append(kernel)
            unnamed[size] += 1
    told = _told(tflite, model, layers, {kernel.index for kernel in judged})
    return Judged(tuple(judged), sum(max(0, unnamed[size] - missing[size]) for size in unnamed), told)


def _worked_sizes(model: Any, exclude: Sequence[str]) -> dict[str, int]:
    """The weights of each layer that was worked on, by its name in the file."""
    worked = {id(kernel) for kernel in kernel_variables(model, exclude)}
    found = {plain_name(unwrapped(layer).name): kernel_of(layer) for layer in model.layers}
    return {name: math.prod(kernel.shape) for name, kernel in found.items() if id(kernel) in worked}


def _layers_in(path: str, model: Any, layers: Collection[str]) -> Iterator[str]:
    """The layers that a tensor's name names: the first of each path behind the model's own name, for what a layer holds comes after it."""
    root = plain_name(model.name)
    wrapped = {plain_name(layer.name): plain_name(unwrapped(layer).name) for layer in model.layers}
    for one in path.split(";"):
        parts = one.split("/") if "/" in one else []
        behind = parts[parts.index(root) + 1 :] if root in parts else parts
        named = (wrapped.get(part, part.removeprefix(TFMOT_PREFIX)) for part in behind)
        yield from [part for part in named if part in layers][:1]


def _told(tflite: TfliteModel, model: Any, layers: Mapping[str, Any], judged: Collection[int]) -> str:
    """What the kernels are that look like those worked on and are not judged, by the layers that they are of."""
    found = Counter(
        _what(kernel, _layer_of(kernel, tflite, model, layers))
        for kernel in kernels(tflite)
        if kernel.operator.name in DENSE_OPERATORS and kernel.index not in judged
    )
    told = ", ".join(f"{count} {what}" for what, count in sorted(found.items()))
    return f"; not worked on: {told}" if told else ""


def _layer_of(kernel: Kernel, tflite: TfliteModel, model: Any, layers: Mapping[str, Any]) -> Any:
    """The layer that a kernel's name names, else the name of what its operator writes."""
    written = [tflite.tensors[index].name for index in kernel.operator.outputs]
    names = (name for path in (kernel.name, *written) for name in _layers_in(path, model, layers))
    return layers.get(next(names, ""))


def _what(kernel: Kernel, layer: Any) -> str:
    kind = type(layer).__name__
    if layer is None:
        return "without a layer's name"
    if kind not in LAYER_KINDS:
        return f"of {kind}"
    return "left out" if kernel.array.size >= MINIMUM_WEIGHTS else f"below {MINIMUM_WEIGHTS} weights"
