"""Zeros in kernels, whichever technique made them: held while the rest is trained, and counted afterwards.

Which weights become zero, and when, is decided by the technique; masks for that are made in `masks`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from edgekit.techniques import masks
from edgekit.techniques.interface import Constraint, Conversion, Evidence, TrainingTechnique
from edgekit.techniques.percents import about, percent
from edgekit.techniques.sites import by_channel, from_channels, kernel_variables
from edgekit.techniques.worked_on import Judged, without_model, worked_on
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 0.01
SPARSITIES = (0.5, 0.75, 0.9, 0.95, 0.98)
"""From the lightest to the strongest; the first two are proposed, the others follow where those leave room."""
GLOBAL_FROM = 0.9
"""From this sparsity on, all kernels share one threshold: those that need their weights keep more, at the same download."""
GLOBAL_IS_LIGHTER = 0.05
End = Annotated[float, Meta(ge=0.01, le=1)]
"""The share of the steps after which zeros are complete. In less than a hundredth of a fine-tune no schedule has its steps."""
Threshold = Literal["layer", "global"]
Pattern = Literal["free", "2:4", "block"]


class Asked(Value):
    """The zeros that a technique asks for: their share, in each kernel or in all together, and their pattern."""

    sparsity: float
    threshold: Threshold = "layer"
    pattern: Pattern = "free"
    block: int = 4

    @property
    def goal(self) -> float:
        """The share of zeros, which the pattern 2:4 sets."""
        return masks.KEPT / masks.GROUP if self.pattern == "2:4" else self.sparsity


def threshold_at(sparsity: float) -> Threshold:
    """Whether all kernels share a threshold at a share of zeros, unless the project says so."""
    return "global" if sparsity >= GLOBAL_FROM else "layer"


class Held:
    """The zeros of some kernels (variables); a weight that is zero at the start stays zero."""

    def __init__(self, kernels: Sequence[Any]) -> None:
        self._kernels = kernels
        self._masks = [(kernel.numpy() != 0).astype("float32") for kernel in kernels]

    def choose(self, chosen: Callable[[list[np.ndarray]], list[np.ndarray]]) -> None:
        """Take the masks that `chosen` makes of the kernels as they are now, each with a row per output channel.

        A weight that was zero has moved by only one step, and is still among the smallest.
        """
        weights = [by_channel(kernel.numpy()) for kernel in self._kernels]
        if weights:
            pairs = zip(chosen(weights), self._kernels, strict=True)
            self._masks = [from_channels(mask, kernel.shape).astype("float32") for mask, kernel in pairs]

    def hold(self) -> None:
        """Set the masked weights to zero."""
        for kernel, mask in zip(self._kernels, self._masks, strict=True):
            kernel.assign(kernel * mask)


def held(kernels: Sequence[Any]) -> Constraint:
    """Weights that are zero now stay zero."""
    found = Held(kernels)
    return Constraint(after_step=lambda step: found.hold())


def judged(technique: str, found: Judged, asked: Asked) -> Evidence:
    """Whether the kernels of a file that were worked on have the zeros asked for."""
    import numpy as np

    whole = [np.concatenate([_rows(part) for part in parts]) for parts in found.kernels]
    shown = judge(technique, whole, asked, found.spared, found.told)
    return msgspec.structs.replace(shown, holds=shown.holds and not found.lost)


def judge(technique: str, kernels: list[np.ndarray], asked: Asked, spared: int = 0, told: str = "") -> Evidence:
    """Whether kernels, a row per output channel, have the zeros asked for; the `spared` kernels that show it least are not judged."""
    whole = [kernel for kernel in kernels if asked.pattern != "2:4" or kernel.shape[1] >= masks.GROUP]
    shown = sorted((_shown(kernel, asked) for kernel in whole), key=lambda one: (one.broken, -one.zeros / one.of))
    shown = shown[: max(len(shown) - spared, 0)]
    shares = [one.zeros / one.of for one in shown]
    if asked.threshold == "global" and shown:
        shares = [sum(one.zeros for one in shown) / sum(one.of for one in shown)]
    lowest, broken = min(shares, default=0.0), sum(one.broken for one in shown)
    where = "in all" if asked.threshold == "global" else "in the least sparse of"
    form = {"free": "", "2:4": " in whole groups of four", "block": f" in whole blocks of {asked.block}"}
    groups = f", {broken} groups with more than two weights" if asked.pattern == "2:4" else ""
    return Evidence(
        technique=technique,
        holds=bool(shown) and lowest >= asked.goal - TOLERANCE and not broken,
        detail=f"{about(lowest)}% zeros{form[asked.pattern]} {where} {len(shown)} kernels, {percent(asked.goal)}% asked for{groups}{told}",
    )


def _rows(kernel: Kernel) -> np.ndarray:
    """A kernel of a file, a row per output channel, with 0 for what stands for 0.0."""
    array = kernel.array - kernel.zero if kernel.zero else kernel.array
    return array.reshape(array.shape[0], -1)


class _Shown(NamedTuple):
    """How many of a kernel's weights (`of`) are zero, and how many groups of four break the pattern 2:4."""

    zeros: int
    of: int
    broken: int


def _shown(kernel: np.ndarray, asked: Asked) -> _Shown:
    """What a kernel shows: for blocks, only zeros of whole blocks count; for 2:4, only whole groups, not the rest at a row's end."""
    if asked.pattern == "block":
        return _Shown(masks.zeros_in_blocks(kernel, asked.block), kernel.size, 0)
    if asked.pattern == "2:4":
        whole = masks.whole_groups(kernel)
        return _Shown(int((whole == 0).sum()), whole.size, masks.broken_groups(kernel))
    return _Shown(int((kernel == 0).sum()), kernel.size, 0)


class MakesZeros(TrainingTechnique):
    """What techniques that end in zeros have in common: a later stage holds the zeros, and they are counted in the model and in the file."""

    @abstractmethod
    def asked(self, settings: Any) -> Asked:
        """The zeros that settings ask for."""

    def keep(self, door: Any, model: Any, settings: Any) -> Constraint:
        """Weights that are zero now stay zero."""
        return held(kernel_variables(model, settings.exclude))

    def ensures_in_model(self, door: Any, model: Any, settings: Any) -> Evidence:
        """Holds where every kernel that was worked on has its zeros."""
        kernels = [by_channel(kernel.numpy()) for kernel in kernel_variables(model, settings.exclude)]
        return judge(self.name, kernels, self.asked(settings))

    def ensures(self, tflite: TfliteModel, settings: Any) -> Evidence:
        """Holds where the kernels of the file have their zeros, except those of layers that are left out."""
        return judged(self.name, without_model(tflite, settings.exclude), self.asked(settings))

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Any, conversion: Conversion
    ) -> Evidence:
        """Holds where the kernels of the file that were worked on in the model have their zeros."""
        return judged(self.name, worked_on(tflite, model, settings.exclude), self.asked(settings))
