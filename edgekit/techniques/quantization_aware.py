"""Quantization-aware training: the model is fine-tuned while its int8 rounding is simulated.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv
1712.05877). It pays where post-training int8 loses too much. The simulation is our own (`fake_quant`), for every layer of Keras with a
kernel; what is closed stays in float and is calibrated after training. Of a model with a logarithm, the arithmetic of `int8_mixed` is simulated, which leaves
what numbers of many decades pass in float: rounded, the logarithm of zero would be no number. TFMOT's is an engine for those who ask for it (`tfmot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from msgspec.structs import replace

from edgekit.cost.graph import Graph, Node
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ModelFacts
from edgekit.techniques.fake_quant import engine as own
from edgekit.techniques.fake_quant.kernels import ROUNDED_KINDS
from edgekit.techniques.fake_quant.wide import LOGARITHMS
from edgekit.techniques.int8_mixed import no_float
from edgekit.techniques.interface import Conversion, Engine, Evidence, Form, Task, Training, TrainingTechnique
from edgekit.techniques.sites import matching
from edgekit.techniques.tfmot import engine as tfmot
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

OF_TFMOT = ("Conv2D", "DepthwiseConv2D", "Dense")
MIXED = Step(technique="int8_mixed", settings={"share": 0.0})
"""The conversion that leaves in float what numbers of many decades pass, and nothing else."""
NO_SITE = "the model has no layer of Keras with a kernel whose int8 rounding can be trained"
INT8_BITS, INT8_BYTES, NAMED = 8, 1, 5
MOST = 0.9
"""The share of the trained ranges that must be in the file: of a range in the middle of what the converter fuses otherwise nothing is left."""


class Settings(Value):
    """int8 weights per channel, int8 activations per tensor. `exclude` names the layers that are only calibrated.

    With `wide_in_float`, what logarithms, powers and their kind take stays in float, as `int8_mixed` leaves it.
    """

    exclude: tuple[str, ...] = ()
    engine: Engine = "edgekit"
    wide_in_float: bool = False


class QuantizationAware(TrainingTechnique):
    """Fine-tuning with fake quantization, by the engine that the settings name."""

    name = "quantization_aware"
    settings_type = Settings
    place_in_chain = 3
    rescalable = False
    simulates = ("int8", "int8_float_fallback")

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the device computes in int8 and the model has a layer whose rounding can be trained."""
        if task.profile.numerics.int8 == "absent":
            return self.declined(f"{task.profile.name} has no int8 arithmetic")
        kinds = OF_TFMOT if task.engine == "tfmot" else ROUNDED_KINDS
        if not any(layer.kernel and layer.kind.startswith(kinds) for layer in task.facts.layers):
            return self.declined(NO_SITE)
        return (replace(self.defaults(task), exclude=matching(task.facts, task.exclude)),)

    def defaults(self, task: Task) -> Settings:
        """By the project's own engine of simulated rounding; with a logarithm in float, where the model has one and the device computes in both."""
        has_logarithm = any(node.kind in LOGARITHMS for node in task.graph.nodes)
        may = task.engine == "edgekit" and no_float(task.profile) is None
        return Settings(engine=task.engine, wide_in_float=has_logarithm and may)

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """A layer whose rounding can be trained, and that is not left out."""
        kinds = OF_TFMOT if settings.engine == "tfmot" else ROUNDED_KINDS
        found = [node.name for node in graph.nodes if _is_of(kinds, node)]
        if not found:
            return NO_SITE
        return (
            None
            if set(found) - set(settings.exclude)
            else f"every layer that it could round is left out: {', '.join(found)}"
        )

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """The layers that match the patterns."""
        return matching(facts, patterns)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """It changes nothing: the weights keep their width until the conversion after it."""
        return graph

    def ends_in(self, settings: Settings) -> Step | None:
        """`int8_mixed`, where it was simulated."""
        return MIXED if settings.wide_in_float else None

    def undone(self, graph: Graph, settings: Settings) -> str | None:
        """Where a kernel is stored in more bits than int8 has, the rounding that was trained is not in the file, or not in all of it; nor where more is rounded."""
        if settings.wide_in_float and graph.input_bytes == INT8_BYTES and not graph.may_stay_float:
            return "with wide_in_float, what a logarithm takes is trained in float, and the file rounds it"
        wider = [node.name for node in graph.nodes if node.weight_bits > INT8_BITS and _is_of(ROUNDED_KINDS, node)]
        if not wider:
            return (
                "rounding to int8 is trained, and some kernels of the file stay in float"
                if graph.float_weights
                else None
            )
        named = ", ".join(wider[:NAMED]) + ", ..." * (len(wider) > NAMED)
        return f"rounding to int8 is trained, and kernels of the file are not int8: {named}"

    def form(self, settings: Settings) -> Form:
        """TFMOT simulates rounding in layers of tf_keras alone."""
        return "tf_keras" if settings.engine == "tfmot" else "keras3"

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Put fake quantization into the model, and fine-tune."""
        more = {"wide_in_float": True} if settings.wide_in_float else {}
        return _engine(settings).trained(door, model, settings.exclude, training, **more)

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where kernels and activations are rounded, and every range has seen data."""
        holds, detail = _engine(settings).in_model(model)
        return Evidence(technique=self.name, holds=holds, detail=detail)

    def scope(self, door: Any, settings: Settings) -> AbstractContextManager[Any]:
        """What the engine puts into a model, which a stored one needs to be read again."""
        context: AbstractContextManager[Any] = _engine(settings).scope(door)
        return context

    def converted_as(self, door: Any, model: Any, settings: Settings, conversion: Conversion) -> Any:
        """With its kernels rounded. For activations that are not int8 (16x8) the ranges are left out: they are calibrated."""
        return (
            model
            if settings.engine == "tfmot"
            else own.for_conversion(door, model, ranges=self._simulates(conversion, settings))
        )

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where every kernel is int8."""
        found = kernels(tflite)
        whole = sum(kernel.dtype == "int8" for kernel in found)
        return Evidence(
            technique=self.name, holds=whole == len(found), detail=f"{whole} of {len(found)} kernels are int8"
        )

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Settings, conversion: Conversion
    ) -> Evidence:
        """Holds where every kernel is int8 and the file has the ranges that were trained: those of the model's fake quantization.

        Whether training made them better, the control and the drop show.
        """
        found = self.ensures(tflite, settings)
        kept, all_of_them = (
            _engine(settings).in_file(model, tflite) if self._simulates(conversion, settings) else (0, 0)
        )
        return Evidence(
            technique=self.name,
            holds=found.holds and kept >= all_of_them * MOST,
            detail=f"{found.detail}, {kept} of {all_of_them} trained ranges are in the file"
            if all_of_them
            else found.detail,
        )

    def _simulates(self, conversion: Conversion, settings: Settings) -> bool:
        """Whether a conversion, or the one whose file it packs, rounds as was simulated."""
        own = self.ends_in(settings)
        return bool({conversion.name, conversion.packs} & {*self.simulates, *([own.technique] if own else [])})


def _is_of(kinds: tuple[str, ...], node: Node) -> bool:
    """Whether an operator has a kernel and is of one of these kinds, by how they begin."""
    return node.weights > 0 and node.kind.startswith(kinds)


def _engine(settings: Settings) -> Any:
    return tfmot if settings.engine == "tfmot" else own
