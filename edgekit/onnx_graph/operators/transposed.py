"""ConvTranspose: `Conv1DTranspose` to `Conv3DTranspose`, cropped to ONNX's pads, a layer for each group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.operators.convolutions import flat_bias
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step
from edgekit.values import Value

LARGEST_GROUPS = 32


class Spread(Value):
    """One axis: size, kernel and stride, how much is cut off before, and the size that comes out."""

    size: int
    kernel: int
    stride: int
    cut: int
    out: int

    @property
    def full(self) -> int:
        """What Keras makes without padding."""
        return self.size * self.stride + max(self.kernel - self.stride, 0)

    @property
    def is_same(self) -> bool:
        """Whether Keras's "same" cuts off the same."""
        return self.out == self.size * self.stride and self.cut == max(self.kernel - self.stride, 0) // 2


@builds("ConvTranspose")
def conv_transpose(step: Step) -> Laid:
    """A transposed convolution with a constant kernel [channels, filters of a group, *spatial]."""
    given, kernel, bias = step.laid(), step.wanted(1), flat_bias(step)
    rank, groups = given.rank - 2, step.node.integer("group", 1)
    if not 1 <= rank <= 3:
        raise CannotExpress(f"a transposed convolution over {rank} axes", "Keras has them over 1 to 3")
    if groups > LARGEST_GROUPS:
        raise CannotExpress(
            f"a transposed convolution of {groups} groups", "use Resize, or a convolution without groups"
        )
    kernel = _dilated(kernel, step.node.integers("dilations") or (1,) * rank)
    spreads = _spreads(step, given.shape[2:], kernel.shape[2:])
    order = (*range(2, given.rank), 1)
    tensor = step.by_order(given, order)
    made = _of_groups(step, tensor, kernel, bias, spreads, groups)
    return step.made(made, (1, kernel.shape[1] * groups, *(one.out for one in spreads)), order)


def _of_groups(
    step: Step, tensor: Any, kernel: np.ndarray, bias: np.ndarray | None, spreads: Sequence[Spread], groups: int
) -> Any:
    if groups == 1:
        return _one(step, tensor, kernel, bias, spreads)
    parts = step.op(step.ops.split, tensor, groups, axis=-1, suffix="groups")
    kernels = np.split(kernel, groups, axis=0)
    biases = [None] * groups if bias is None else np.split(bias, groups)
    made = [_one(step, *one, spreads) for one in zip(parts, kernels, biases, strict=True)]
    return step.layer("Concatenate", suffix="joined")(made)


def _one(step: Step, tensor: Any, kernel: np.ndarray, bias: np.ndarray | None, spreads: Sequence[Spread]) -> Any:
    rank = len(spreads)
    is_same = all(one.is_same for one in spreads)
    missing = tuple((0, max(one.cut + one.out - one.full, 0)) for one in spreads)
    own = None if any(map(any, missing)) else bias  # places that no window reaches have the bias alone, added below
    weights = [np.transpose(kernel, (*range(2, rank + 2), 1, 0)), *([] if own is None else [own])]
    made = step.layer(
        f"Conv{rank}DTranspose", kernel.shape[1], kernel.shape[2:], strides=tuple(one.stride for one in spreads),
        padding="same" if is_same else "valid", use_bias=own is not None, weights=weights,
    )(tensor)  # fmt: skip
    if is_same:
        return made
    if any(map(any, missing)):
        made = step.layer(f"ZeroPadding{rank}D", missing[0] if rank == 1 else missing, suffix="pad")(made)
        made = made if bias is None else step.op(step.ops.add, made, bias, suffix="bias")
    crops = tuple((one.cut, max(one.full - one.cut - one.out, 0)) for one in spreads)
    if not any(map(any, crops)):
        return made
    return step.layer(f"Cropping{rank}D", crops[0] if rank == 1 else crops, suffix="crop")(made)


def _dilated(kernel: np.ndarray, dilations: Sequence[int]) -> np.ndarray:
    """The kernel with zeros between its places, which Keras has no layer for."""
    if set(dilations) == {1}:
        return kernel
    sizes = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilations, strict=True)]
    spread = np.zeros((*kernel.shape[:2], *sizes), kernel.dtype)
    places = (slice(None), slice(None), *(slice(None, None, step) for step in dilations))
    spread[places] = kernel
    return spread


def _spreads(step: Step, sizes: Sequence[int], kernel: Sequence[int]) -> list[Spread]:
    node, rank = step.node, len(sizes)
    strides = node.integers("strides") or (1,) * rank
    extra = node.integers("output_padding") or (0,) * rank
    pads, wanted = node.integers("pads") or (0,) * (2 * rank), node.integers("output_shape")
    auto = node.text("auto_pad", "NOTSET")
    found = []
    for axis in range(rank):
        full = (sizes[axis] - 1) * strides[axis] + kernel[axis] + extra[axis]
        cut, out = pads[axis], full - pads[axis] - pads[axis + rank]
        if auto == "VALID":
            cut, out = 0, full
        elif wanted is not None or auto.startswith("SAME"):
            out = sizes[axis] * strides[axis] if wanted is None else wanted[-rank:][axis]
            total = max(full - out, 0)
            cut = total // 2 if auto != "SAME_LOWER" else total - total // 2
        found.append(Spread(size=sizes[axis], kernel=kernel[axis], stride=strides[axis], cut=cut, out=out))
    return found
