"""What each kind of operator ties, by its name: a rule gives whether the operator is as it knows it; else all that it takes and gives keeps its values.

All factors are above 0: so a ReLU, a maximum and a minimum of values with one factor have that factor too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from edgekit.tflite.channels.ties import Factored, Ties
from edgekit.tflite.flat.kinds import schema
from edgekit.tflite.flat.tree import Table
from edgekit.tflite.model import ABSENT, Operator
from edgekit.tflite.weights import weights

if TYPE_CHECKING:
    import numpy as np

Rule = Callable[[Ties, Operator, Table | None], bool]
LAYERS = {
    "CONV_2D": (0, 1, 2),
    "DEPTHWISE_CONV_2D": (0, 1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (2, 1, 3),
}
"""Operators with kernels: the places of what they take, of the kernel and of the bias."""
MATRIX = 2
NONE, RELU = 0, 1
"""Of ActivationFunctionType in the public schema: any factor may pass."""


def option(options: Table | None, name: str) -> int:
    """An operator's whole number of a name; 0 where it has none."""
    known = options is not None and any(
        one is not None and one.name == name for one in schema().tables[options.kind].fields
    )
    return options.number(name) if options is not None and known else 0


def passes(options: Table | None) -> bool:
    """Whether factors pass the operator's own activation."""
    return option(options, "fused_activation_function") in (NONE, RELU)


def at(operator: Operator, place: int) -> int:
    """The tensor at a place of the inputs; `ABSENT` where there is none."""
    return operator.inputs[place] if place < len(operator.inputs) else ABSENT


def whole_numbers(ties: Ties, index: int) -> list[int] | None:
    """The values of a constant of integers; None for anything else."""
    if (
        index == ABSENT
        or ties.model.tensors[index].span is None
        or not ties.model.tensors[index].dtype.startswith("int")
    ):
        return None
    return [int(one) for one in weights(ties.model, index).ravel()]


def layer(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """A kernel divides by the factors of what it takes, and multiplies with its bias by those of what it gives."""
    value, kernel, bias = (at(operator, place) for place in LAYERS[operator.name])
    taken, made = ties.of(value), ties.of(operator.outputs[0])
    if taken is None or made is None or not ties.is_own(kernel):
        return False
    shape = ties.model.tensors[kernel].shape
    if len(shape) < MATRIX:
        return False
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    over = _over(operator.name, taken, shape)
    if over is None or made.size != (shape[-1] if depthwise else shape[0]):
        return False
    if bias != ABSENT and not (ties.is_own(bias) and ties.model.tensors[bias].elements == made.size):
        return False
    times = made if depthwise else made.reshape(-1, *(1,) * (len(shape) - 1))
    ties.take(Factored(kernel, times, over, sums=not depthwise))
    if bias != ABSENT:
        ties.take(Factored(bias, made))
    if not passes(options):
        ties.fix(operator.outputs[0])
    return True


def _over(name: str, taken: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """The channels that each of a kernel's weights is for, in a shape that is broadcast to the kernel's; None where they do not fit."""
    import numpy as np

    last = shape[-1]
    if name == "DEPTHWISE_CONV_2D":
        return np.repeat(taken, last // taken.size) if last % taken.size == 0 else None
    if name == "FULLY_CONNECTED":  # what it takes is flattened
        return np.resize(taken, last) if last % taken.size == 0 else None
    if taken.size == last:
        return taken
    groups = taken.size // max(last, 1)
    if name == "TRANSPOSE_CONV" or groups * last != taken.size or shape[0] % groups:
        return None
    return np.repeat(taken.reshape(groups, 1, 1, last), shape[0] // groups, axis=0)


def added(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """A sum, a difference, a maximum or a minimum: all have one factor, and a constant takes it."""
    made, values = ties.of(operator.outputs[0]), [ties.of(index) for index in operator.inputs]
    known = [one for one in values if one is not None]
    if made is None or not known or any(one.size != made.size for one in known) or not passes(options):
        return False
    for index in operator.inputs:
        if ties.of(index) is None and not (ties.is_own(index) and ties.model.tensors[index].shape[-1:] == (made.size,)):
            return False
    for index, one in zip(operator.inputs, values, strict=True):
        if one is None:
            ties.take(Factored(index, made))
        else:
            ties.tie(one, made)
    return True


def multiplied(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """A factor by channel takes up the difference; one number keeps the factors; of two values the smaller one, such as a gate, has none."""
    made, pair = (
        ties.of(operator.outputs[0]),
        sorted(operator.inputs, key=lambda one: -ties.model.tensors[one].elements),
    )
    constants = [index for index in pair if ties.of(index) is None]
    values = [index for index in pair if ties.of(index) is not None]
    if made is None or not values or not passes(options):
        return False
    taken = ties.of(values[0])
    if taken is None or taken.size != made.size:
        return False
    for index in constants:
        last = ties.model.tensors[index].shape[-1:]
        if ties.is_own(index) and last == (made.size,):
            ties.take(Factored(index, made, taken))
            return True
        if ties.model.tensors[index].span is None or last not in ((), (1,)):
            return False
    for index in values[1:]:
        ties.fix(index)
    return ties.tie(taken, made)


def alike(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """Each channel is made of that one alone; whatever else is computed keeps its values."""
    taken, made = ties.of(operator.inputs[0]), ties.of(operator.outputs[0])
    for index in operator.inputs[1:]:
        ties.fix(index)
    same = taken is not None and made is not None and taken.size == made.size
    return same and passes(options) and ties.tie(taken, made)


def reduced(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """Over all axes but the last."""
    axes, rank = whole_numbers(ties, at(operator, 1)), len(ties.model.tensors[operator.inputs[0]].shape)
    return axes is not None and not {rank - 1, -1} & set(axes) and alike(ties, operator, options)


def rearranged(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """The values keep their order, or go to channels block by block: the fewer channels come over and over."""
    return ties.tie(ties.of(operator.inputs[0]), ties.of(operator.outputs[0]))


def transposed(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """The last axis stays the last."""
    order = whole_numbers(ties, at(operator, 1))
    return bool(order) and order is not None and order[-1] == len(order) - 1 and alike(ties, operator, options)


def joined(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """Along the channels one behind the other, else all alike."""
    return passes(options) and _parts(ties, list(operator.inputs), operator.outputs[0], option(options, "axis"))


def split(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """As `joined`, the other way round."""
    value, axis = (1, 0) if operator.name == "SPLIT" else (0, 2)
    axes = whole_numbers(ties, at(operator, axis))
    return bool(axes) and axes is not None and _parts(ties, list(operator.outputs), operator.inputs[value], axes[0])


def _parts(ties: Ties, parts: list[int], whole: int, axis: int) -> bool:
    import numpy as np

    each, all_of_them = [ties.of(index) for index in parts], ties.of(whole)
    known = [one for one in each if one is not None]
    if all_of_them is None or len(known) < len(each):
        return False
    if axis % len(ties.model.tensors[whole].shape) == len(ties.model.tensors[whole].shape) - 1:
        behind = np.concatenate(known)
        return behind.size == all_of_them.size and ties.tie(behind, all_of_them)
    return all(one.size == all_of_them.size and ties.tie(one, all_of_them) for one in known)


def sliced(ties: Ties, operator: Operator, options: Table | None) -> bool:
    """Some channels side by side, of a value that keeps its axes."""
    taken, made = ties.of(operator.inputs[0]), ties.of(operator.outputs[0])
    begin = whole_numbers(ties, at(operator, 1))
    rank = len(ties.model.tensors[operator.inputs[0]].shape)
    if taken is None or made is None or begin is None or len(begin) != rank:
        return False
    first = begin[-1]
    if operator.name == "STRIDED_SLICE":
        steps = whole_numbers(ties, at(operator, 3))
        masks = [option(options, f"{name}_mask") for name in ("ellipsis", "new_axis", "shrink_axis")]
        if steps is None or steps[-1] != 1 or any(masks):
            return False
        first = 0 if option(options, "begin_mask") >> (rank - 1) & 1 else first + taken.size * (first < 0)
    return 0 <= first <= taken.size - made.size and ties.tie(taken[first : first + made.size], made)


KINDS: tuple[tuple[Rule, str], ...] = (
    (layer, " ".join(LAYERS)),
    (added, "ADD SUB MAXIMUM MINIMUM"),
    (multiplied, "MUL"),
    (alike, "RELU LEAKY_RELU PRELU ABS NEG MAX_POOL_2D AVERAGE_POOL_2D RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR PAD MIRROR_PAD"),
    (alike, "SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND"),
    (reduced, "MEAN SUM REDUCE_MAX REDUCE_MIN"),
    (rearranged, "RESHAPE SQUEEZE EXPAND_DIMS SPACE_TO_DEPTH DEPTH_TO_SPACE"),
    (transposed, "TRANSPOSE"),
    (joined, "CONCATENATION"),
    (split, "SPLIT SPLIT_V"),
    (sliced, "SLICE STRIDED_SLICE"),
)  # fmt: skip
RULES: Mapping[str, Rule] = MappingProxyType({name: rule for rule, names in KINDS for name in names.split()})
