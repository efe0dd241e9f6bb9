"""Which weights of a model, and of a `.tflite` file, pruning and clustering work on.

Small kernels are left alone: they hold few bytes and lose accuracy first. So are layers of other kinds: what they
become in a file (tables, depthwise filters) may not keep zeros and clusters where they can be counted. A recurrent layer has
two kernels, of its input and of its units, and twice as many in both directions: all of them are worked on, or none.

The first and the last layer are left out too, where they hold few weights: no other layer makes up for what is lost
there, as pruning's sensitivity curves show (Han et al., arXiv 1506.02626, figure 6). Works that prune mobile networks
do not prune the first layer either (Zhu and Gupta, arXiv 1710.01878, section 4.1).
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from edgekit.cost.graph import Graph, Node
from edgekit.documents.facts import RECURRENT, LayerFacts, ModelFacts
from edgekit.techniques.fake_quant.kernels import GATES
from edgekit.techniques.fake_quant.kernels import RECURRENT as RECURRENT_KERNELS
from edgekit.techniques.interface import Task
from edgekit.tflite.labels import TFMOT_PREFIX
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, kernels

LAYER_KINDS = ("Conv1D", "Conv2D", "Dense")
"""Layers with one kernel."""
WORKED_KINDS = (*LAYER_KINDS, *RECURRENT)
MINIMUM_WEIGHTS = 256
"""A layer is worked on whose kernels have so many weights."""
SCALED_GATES = {"LSTM": GATES, "GRU": 0, "SimpleRNN": 0}
"""How many gates of a recurrent kernel have one scale each in a file: those of an LSTM that is fused. Else each column has its own."""
STATE_KERNEL = "recurrent_kernel"
WITHOUT_KERNELS = (
    "Embedding", "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "Normalization", "PReLU",
)  # fmt: skip
"""Layers, by how their kind begins, whose weights become no operator's kernel in a file."""
OTHER_OPERATORS = ("DepthwiseConv", "Conv1DTranspose", "Conv2DTranspose", "Conv3D", *WITHOUT_KERNELS)
"""Layers, by how their kind begins, whose weights never become a convolution's or a dense layer's kernel in a file."""
DENSE_OPERATORS = ("CONV_2D", "FULLY_CONNECTED")
"""What layers with one kernel become in a file."""
LITTLE = 0.05
"""A first or last layer with less than this share of the weights is left out: it would save little."""


class WorkedKernel(NamedTuple):
    """A kernel of a model that is worked on: its variable, its layer's name, and how many parts of its columns share a scale (0: each has its own).

    `of_state` says that it is multiplied with a state that is zero at first.
    """

    variable: Any
    layer: str
    scaled_gates: int = 0
    is_recurrent: bool = False
    of_state: bool = False

    @property
    def weights(self) -> int:
        """How many it has."""
        return math.prod(self.variable.shape)


def no_site(task: Task) -> str | None:
    """Why a model has no layer to work on; None where it has one."""
    facts = task.facts
    if set(_sites(facts)) - set(left_out(task)):
        return None
    sizes = [size for layer in facts.layers if (size := _weights(layer))]
    kinds = f"{', '.join(WORKED_KINDS[:-1])} or {WORKED_KINDS[-1]}"
    if _sites(facts):
        return f"every layer that it could work on is left out: {', '.join(left_out(task))}"
    if sizes:
        return f"no kernel of a {kinds} layer has {MINIMUM_WEIGHTS} weights or more: the largest has {max(sizes)}"
    there = sorted({layer.kind for layer in facts.layers if layer.kernel})
    return f"no layer with a kernel is a {kinds}: there are {', '.join(there) or 'none'}"


def without_kernels(facts: ModelFacts) -> str | None:
    """Why no file of a model has a kernel to store otherwise; None where a layer may have one. Vectors are no kernels."""
    shapes = [layer.kernel for layer in facts.layers if not layer.kind.startswith(WITHOUT_KERNELS)]
    return None if any(shape is not None and len(shape) > 1 for shape in shapes) else "no layer has a kernel"


def is_worked_on(node: Node, exclude: Sequence[str] = ()) -> bool:
    """Whether an operator's kernel is large enough to work on, and its layer is not left out."""
    return node.kind in WORKED_KINDS and node.weights >= MINIMUM_WEIGHTS and node.name not in exclude


def no_kernel(graph: Graph, exclude: Sequence[str] = ()) -> str | None:
    """Why a lowered graph has no kernel to work on; None where it has one."""
    if any(is_worked_on(node, exclude) for node in graph.nodes):
        return None
    return f"no kernel that is not left out has {MINIMUM_WEIGHTS} weights or more"


def left_out(task: Task) -> tuple[str, ...]:
    """Names of the layers that are left out: those that the project names, small first and last layers, separable convolutions.

    In the file, the kernels of attention, of a separable layer, or of a layer that is kept closed look like any
    other kernel, though they are not worked on. They are named here so that the evidence allows for them.
    """
    sites, ends = _sites(task.facts), _light_ends(task.facts, _sites(task.facts))
    named = matching_sites(task.facts, task.exclude)
    return (*(name for name in sites if name in named or name in ends), *lookalikes(task.facts))


def lookalikes(facts: ModelFacts) -> tuple[str, ...]:
    """Names of the layers that are not worked on and whose kernels in the file look as if they were."""
    return tuple(layer.name for layer in facts.layers if _looks_like_a_site(layer))


def _looks_like_a_site(layer: LayerFacts) -> bool:
    """Whether a layer that is not worked on may have kernels in the file that look as if it were."""
    is_site = layer.kind in LAYER_KINDS or _weights(layer) > 0
    if is_site or layer.kernel is None or layer.kind.startswith(OTHER_OPERATORS):
        return False
    return layer.kind.startswith("SeparableConv") or max(math.prod(layer.kernel), layer.parameters) >= MINIMUM_WEIGHTS


def matching_sites(facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
    """Names of the layers that are large enough to work on and match one of the patterns."""
    sites = _sites(facts)
    return tuple(name for name in matching(facts, patterns) if name in sites)


def matching(facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
    """Names of the layers that match one of the patterns: layer names in which `*` and `?` are wildcards."""
    return tuple(
        layer.name for layer in facts.layers if any(fnmatch.fnmatchcase(layer.name, pattern) for pattern in patterns)
    )


def _sites(facts: ModelFacts) -> dict[str, int]:
    """The weights of each layer that is large enough to work on."""
    found = {layer.name: _weights(layer) for layer in facts.layers}
    return {name: size for name, size in found.items() if size >= MINIMUM_WEIGHTS}


def _weights(layer: LayerFacts) -> int:
    """The weights of a layer's kernels, where it is of a kind that is worked on; else 0. In both directions a layer may hold others than recurrent kernels."""
    if layer.kernel is None or layer.kind not in WORKED_KINDS:
        return 0
    if layer.kind in LAYER_KINDS:
        return math.prod(layer.kernel)
    return layer.parameters - layer.biases if len(layer.kernel) == 2 and not layer.of_cells else 0


def _light_ends(facts: ModelFacts, sites: dict[str, int]) -> set[str]:
    with_weights = [layer for layer in facts.layers if layer.kernel]
    if not with_weights:
        return set()
    feeding = _feeding_weights(facts)
    ends = {with_weights[0].name, *(layer.name for layer in with_weights if layer.name not in feeding)}
    whole = sum(sites.values())
    return {name for name in ends if name in sites and sites[name] < LITTLE * whole}


def _feeding_weights(facts: ModelFacts) -> set[str]:
    """Names of the layers that have a layer with a kernel after them; a model's layers are in the order they run."""
    feeding: set[str] = set()
    for layer in reversed(facts.layers):
        if layer.kernel or layer.name in feeding:
            feeding |= set(layer.inputs)
    return feeding


def kernel_variables(model: Any, exclude: Sequence[str] = ()) -> tuple[Any, ...]:
    """The kernels of a model of either Keras that are large enough to work on, including those of layers that QAT has wrapped."""
    return tuple(one.variable for one in worked_kernels(model, exclude))


def worked_kernels(model: Any, exclude: Sequence[str] = ()) -> tuple[WorkedKernel, ...]:
    """The same, each with its layer."""
    found = (_kernels_of(layer) for layer in model.layers if unwrapped(layer).name not in exclude)
    return tuple(kernel for own in found if sum(one.weights for one in own) >= MINIMUM_WEIGHTS for kernel in own)


def _kernels_of(layer: Any) -> tuple[WorkedKernel, ...]:
    own = unwrapped(layer)
    if type(own).__name__ not in RECURRENT:
        kernel = kernel_of(layer)
        return () if kernel is None else (WorkedKernel(kernel, own.name),)
    is_one = type(own).__name__ in SCALED_GATES
    parts = (own,) if is_one else (own.forward_layer, own.backward_layer)
    if not all(type(part).__name__ in SCALED_GATES for part in parts):
        return ()
    return tuple(
        WorkedKernel(
            weight,
            own.name,
            SCALED_GATES[type(part).__name__],
            is_recurrent=True,
            of_state=_name_of(weight) == STATE_KERNEL and not part.stateful,
        )
        for part in parts
        for weight in part.weights
        if _name_of(weight) in RECURRENT_KERNELS
    )


def kernel_of(layer: Any) -> Any:
    """A layer's kernel variable, found by its name: in a wrapped layer the attribute `kernel` may be the rounded tensor."""
    if type(unwrapped(layer)).__name__ not in LAYER_KINDS:
        return None
    return next((weight for weight in layer.weights if _name_of(weight) == "kernel"), None)


def _name_of(weight: Any) -> str:
    """The last part of a weight's name, in either Keras."""
    return str(weight.name.split("/")[-1].split(":")[0])


def unwrapped(layer: Any) -> Any:
    """A layer, or the one that TFMOT wrapped."""
    return layer.layer if type(layer).__name__.startswith("QuantizeWrapper") else layer


def by_channel(kernel: Any) -> Any:
    """A Keras kernel as a matrix: one row per output channel, its weights in the order of the file.

    >>> import numpy as np
    >>> by_channel(np.zeros((3, 3, 8, 16))).shape
    (16, 72)
    """
    import numpy as np

    return np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)


def from_channels(matrix: Any, shape: Sequence[int]) -> Any:
    """The inverse of `by_channel`: the kernel of a shape, from its matrix."""
    import numpy as np

    return np.moveaxis(matrix.reshape(shape[-1], *shape[:-1]), 0, -1)


def file_kernels(tflite: TfliteModel) -> tuple[Kernel, ...]:
    """The large kernels of a file that these layers become; depthwise kernels are not among them."""
    return tuple(
        kernel
        for kernel in kernels(tflite)
        if kernel.operator.name in DENSE_OPERATORS and kernel.array.size >= MINIMUM_WEIGHTS
    )


def judged_kernels(tflite: TfliteModel, exclude: Sequence[str]) -> tuple[tuple[Kernel, ...], int]:
    """The kernels of a file that are not of the layers left out, by the names that the converter gave; and how many may still be.

    It names a kernel by the path of its layer. One without a path may be of a layer left out that no path names.
    """
    found = file_kernels(tflite)
    named = {kernel.index: names_in(kernel.name) for kernel in found}
    judged = tuple(kernel for kernel in found if not named[kernel.index] & set(exclude))
    missed = set(exclude) - set().union(*named.values())
    return judged, min(len(missed), sum(not named[kernel.index] for kernel in judged))


def names_in(path: str) -> set[str]:
    """The names of layers, and of what they do, in a tensor's name; none in one that the converter made up.

    A layer may be called so itself, or have what TFMOT puts before its name: both are told.

    >>> sorted(names_in("model/quant_dense/MatMul;model/relu/Relu"))
    ['MatMul', 'Relu', 'dense', 'model', 'quant_dense', 'relu']
    """
    parts = {part for one in path.split(";") if "/" in one for part in one.split("/")}
    return parts | {part.removeprefix(TFMOT_PREFIX) for part in parts}
