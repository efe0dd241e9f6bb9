"""Magnitude pruning: the smallest weights become zero, step by step, while the rest is fine-tuned.

Zhu and Gupta, "To prune, or not to prune" (arXiv 1710.01878): the polynomial schedule raises the sparsity from
nothing to its goal, s(t) = s_f (1 - (1 - t)^3); the constant one prunes at once. Zeros deflate well, so the download
shrinks. The raw file shrinks where tflite-micro decodes coded weights, in which a zero takes a bit, and where LiteRT expands sparse
kernels, which hold no zeros; elsewhere it does not change, nor does a dense runtime's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edgekit.cost.graph import Graph, Node
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.techniques import masks
from edgekit.techniques.interface import Constraint, Task, Training
from edgekit.techniques.packing import why_zeros_stay, with_zeros
from edgekit.techniques.percents import percent
from edgekit.techniques.sites import (
    is_worked_on,
    kernel_variables,
    left_out,
    lookalikes,
    matching_sites,
    no_kernel,
    no_site,
)
from edgekit.techniques.zeros import (
    GLOBAL_IS_LIGHTER,
    SPARSITIES,
    Asked,
    End,
    Held,
    MakesZeros,
    Pattern,
    Threshold,
    threshold_at,
)
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

PRUNINGS = 20
"""How often the masks are computed anew while the sparsity rises."""


class Settings(Value):
    """`sparsity` is the share of zeros, in each kernel or (`threshold = "global"`) in all together.

    `pattern = "2:4"` keeps two of every four neighbouring weights, half zeros whatever `sparsity` says; "block" drops
    `block` neighbours at once. `end` is the share of the steps after which the sparsity is reached. `exclude` names the
    layers left out.
    """

    sparsity: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    threshold: Threshold = "layer"
    pattern: Pattern = "free"
    block: Annotated[int, Meta(ge=2, le=64)] = 4
    schedule: Literal["polynomial", "constant"] = "polynomial"
    end: End = 0.5
    exclude: tuple[str, ...] = ()


class Pruning(MakesZeros):
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
            Settings(sparsity=sparsity, threshold=threshold_at(sparsity), exclude=left_out(task))
            for sparsity in shares[:2]
        )

    def stronger(self, settings: Settings) -> Settings | None:
        """The next larger share of zeros; None beyond the largest, and for the pattern 2:4, whose share is fixed."""
        larger = next((sparsity for sparsity in SPARSITIES if sparsity > settings.sparsity), None)
        if larger is None or settings.pattern == "2:4":
            return None
        threshold = "global" if settings.threshold == "global" else threshold_at(larger)
        return msgspec.structs.replace(settings, sparsity=larger, threshold=threshold)

    def strength(self, settings: Settings) -> float:
        """The share of zeros, a little less where all layers share one threshold, since that loses less."""
        return self.asked(settings).goal - (GLOBAL_IS_LIGHTER if settings.threshold == "global" else 0)

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name."""
        pattern = {"free": "", "2:4": "_2_of_4", "block": f"_block_{settings.block}"}[settings.pattern]
        threshold = "_global" if settings.threshold == "global" else ""
        schedule = "_constant" if settings.schedule == "constant" else ""
        return f"pruning_{percent(self.asked(settings).goal)}{threshold}{pattern}{schedule}"

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """Of the layers that it would work on, those that match the patterns, and those of other kinds that look like them in the file."""
        return (*matching_sites(facts, patterns), *lookalikes(facts))

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a layer that is large enough to work on, and rows of four weights where it keeps two of every four."""
        reason = no_kernel(graph, settings.exclude)
        worked_on = [node for node in graph.nodes if is_worked_on(node, settings.exclude)]
        if reason is not None or settings.pattern != "2:4" or any(_row(node) >= masks.GROUP for node in worked_on):
            return reason
        return f"no output channel that it works on has {masks.GROUP} weights or more, of which two in every four could stay"

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """The share of zeros in every layer that it works on."""
        return with_zeros(graph, self.asked(settings).goal, settings.exclude)

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Fine-tune the model while the masks grow."""
        kernels = kernel_variables(model, settings.exclude)

        def constraint(steps: int) -> Constraint:
            end = max(1, round(settings.end * steps)) if settings.schedule == "polynomial" else 0
            every = max(1, end // PRUNINGS)
            zeros = Held(kernels)

            def after_step(step: int) -> None:
                if step == end or (step < end and step % every == 0):
                    progress = 1 - (1 - step / end) ** 3 if end else 1.0
                    zeros.choose(lambda weights: _masks(weights, settings, progress))
                zeros.hold()

            return Constraint(after_step=after_step, whole_after=end)

        training.fit(model, constraint)
        return model

    def asked(self, settings: Settings) -> Asked:
        """The zeros that settings ask for."""
        return Asked(
            sparsity=settings.sparsity, threshold=settings.threshold, pattern=settings.pattern, block=settings.block
        )


def _row(node: Node) -> int:
    """The weights of an output channel: of a recurrent layer, those of both kernels."""
    return node.window or node.reads


def _masks(weights: list[np.ndarray], settings: Settings, progress: float) -> list[np.ndarray]:
    """Masks for `progress`, a share of the sparsity that is the goal."""
    if settings.pattern == "2:4":
        return masks.two_of_four(weights)
    mask = masks.of_all if settings.threshold == "global" else masks.of_each
    return mask(weights, settings.sparsity * progress, settings.block if settings.pattern == "block" else 1)
