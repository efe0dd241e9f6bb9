"""Weight clustering: each large kernel keeps few distinct values, its centroids, which are fine-tuned.

Han, Mao and Dally, "Deep Compression" (arXiv 1510.00149); centroids start by k-means++ (Arthur and Vassilvitskii,
2007). Repeated values deflate well, so the download shrinks. The raw file does not: each weight still takes its byte.
Per-channel scales and folded batch normalisation keep the few values only within a channel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Literal

from msgspec import Meta

from edgekit.candidate import Declined
from edgekit.techniques.interface import Evidence, Task, Training
from edgekit.techniques.sites import MINIMUM_WEIGHTS, file_kernels, layer_names
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import distinct_values
from edgekit.values import Value

KIND: Literal["training"] = "training"


class Settings(Value):
    """`clusters` is the number of distinct values of each large kernel."""

    clusters: Annotated[int, Meta(ge=2, le=256)] = 16


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Two strengths, the lighter first, where the deflated size counts."""
    if not task.counts("download"):
        return Declined(
            technique="clustering",
            reason="repeated values shrink only the deflated download, which neither a limit nor the goal asks for: in the raw file "
            f"each keeps its byte, and {task.profile.runtime.kind} decodes no look-up tables here (--max-download asks for it)",
        )
    if not any(layer.kernel and math.prod(layer.kernel) >= MINIMUM_WEIGHTS for layer in task.facts.layers):
        return Declined(technique="clustering", reason=f"no kernel has {MINIMUM_WEIGHTS} weights or more")
    return (Settings(clusters=32), Settings(clusters=16))


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return f"clustering_{settings.clusters}"


def apply(door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
    """Wrap the large kernels' layers and fine-tune their centroids."""
    clustering = door.tfmot.clustering.keras
    names = set(layer_names(model))

    def wrap(layer: Any) -> Any:
        if layer.name not in names:
            return layer
        return clustering.cluster_weights(
            layer,
            number_of_clusters=settings.clusters,
            cluster_centroids_init=clustering.CentroidInitialization.KMEANS_PLUS_PLUS,
        )

    clustered = door.keras.models.clone_model(model, clone_function=wrap)
    training.fit(clustered)
    return clustered


def check(door: Any, model: Any, settings: Settings) -> Evidence:
    """Holds where every large kernel of the stripped model has no more values than clusters."""
    kernels = [model.get_layer(name).kernel.numpy() for name in layer_names(model)]
    return _judge([distinct_values(kernel) for kernel in kernels], settings, "a kernel")


def finish(door: Any, model: Any) -> Any:
    """Strip the wrappers."""
    return door.tfmot.clustering.keras.strip_clustering(model)


def scope(door: Any) -> AbstractContextManager[Any]:
    """Nothing is needed to read a saved model again."""
    return nullcontext()


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where no channel of a large kernel in the file has more values than clusters."""
    counts = [distinct_values(kernel.array, kernel.channel_axis) for kernel in file_kernels(tflite)]
    return _judge(counts, settings, "a channel")


def _judge(counts: list[int], settings: Settings, where: str) -> Evidence:
    most = max(counts, default=0)
    return Evidence(
        technique="clustering",
        holds=bool(counts) and most <= settings.clusters,
        detail=f"at most {most} distinct values in {where} of {len(counts)} kernels of {MINIMUM_WEIGHTS} weights or more, {settings.clusters} asked for",
    )
