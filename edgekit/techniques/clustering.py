"""Weight clustering: each large kernel keeps few distinct values, its centroids, which are fine-tuned.

Han, Mao and Dally, "Deep Compression" (arXiv 1510.00149); centroids start by k-means++ (Arthur and Vassilvitskii,
2007). Repeated values deflate well, so the download shrinks. The raw file does not: each weight still takes its byte.
Per-channel scales and folded batch normalisation keep the few values only within a channel.
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
from edgekit.tflite.weights import Kernel, distinct_values
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
    reason = no_site(task.facts)
    if reason is not None:
        return Declined(technique="clustering", reason=reason)
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
    counts = [distinct_values(model.get_layer(name).kernel.numpy()) for name in layer_names(model)]
    most = max(counts, default=0)
    return Evidence(
        technique="clustering",
        holds=bool(counts) and most <= settings.clusters,
        detail=f"at most {most} distinct values in {len(counts)} kernels of {MINIMUM_WEIGHTS} weights or more, {settings.clusters} asked for",
    )


def finish(door: Any, model: Any) -> Any:
    """Strip the wrappers."""
    return door.tfmot.clustering.keras.strip_clustering(model)


def scope(door: Any) -> AbstractContextManager[Any]:
    """Nothing is needed to read a saved model again."""
    return nullcontext()


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where a large kernel of the file shows its clusters and none shows that it has more.

    Values are counted in the whole kernel, and, where that is no answer because scales per channel or a folded batch
    normalisation set the channels apart, in each channel. What could hold no more values than clusters shows nothing.
    """
    found = [_few_values(kernel, settings.clusters) for kernel in file_kernels(tflite)]
    shown, refuted = found.count(True), found.count(False)
    unseen = f", {found.count(None)} with channels too small to tell" if None in found else ""
    return Evidence(
        technique="clustering",
        holds=shown > 0 and refuted == 0,
        detail=f"{shown} of {len(found)} kernels of {MINIMUM_WEIGHTS} weights or more have at most {settings.clusters} distinct values "
        f"in all or in each channel{unseen}",
    )


def _few_values(kernel: Kernel, clusters: int) -> bool | None:
    """Whether a kernel has at most so many values, in all or in each channel; None where its bytes cannot tell."""
    array = kernel.array
    possible = 256 if array.dtype.itemsize == 1 else array.size
    if possible > clusters >= distinct_values(array):
        return True
    in_channel = array.size // array.shape[kernel.channel_axis]
    if min(possible, in_channel) <= clusters:
        return None
    return distinct_values(array, kernel.channel_axis) <= clusters
