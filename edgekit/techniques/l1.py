"""L1 training: every weight is drawn towards zero while the model trains, and those that the loss does not hold become exactly zero.

A proximal step follows each step of the optimiser: each weight moves towards zero by a threshold, and one that would cross it stays there, w - clip(w, -t, t). Large weights
are drawn less, since the same pull for all left those that stay too small. The threshold is adapted until the share of zeros follows its schedule (`soft_threshold`). At its
end the smallest weights of what is missing go too. The zeros are then held, and the rest is trained without the pull (the relaxed lasso: Meinshausen, CSDA 52(1),
2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.techniques import masks
from edgekit.techniques.interface import Constraint, Task, Training
from edgekit.techniques.packing import OWN, with_zeros
from edgekit.techniques.percents import percent
from edgekit.techniques.sites import by_channel, kernel_variables, lookalikes, matching_sites, no_kernel
from edgekit.techniques.soft_threshold import ADAPTATIONS, SoftThreshold
from edgekit.techniques.zeros import (
    GLOBAL_IS_LIGHTER,
    SPARSITIES,
    Asked,
    End,
    Held,
    MakesZeros,
    Threshold,
    threshold_at,
)
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np


class Settings(Value):
    """`sparsity` is the share of zeros, in each kernel or (`threshold = "global"`) in all together.

    `end` is the share of the steps after which it is reached. `exclude` names the layers left out.
    """

    sparsity: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    threshold: Threshold = "layer"
    end: End = 0.5
    exclude: tuple[str, ...] = ()


class L1(MakesZeros):
    """The weights of each large kernel that the loss does not hold become zero."""

    name = "l1"
    settings_type = Settings
    place_in_chain = 0.9

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Never by itself: it makes the zeros that magnitude pruning makes, at the same bytes, and as a rule loses no less by them."""
        return self.declined(f"magnitude pruning makes as many zeros, and as a rule loses less by them ({OWN})")

    def stronger(self, settings: Settings) -> Settings | None:
        """The next larger share of zeros; None beyond the largest."""
        larger = next((sparsity for sparsity in SPARSITIES if sparsity > settings.sparsity), None)
        if larger is None:
            return None
        threshold = "global" if settings.threshold == "global" else threshold_at(larger)
        return msgspec.structs.replace(settings, sparsity=larger, threshold=threshold)

    def strength(self, settings: Settings) -> float:
        """The share of zeros, a little less where all layers share one threshold, since that loses less."""
        return settings.sparsity - (GLOBAL_IS_LIGHTER if settings.threshold == "global" else 0)

    def steps_needed(self, settings: Settings) -> int:
        """So many that the pull is adapted as often as it is meant to be, before the zeros are complete."""
        return math.ceil(ADAPTATIONS / settings.end)

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name."""
        return f"l1_{percent(settings.sparsity)}" + ("_global" if settings.threshold == "global" else "")

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """Of the layers that it would work on, those that match the patterns, and those of other kinds that look like them in the file."""
        return (*matching_sites(facts, patterns), *lookalikes(facts))

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a layer that is large enough to work on."""
        return no_kernel(graph, settings.exclude)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """The share of zeros in every layer that it works on."""
        return with_zeros(graph, settings.sparsity, settings.exclude)

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Train the model while its weights are drawn towards zero, then with the zeros held."""
        kernels = kernel_variables(model, settings.exclude)

        def constraint(steps: int) -> Constraint:
            end = max(1, round(settings.end * steps))
            pull, zeros = Pull(door.tf, kernels, settings, end), Held(kernels)

            def after_step(step: int) -> None:
                if 0 < step <= end:
                    pull.step(step)
                if step == end:
                    zeros.choose(pull.masks)
                if step >= end:
                    zeros.hold()

            return Constraint(after_step=after_step, whole_after=end)

        training.fit(model, constraint)
        return model

    def asked(self, settings: Settings) -> Asked:
        """The zeros that settings ask for."""
        return Asked(sparsity=settings.sparsity, threshold=settings.threshold)


def goals(magnitudes: Sequence[np.ndarray], settings: Settings) -> list[float]:
    """The share of zeros that each kernel (a row per output channel) is to have; with one threshold for all, what pruning at once would leave in each.

    One strength for all weights would not do: kernels differ in the scale of their weights, and a small one that all depends on would lose as much as others.
    """
    if settings.threshold == "layer" or not magnitudes:
        return [settings.sparsity] * len(magnitudes)
    return [1 - float(mask.mean()) for mask in masks.of_all(magnitudes, settings.sparsity)]


class Pull:
    """The threshold of each kernel (a variable), and how it follows the kernel's share of zeros until the step `end`."""

    def __init__(self, tf: Any, kernels: Sequence[Any], settings: Settings, end: int) -> None:
        self._tf, self._kernels = tf, kernels
        magnitudes = [abs(by_channel(kernel.numpy())) for kernel in kernels]
        wanted = zip(magnitudes, goals(magnitudes, settings), strict=True)
        self._thresholds = [SoftThreshold(array, goal, end) for array, goal in wanted]

    def step(self, step: int) -> None:
        """Move every weight towards zero; from time to time, adapt the thresholds."""
        for kernel, threshold in zip(self._kernels, self._thresholds, strict=True):
            weight = self._tf.convert_to_tensor(kernel)
            reach = threshold.reach(self._tf.abs(weight))
            kernel.assign(weight - self._tf.clip_by_value(weight, -reach, reach))
            if threshold.is_adapted_at(step):
                threshold.adapt(_share(kernel), step)

    def shares(self) -> list[float]:
        """The share of zeros of each kernel."""
        return [_share(kernel) for kernel in self._kernels]

    def masks(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Masks of the kernels, each without the smallest of its weights, as many as it is to lose."""
        pairs = zip(weights, self._thresholds, strict=True)
        return [masks.of_each([one], threshold.goal)[0] for one, threshold in pairs]


def _share(kernel: Any) -> float:
    return float((kernel.numpy() == 0).mean())
