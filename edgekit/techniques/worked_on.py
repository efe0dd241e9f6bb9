"""Which kernels of a converted file were worked on: told by the layers of the model that it was made of, and by no size alone.

The converter names a kernel by the path of its layer, but for those of recurrent layers, which are told by their numbers (`by_numbers`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgekit.keras_graph.call_graph import calls, plain_name, symbolic
from edgekit.techniques.by_numbers import parts_of, stored_matrices
from edgekit.techniques.sites import (
    DENSE_OPERATORS,
    MINIMUM_WEIGHTS,
    WORKED_KINDS,
    WorkedKernel,
    by_channel,
    file_kernels,
    judged_kernels,
    unwrapped,
    worked_kernels,
)
from edgekit.tflite.labels import TFMOT_PREFIX
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, kernels


class Judged(NamedTuple):
    """The kernels of a file to judge, those together that are parts of one of the model; of them, `spared` were not worked on.

    `told` says in words what the others are. `lost` counts the kernels of the model that were worked on and are not found in the file: it shows nothing of them.
    """

    kernels: tuple[tuple[Kernel, ...], ...]
    spared: int = 0
    told: str = ""
    lost: int = 0


def without_model(tflite: TfliteModel, exclude: Sequence[str]) -> Judged:
    """The kernels of a file to judge where the model is not at hand: all but those of the layers left out. Those of a fused layer are not among them."""
    found, spared = judged_kernels(tflite, exclude)
    return Judged(tuple((kernel,) for kernel in found), spared)


def worked_on(tflite: TfliteModel, model: Any, exclude: Sequence[str]) -> Judged:
    """The kernels of a file that were worked on in the model that it was made of: those that bear the name of such a layer, or the numbers of a recurrent one.

    Where the name of a layer that is not recurrent is on none, the kernels of its size that bear no layer's name are judged too; it may be any of them.
    Where a layer runs a single step from a state of zeros, its state's kernel takes part in nothing: it need not be in the file.
    """
    layers = {plain_name(unwrapped(layer).name): unwrapped(layer) for layer in model.layers}
    recurrent = _recurrent(tflite, worked_kernels(model))
    owners = {part.index: layers[plain_name(one.layer)] for one, parts in recurrent for part in parts}
    plain = [kernel for kernel in file_kernels(tflite) if kernel.index not in owners]
    sizes = {plain_name(one.layer): one.weights for one in worked_kernels(model, exclude) if not one.is_recurrent}
    named, spared = _by_name(plain, sizes, model, layers)
    numbered = [(one, parts) for one, parts in recurrent if one.layer not in exclude]
    judged = (*((kernel,) for kernel in named), *(parts for _, parts in numbered if parts))
    unread = _without_state(model)
    missing = [one.of_state and one.layer in unread for one, parts in numbered if not parts]
    lost, idle = missing.count(False), missing.count(True)
    indexes = {kernel.index for parts in judged for kernel in parts}
    left = [kernel for kernel in kernels(tflite) if kernel.index not in indexes]
    return Judged(judged, spared, _told(left, tflite, model, layers, owners) + _told_missing(lost, idle), lost)


def _recurrent(tflite: TfliteModel, worked: Iterable[WorkedKernel]) -> list[tuple[WorkedKernel, tuple[Kernel, ...]]]:
    """The kernels of recurrent layers, each with those of the file that hold it."""
    found = [one for one in worked if one.is_recurrent]
    stored = stored_matrices(tflite) if found else ()
    return [(one, parts_of(by_channel(one.variable.numpy()), stored)) for one in found]


def _without_state(model: Any) -> set[str]:
    """The names of the layers that run one step in each call, and are given no state to begin with."""
    single: set[str] = set()
    other: set[str] = set()
    for operation, args, kwargs, _ in calls(model):
        entering = symbolic([args, kwargs])
        is_single = len(entering) == 1 and len(entering[0].shape) == 3 and entering[0].shape[1] == 1
        (single if is_single else other).add(unwrapped(operation).name)
    return single - other


def _by_name(
    plain: Sequence[Kernel], sizes: Mapping[str, int], model: Any, layers: Collection[str]
) -> tuple[list[Kernel], int]:
    """The kernels to judge of layers with these sizes by their name, and how many of them were not worked on."""
    found = {kernel.index: set(_layers_in(kernel.name, model, layers)) for kernel in plain}
    missing = Counter(size for name, size in sizes.items() if not any(name in names for names in found.values()))
    judged, unnamed = [], Counter[int]()
    for kernel in plain:
        names, size = found[kernel.index], kernel.array.size
        if names & set(sizes):
            judged.append(kernel)
        elif not names and size in missing:
            judged.append(kernel)
            unnamed[size] += 1
    return judged, sum(max(0, unnamed[size] - missing[size]) for size in unnamed)


def _layers_in(path: str, model: Any, layers: Collection[str]) -> Iterator[str]:
    """The layers that a tensor's name names: the first of each path behind the model's own name, for what a layer holds comes after it."""
    root = plain_name(model.name)
    wrapped = {plain_name(layer.name): plain_name(unwrapped(layer).name) for layer in model.layers}
    for one in path.split(";"):
        parts = one.split("/") if "/" in one else []
        behind = parts[parts.index(root) + 1 :] if root in parts else parts
        named = (wrapped.get(part, part.removeprefix(TFMOT_PREFIX)) for part in behind)
        yield from [part for part in named if part in layers][:1]


def _told(
    left: Iterable[Kernel], tflite: TfliteModel, model: Any, layers: Mapping[str, Any], known: Mapping[int, Any]
) -> str:
    """What the kernels are that look like those worked on and are not judged, by the layers that they are of; of some the layer is `known`."""
    found = Counter(
        _what(kernel, known.get(kernel.index) or _layer_of(kernel, tflite, model, layers))
        for kernel in left
        if kernel.operator.name in DENSE_OPERATORS or kernel.index in known
    )
    told = ", ".join(f"{count} {what}" for what, count in sorted(found.items()))
    return f"; not worked on: {told}" if told else ""


def _told_missing(lost: int, idle: int) -> str:
    told = f"; {lost} kernels of recurrent layers are not found in the file by their numbers" if lost else ""
    return told + (f"; {idle} of a state that is zero in its only step are not in the file" if idle else "")


def _layer_of(kernel: Kernel, tflite: TfliteModel, model: Any, layers: Mapping[str, Any]) -> Any:
    """The layer that a kernel's name names, else the name of what its operator writes."""
    written = [tflite.tensors[index].name for index in kernel.operator.outputs]
    names = (name for path in (kernel.name, *written) for name in _layers_in(path, model, layers))
    return layers.get(next(names, ""))


def _what(kernel: Kernel, layer: Any) -> str:
    kind = type(layer).__name__
    if layer is None:
        return "without a layer's name"
    if kind not in WORKED_KINDS:
        return f"of {kind}"
    return "left out" if kernel.array.size >= MINIMUM_WEIGHTS else f"below {MINIMUM_WEIGHTS} weights"
