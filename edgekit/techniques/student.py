"""A smaller student: another network that the project names takes the model's place, and the model teaches it.

Ba and Caruana, "Do Deep Nets Really Need to be Deep?" (arXiv 1312.6184); Hinton, Vinyals and Dean, "Distilling the
Knowledge in a Neural Network" (arXiv 1503.02531). The student is trained from the weights that it came with, random or
trained, on the labels and on the float model's outputs. Its file shares nothing with the model but inputs and outputs:
whether it answers alike is shown by data alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.keras_graph.flat_graph import model_of, read_graph
from edgekit.passes import passes
from edgekit.passes.run import run_passes
from edgekit.techniques.interface import Conversion, Evidence, Task, Training, TrainingTechnique
from edgekit.techniques.sites import DENSE_OPERATORS, LAYER_KINDS, kernel_of
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

NONE = (
    "the project names no student: [student] in edgekit.toml, or --student, is a smaller network that the model teaches"
)
SHOWN_DIGITS = 12


class Settings(Value):
    """Which network it is; the project says so, and a chain names none of this.

    `network` is its source, `sha256` the hash of that source's content, `parameters` its weights with biases, and
    `kernels` the weights of each of its convolutions and dense layers.
    """

    network: str = ""
    sha256: str = ""
    parameters: int = 0
    kernels: tuple[int, ...] = ()


class Student(TrainingTechnique):
    """The project's own smaller network, trained in the model's place with the model as its teacher."""

    name = "student"
    settings_type = Settings
    place_in_chain = -1
    from_replacement = True
    written_by_planner = ("network", "sha256", "parameters", "kernels")

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """The one that the project names; whether it is small enough to pay is decided by its predicted costs."""
        return self.declined(NONE) if task.replacement is None else (self.defaults(task),)

    def defaults(self, task: Task) -> Settings:
        """The network that the project names; nothing where it names none."""
        other = task.replacement
        if other is None:
            return Settings()
        return Settings(
            network=other.source,
            sha256=other.facts.sha256,
            parameters=other.facts.parameters,
            kernels=tuple(
                math.prod(layer.kernel) for layer in other.facts.layers if layer.kernel and layer.kind in LAYER_KINDS
            ),
        )

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """A student, before any other technique."""
        return NONE if graph.replacement is None else None

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """The student's graph in place of the model's."""
        return graph if graph.replacement is None else graph.replacement

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Train the student, which `model` is, then rewrite it as trained models are when they are loaded: that changes no answer."""
        training.fit(model)
        graph = read_graph(door, model)
        after = run_passes(door, graph, [one for one in passes() if one.after_training]).graph
        return model if after is graph else model_of(door, after)

    def told(self, settings: Settings) -> str:
        """That the file is another network, and which."""
        return (
            f"the file is of another network than the model: {settings.network} ({settings.parameters:,} parameters, "
            f"sha256 {settings.sha256[:SHOWN_DIGITS]}), trained in its place with the model as teacher; that it answers as the model "
            "does is shown by data alone, with accuracy and agreement"
        )

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where the model's kernels are the student's, or hold less once a later step has made them smaller."""
        found = _kernels_of(model)
        return Evidence(
            technique=self.name,
            holds=_is_at_most(found, settings.kernels),
            detail=_compared(found, settings.kernels),
        )

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the file has a kernel for each of the student's, and no more weights than it has parameters."""
        return self._in_file(tflite, settings, settings.kernels)

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Settings, conversion: Conversion
    ) -> Evidence:
        """The same of the kernels of the model that was converted, which a later step may have made smaller."""
        return self._in_file(tflite, settings, _kernels_of(model))

    def _in_file(self, tflite: TfliteModel, settings: Settings, wanted: Sequence[int]) -> Evidence:
        """Whether the file has a kernel of each of these sizes, and no more weights than the student has parameters."""
        every = kernels(tflite)
        found = Counter(one.array.size for one in every if one.operator.name in DENSE_OPERATORS)
        missing = Counter(wanted) - found
        whole = sum(one.array.size for one in every)
        there = sum(Counter(wanted).values()) - sum(missing.values())
        return Evidence(
            technique=self.name,
            holds=not missing and 0 < whole <= settings.parameters,
            detail=f"{there} of {len(wanted)} kernels of the student are in the file by their size; its kernels hold {whole:,} weights in all, "
            f"the student {settings.parameters:,} parameters",
        )


def _kernels_of(model: Any) -> tuple[int, ...]:
    """The weights of each kernel of a convolution or dense layer, in the model's order."""
    found = (kernel_of(layer) for layer in model.layers)
    return tuple(math.prod(kernel.shape) for kernel in found if kernel is not None)


def _is_at_most(found: Sequence[int], kernels: Sequence[int]) -> bool:
    """Whether kernels are the student's own by their sizes, or fewer weights in all."""
    return Counter(found) == Counter(kernels) or sum(found) < sum(kernels)


def _compared(found: Sequence[int], kernels: Sequence[int]) -> str:
    own = sum(kernels)
    if Counter(found) == Counter(kernels):
        return f"{len(found)} kernels of {own:,} weights, those of the student"
    return f"{len(found)} kernels of {sum(found):,} weights; the student has {len(kernels)} of {own:,}"
