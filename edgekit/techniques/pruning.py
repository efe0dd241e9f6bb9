"""Magnitude pruning: the smallest weights of each large kernel become zero while the rest is fine-tuned.

Zhu and Gupta, "To prune, or not to prune" (arXiv 1710.01878): the polynomial schedule raises the sparsity from
nothing to its goal, s(t) = s_f (1 - (1 - t)^3); the constant one prunes at once. Zeros deflate well, so the download
shrinks. The raw file and a dense runtime's time do not change at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Literal

from msgspec import Meta

from edgekit.candidate import Declined
from edgekit.techniques.interface import Evidence, Task, Training
from edgekit.techniques.sites import MINIMUM_WEIGHTS, file_kernels, layer_names, no_site
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import sparsity
from edgekit.values import Value

KIND: Literal["training"] = "training"
TOLERANCE = 0.01
PRUNES_PER_RUN = 20


class Settings(Value):
    """`sparsity` is the share of zeros in each large kernel; `end` the share of the steps after which it is reached."""

    sparsity: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    schedule: Literal["polynomial", "constant"] = "polynomial"
    end: Annotated[float, Meta(gt=0, le=1)] = 0.6


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Two strengths, the lighter first, and the other schedule last, where the deflated size counts."""
    if not task.counts("download"):
        return Declined(
            technique="pruning",
            reason="zeros shrink only the deflated download, which neither a limit nor the goal asks for: the raw file stores them, and "
            f"{task.profile.runtime.kind} computes them (--max-download asks for it)",
        )
    reason = no_site(task.facts)
    if reason is not None:
        return Declined(technique="pruning", reason=reason)
    return (Settings(sparsity=0.5), Settings(sparsity=0.75), Settings(sparsity=0.5, schedule="constant"))


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    suffix = "_constant" if settings.schedule == "constant" else ""
    return f"pruning_{settings.sparsity * 100:.0f}{suffix}"


def apply(door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
    """Wrap the large kernels' layers, fine-tune while they are pruned."""
    names, tfmot = set(layer_names(model)), door.tfmot
    schedule = _schedule(tfmot, settings, training.steps)

    def wrap(layer: Any) -> Any:
        if layer.name not in names:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    pruned = door.keras.models.clone_model(model, clone_function=wrap)
    training.fit(pruned, [tfmot.sparsity.keras.UpdatePruningStep()])
    return pruned


def _schedule(tfmot: Any, settings: Settings, steps: int) -> Any:
    frequency = max(1, steps // PRUNES_PER_RUN)
    if settings.schedule == "constant":
        return tfmot.sparsity.keras.ConstantSparsity(settings.sparsity, begin_step=0, frequency=frequency)
    # The pruning steps are begin_step + n * frequency: the end must be one of them, or the goal is never reached.
    end = max(frequency, round(settings.end * steps / frequency) * frequency)
    return tfmot.sparsity.keras.PolynomialDecay(0.0, settings.sparsity, begin_step=0, end_step=end, frequency=frequency)


def check(door: Any, model: Any, settings: Settings) -> Evidence:
    """Holds where every large kernel of the stripped model has its zeros."""
    kernels = [model.get_layer(name).kernel.numpy() for name in layer_names(model)]
    return _judge([sparsity(kernel) for kernel in kernels], settings)


def finish(door: Any, model: Any) -> Any:
    """Strip the wrappers."""
    return door.tfmot.sparsity.keras.strip_pruning(model)


def scope(door: Any) -> AbstractContextManager[Any]:
    """Nothing is needed to read a saved model again."""
    return nullcontext()


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where every large kernel of the file has its zeros."""
    return _judge([kernel.sparsity for kernel in file_kernels(tflite)], settings)


def _judge(found: list[float], settings: Settings) -> Evidence:
    lowest = min(found, default=0.0)
    return Evidence(
        technique="pruning",
        holds=bool(found) and lowest >= settings.sparsity - TOLERANCE,
        detail=f"{lowest:.1%} zeros in the least sparse of {len(found)} kernels of {MINIMUM_WEIGHTS} weights or more, {settings.sparsity:.0%} asked for",
    )
