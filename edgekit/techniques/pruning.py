"""Magnitude pruning: the smallest weights become zero, step by step, while the rest is fine-tuned.

Zhu and Gupta, "To prune, or not to prune" (arXiv 1710.01878): the polynomial schedule raises the sparsity from
nothing to its goal, s(t) = s_f (1 - (1 - t)^3); the constant one prunes at once. Zeros deflate well, so the download
shrinks. The raw file shrinks where tflite-micro decodes coded weights, in which a zero takes a bit, and where LiteRT expands sparse
kernels, which hold no zeros; elsewhere it does not change, nor does a dense runtime's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.techniques import masks
from edgekit.techniques.interface import Constraint, Conversion, Evidence, Task, Training, TrainingTechnique
from edgekit.techniques.packing import why_zeros_stay, with_zeros
from edgekit.techniques.sites import (
    by_channel,
    from_channels,
    judged_kernels,
    kernel_variables,
    left_out,
    lookalikes,
    matching_sites,
    no_kernel,
    no_site,
)
from edgekit.techniques.worked_on import Judged, worked_on
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 0.01
SPARSITIES = (0.5, 0.75, 0.9, 0.95, 0.98)
"""From the lightest to the strongest; the first two are proposed, the others follow where those leave room."""
GLOBAL_FROM = 0.9
"""From this sparsity on, all kernels share one threshold: those that need their weights keep more, at the same download."""
GLOBAL_IS_LIGHTER = 0.05
PRUNINGS = 20
"""How often the masks are computed anew while the sparsity rises."""


class Settings(Value):
    """`sparsity` is the share of zeros, in each kernel or (`threshold = "global"`) in all together.

    `pattern = "2:4"` keeps two of every four neighbouring weights, half zeros whatever `sparsity` says; "block" drops
    `block` neighbours at once. `end` is the share of the steps after which the sparsity is reached. `exclude` names the
    layers left out.
    """

    sparsity: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    threshold: Literal["layer", "global"] = "layer"
    pattern: Literal["free", "2:4", "block"] = "free"
    block: Annotated[int, Meta(ge=2, le=64)] = 4
    schedule: Literal["polynomial", "constant"] = "polynomial"
    end: Annotated[float, Meta(gt=0, le=1)] = 0.5
    exclude: tuple[str, ...] = ()


class Pruning(TrainingTechnique):
    """The smallest weights of each large kernel, or of all together, become zero."""

    name = "pruning"
    settings_type = Settings
    place_in_chain = 1

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Two strengths, the lighter first, where the deflated size counts, or where flash counts and the runtime decodes or expands weights.

        For the flash alone, the two are the lightest whose zeros are predicted to pay.
        """
        shares = SPARSITIES if task.counts_weights else [one for one in SPARSITIES if why_zeros_stay(task, one) is None]
        if not shares:
            return self.declined(
                "zeros shrink only the deflated download, which neither a limit nor the goal asks for: the plain raw file stores them, "
                f"{task.profile.runtime.kind} computes them (--max-download asks for it), and {why_zeros_stay(task, SPARSITIES[-1])}",
            )
        reason = no_site(task)
        if reason is not None:
            return self.declined(reason)
        return tuple(
            Settings(sparsity=sparsity, threshold=_threshold(sparsity), exclude=left_out(task))
            for sparsity in shares[:2]
        )

    def stronger(self, settings: Settings) -> Settings | None:
        """The next larger share of zeros; None beyond the largest, and for the pattern 2:4, whose share is fixed."""
        larger = next((sparsity for sparsity in SPARSITIES if sparsity > settings.sparsity), None)
        if larger is None or settings.pattern == "2:4":
            return None
        threshold = "global" if settings.threshold == "global" else _threshold(larger)
        return msgspec.structs.replace(settings, sparsity=larger, threshold=threshold)

    def strength(self, settings: Settings) -> float:
        """The share of zeros, a little less where all layers share one threshold, since that loses less."""
        return _goal(settings) - (GLOBAL_IS_LIGHTER if settings.threshold == "global" else 0)

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name."""
        pattern = {"free": "", "2:4": "_2_of_4", "block": f"_block_{settings.block}"}[settings.pattern]
        threshold = "_global" if settings.threshold == "global" else ""
        schedule = "_constant" if settings.schedule == "constant" else ""
        return f"pruning_{_goal(settings) * 100:.6g}{threshold}{pattern}{schedule}"

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """Of the layers that it would work on, those that match the patterns, and those of other kinds that look like them in the file."""
        return (*matching_sites(facts, patterns), *lookalikes(facts))

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a layer that is large enough to work on."""
        return no_kernel(graph, settings.exclude)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """The share of zeros in every layer that it works on."""
        return with_zeros(graph, _goal(settings), settings.exclude)

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Fine-tune the model while the masks grow."""
        kernels = kernel_variables(model, settings.exclude)

        def constraint(steps: int) -> Constraint:
            end = max(1, round(settings.end * steps)) if settings.schedule == "polynomial" else 0
            every = max(1, end // PRUNINGS)
            held = _Masks(kernels)

            def after_step(step: int) -> None:
                if step == end or (step < end and step % every == 0):
                    held.renew(settings, 1 - (1 - step / end) ** 3 if end else 1.0)
                held.hold()

            return Constraint(after_step=after_step, whole_after=end)

        training.fit(model, constraint)
        return model

    def keep(self, door: Any, model: Any, settings: Settings) -> Constraint:
        """Weights that are zero now stay zero."""
        held = _Masks(kernel_variables(model, settings.exclude))
        return Constraint(after_step=lambda step: held.hold())

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where every kernel that was worked on has its zeros."""
        return _judge([by_channel(kernel.numpy()) for kernel in kernel_variables(model, settings.exclude)], settings, 0)

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the kernels of the file have their zeros, except those of layers that are left out."""
        return _judged(Judged(*judged_kernels(tflite, settings.exclude)), settings)

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Settings, conversion: Conversion
    ) -> Evidence:
        """Holds where the kernels of the file that were worked on in the model have their zeros."""
        return _judged(worked_on(tflite, model, settings.exclude), settings)


def _judged(judged: Judged, settings: Settings) -> Evidence:
    found = [kernel.array - kernel.zero if kernel.zero else kernel.array for kernel in judged.kernels]
    shown = _judge([kernel.reshape(kernel.shape[0], -1) for kernel in found], settings, judged.spared)
    return msgspec.structs.replace(shown, detail=shown.detail + judged.told)


def _threshold(sparsity: float) -> Literal["layer", "global"]:
    return "global" if sparsity >= GLOBAL_FROM else "layer"


def _goal(settings: Settings) -> float:
    return masks.KEPT / masks.GROUP if settings.pattern == "2:4" else settings.sparsity


class _Masks:
    """The masks of some kernels (variables); a weight that is zero at the start stays zero."""

    def __init__(self, kernels: Sequence[Any]) -> None:
        self._kernels = kernels
        self._masks = [(kernel.numpy() != 0).astype("float32") for kernel in kernels]

    def renew(self, settings: Settings, progress: float) -> None:
        """Compute masks for `progress`, a share of the sparsity that is the goal.

        A weight that was zero has moved by only one step, and is still among the smallest.
        """
        weights = [by_channel(kernel.numpy()) for kernel in self._kernels]
        if not weights:
            return
        found = _masks(weights, settings, progress)
        self._masks = [
            from_channels(mask, kernel.shape).astype("float32")
            for mask, kernel in zip(found, self._kernels, strict=True)
        ]

    def hold(self) -> None:
        """Set the masked weights to zero."""
        for kernel, mask in zip(self._kernels, self._masks, strict=True):
            kernel.assign(kernel * mask)


def _masks(weights: list[np.ndarray], settings: Settings, progress: float) -> list[np.ndarray]:
    if settings.pattern == "2:4":
        return masks.two_of_four(weights)
    mask = masks.of_all if settings.threshold == "global" else masks.of_each
    return mask(weights, settings.sparsity * progress, settings.block if settings.pattern == "block" else 1)


def _judge(kernels: list[np.ndarray], settings: Settings, spared: int) -> Evidence:
    """Whether the kernels have the zeros that the settings ask for; the `spared` kernels that show it least are not judged."""
    judged = [kernel for kernel in kernels if settings.pattern != "2:4" or kernel.shape[1] >= masks.GROUP]
    shown = sorted((_shown(kernel, settings) for kernel in judged), key=lambda one: (one.broken, -one.zeros / one.of))
    shown = shown[: max(len(shown) - spared, 0)]
    shares = [one.zeros / one.of for one in shown]
    if settings.threshold == "global" and shown:
        shares = [sum(one.zeros for one in shown) / sum(one.of for one in shown)]
    goal, lowest, broken = _goal(settings), min(shares, default=0.0), sum(one.broken for one in shown)
    where = "in all" if settings.threshold == "global" else "in the least sparse of"
    form = {"free": "", "2:4": " in whole groups of four", "block": f" in whole blocks of {settings.block}"}
    groups = f", {broken} groups with more than two weights" if settings.pattern == "2:4" else ""
    return Evidence(
        technique=Pruning.name,
        holds=bool(shown) and lowest >= goal - TOLERANCE and not broken,
        detail=f"{lowest:.1%} zeros{form[settings.pattern]} {where} {len(shown)} kernels, {goal * 100:.6g}% asked for{groups}",
    )


class _Shown(NamedTuple):
    """How many of a kernel's weights (`of`) are zero, and how many groups of four break the pattern 2:4."""

    zeros: int
    of: int
    broken: int


def _shown(kernel: np.ndarray, settings: Settings) -> _Shown:
    """What a kernel shows: for blocks, only zeros of whole blocks count; for 2:4, only whole groups, not the rest at a row's end."""
    if settings.pattern == "block":
        return _Shown(masks.zeros_in_blocks(kernel, settings.block), kernel.size, 0)
    if settings.pattern == "2:4":
        whole = masks.whole_groups(kernel)
        return _Shown(int((whole == 0).sum()), whole.size, masks.broken_groups(kernel))
    return _Shown(int((kernel == 0).sum()), kernel.size, 0)
