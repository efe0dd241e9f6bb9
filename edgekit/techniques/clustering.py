"""Weight clustering: each large kernel keeps few distinct values, which are fine-tuned together.

Han, Mao and Dally, "Deep Compression" (arXiv 1510.00149): weights that share a value share its gradient. int8 weights
are scaled by channel, so the values are those of a codebook on the grid of int8 with a scale for each channel
(`codebook`). The few values are then the same bytes in every channel, and deflate well. The raw file shrinks
only where tflite-micro decodes the weights; elsewhere each takes its byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.techniques.codebook import GRID, LEAST_WITH_ZERO, Codebook
from edgekit.techniques.interface import Constraint, Conversion, Evidence, Task, Training, TrainingTechnique
from edgekit.techniques.merging import merged
from edgekit.techniques.packing import CLUSTERS, few_values, why_not
from edgekit.techniques.sites import (
    MINIMUM_WEIGHTS,
    WorkedKernel,
    by_channel,
    from_channels,
    judged_kernels,
    left_out,
    lookalikes,
    matching_sites,
    names_in,
    no_kernel,
    no_site,
    worked_kernels,
)
from edgekit.techniques.worked_on import Judged, without_model, worked_on
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, distinct_values
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

TENTHS = 10


class Settings(Value):
    """`clusters` is the number of distinct values of each large kernel, counted in units of its scales.

    `scales = "channel"` gives each output channel a scale, as int8 weights have them; "tensor" gives the kernel one
    scale, which float weights need to have few values in all. `exclude` names the layers left out.
    """

    clusters: Annotated[int, Meta(ge=2, le=128)] = 16
    scales: Literal["channel", "tensor"] = "channel"
    exclude: tuple[str, ...] = ()


class Clustering(TrainingTechnique):
    """The weights of each large kernel take few distinct values."""

    name = "clustering"
    settings_type = Settings
    place_in_chain = 2
    rescalable = False

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Two strengths, the lighter first, where the deflated size counts, or where flash counts and the runtime decodes look-up tables.

        For look-up tables alone, the two are the lightest whose tables are predicted to pay.
        """
        counts = CLUSTERS if task.counts_weights else [count for count in CLUSTERS if why_not(task, count) is None]
        if not counts:
            return self.declined(
                "repeated values shrink only the deflated download, which neither a limit nor the goal asks for: in the raw file "
                f"each keeps its byte (--max-download asks for it), and {why_not(task)}",
            )
        reason = no_site(task)
        if reason is not None:
            return self.declined(reason)
        scales: Literal["channel", "tensor"] = "tensor" if task.profile.numerics.int8 == "absent" else "channel"
        return tuple(Settings(clusters=count, scales=scales, exclude=left_out(task)) for count in counts[:2])

    def stronger(self, settings: Settings) -> Settings | None:
        """The next smaller number of clusters; None below the smallest."""
        fewer = next((count for count in CLUSTERS if count < settings.clusters), None)
        return None if fewer is None else msgspec.structs.replace(settings, clusters=fewer)

    def strength(self, settings: Settings) -> float:
        """The fewer clusters, the stronger."""
        return -settings.clusters

    def keeps(self, settings: Settings, before: Sequence[str]) -> bool:
        """Whether zeros that an earlier technique made can stay."""
        return not {"l1", "pruning"} & set(before) or settings.clusters >= LEAST_WITH_ZERO

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name."""
        return f"clustering_{settings.clusters}" + ("_tensor" if settings.scales == "tensor" else "")

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """Of the layers that it would work on, those that match the patterns, and those of other kinds that look like them in the file."""
        return (*matching_sites(facts, patterns), *lookalikes(facts))

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a layer that is large enough to work on."""
        return no_kernel(graph, settings.exclude)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """Few distinct values in every layer that it works on."""
        return few_values(graph, settings.clusters, settings.exclude)

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Fine-tune the values that the weights share."""
        training.fit(model, lambda steps: self.keep(door, model, settings))
        return model

    def keep(self, door: Any, model: Any, settings: Settings) -> Constraint:
        """Weights that share a value now keep sharing one; a kernel with more values than clusters is clustered first."""
        kernels = worked_kernels(model, settings.exclude)
        books = [Codebook(_matrix(kernel, settings), settings.clusters) for kernel in kernels]

        def each(project: Any) -> None:
            for kernel, book in zip(kernels, books, strict=True):
                _assign(kernel, project(book)(_matrix(kernel, settings)))

        return Constraint(
            after_step=lambda step: each(lambda book: book.project),
            settle=lambda: each(lambda book: book.settle),
        )

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where no large kernel has more distinct values than clusters, in units of its scales."""
        kernels = [_matrix(kernel, settings) for kernel in worked_kernels(model, settings.exclude)]
        most = max((_values_in_scales(kernel) for kernel in kernels), default=0)
        return Evidence(
            technique=self.name,
            holds=0 < most <= settings.clusters,
            detail=f"{most} distinct values at most in {len(kernels)} kernels of {MINIMUM_WEIGHTS} weights or more, by {settings.scales}",
        )

    def mend(self, door: Any, model: Any, settings: Settings) -> int:
        """Merge the few values that a kernel has too many, on the grid of int8; returns the number of weights changed."""
        moved = 0
        for kernel in worked_kernels(model, settings.exclude):
            matrix = _matrix(kernel, settings)
            codes = _codes(matrix)
            few = merged(codes, settings.clusters)
            if few is not None and (few != codes).any():
                moved += int((few != codes).sum())
                scales = abs(matrix).max(axis=1, keepdims=True)
                _assign(kernel, (few / GRID * scales).astype(matrix.dtype))
        return moved

    def mend_file(self, tflite: TfliteModel, settings: Settings) -> dict[int, np.ndarray]:
        """The int8 kernels of a file that have a few values too many, with these merged, by tensor index; no other kernels."""
        found = {}
        judged, spared = judged_kernels(tflite, settings.exclude)
        for kernel in judged:
            if spared and not names_in(kernel.name):  # it may be of a layer that was not clustered
                continue
            if kernel.dtype == "int8" and not kernel.zero and _few_values(kernel, settings.clusters) is False:
                few = _merged_kernel(kernel, settings.clusters)
                if few is not None:
                    found[kernel.index] = few
        return found

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where a large kernel shows at most `clusters` values, and no more kernels show too many than layers are left out.

        Values are counted in the whole kernel. Where channels differ, because of a scale per channel or a folded batch
        normalisation, they are counted in each channel. What is too small to hold more values than clusters shows
        nothing.
        """
        return _judged(without_model(tflite, settings.exclude), settings)

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Settings, conversion: Conversion
    ) -> Evidence:
        """As `ensures`, of the kernels of the file that were worked on in the model."""
        return _judged(worked_on(tflite, model, settings.exclude), settings)


def _judged(judged: Judged, settings: Settings) -> Evidence:
    kernels = [part for parts in judged.kernels for part in parts]
    found = [_few_values(kernel, settings.clusters) for kernel in kernels]
    shown, refuted = found.count(True), found.count(False)
    unseen = f", {found.count(None)} with channels too small to tell" if None in found else ""
    most = max((distinct_values(kernel.array) for kernel in kernels), default=0)
    return Evidence(
        technique=Clustering.name,
        holds=shown > 0 and refuted <= judged.spared and not judged.lost,
        detail=f"{shown} of {len(found)} kernels of {MINIMUM_WEIGHTS} weights or more have at most {settings.clusters} distinct values "
        f"in all or in each channel{unseen}; {most} at most in a kernel{judged.told}",
    )


def _matrix(kernel: WorkedKernel, settings: Settings) -> Any:
    """The numbers of a kernel now, as a matrix with one row per scale."""
    rows = by_channel(kernel.variable.numpy())
    if settings.scales == "tensor":
        return rows.reshape(1, -1)
    return rows.reshape(kernel.scaled_gates, -1) if kernel.scaled_gates else rows


def _assign(kernel: WorkedKernel, matrix: Any) -> None:
    """Give a kernel the numbers of such a matrix."""
    kernel.variable.assign(from_channels(matrix, kernel.variable.shape))


def _merged_kernel(kernel: Kernel, clusters: int) -> np.ndarray | None:
    """A kernel with at most `clusters` values, in all or else in each channel; None where that takes more than a few small moves."""
    import numpy as np

    whole = merged(kernel.array, clusters)
    if whole is not None:
        return whole
    channels = [merged(channel, clusters) for channel in np.moveaxis(kernel.array, kernel.channel_axis, 0)]
    if any(channel is None for channel in channels):
        return None
    return np.moveaxis(np.stack([channel for channel in channels if channel is not None]), 0, kernel.channel_axis)


def _values_in_scales(matrix: Any) -> int:
    """Distinct values of a matrix in units of its rows' scales, on the grid of int8."""
    return distinct_values(_codes(matrix))


def _codes(matrix: Any) -> np.ndarray:
    """Each row over its largest magnitude, in steps of the int8 grid, to a tenth of a step: values off the grid stay visible."""
    import numpy as np

    largest = abs(matrix).max(axis=1, keepdims=True)
    steps: np.ndarray = np.rint(matrix / np.where(largest > 0, largest, 1) * (GRID * TENTHS)) / TENTHS + 0.0
    return steps


def _few_values(kernel: Kernel, clusters: int) -> bool | None:
    """Whether a kernel has at most `clusters` values, in all or in each channel; None where its bytes cannot tell."""
    array = kernel.array
    possible = 256 if array.dtype.itemsize == 1 else array.size
    if possible > clusters >= distinct_values(array):
        return True
    in_channel = array.size // array.shape[kernel.channel_axis]
    if min(possible, in_channel) <= clusters:
        return None
    return distinct_values(array, kernel.channel_axis) <= clusters
