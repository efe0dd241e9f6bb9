"""A quantized `.tflite` given as the model, left as it is: judged on the device, and put on the diet that every file gets.

It is the baseline of such a build, and its only candidate: weights that were rounded once are not rounded again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import Conversion, Evidence, Task
from edgekit.tflite.given import quantized_as
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

Stored = Literal["float16", "hybrid", "int8", "int16x8"]


class Settings(Value):
    """`stored` is how the file's weights are stored or computed with."""

    stored: Stored = "int8"


class AsGiven(Conversion):
    """The file as it was given."""

    name = "as_given"
    settings_type = Settings
    takes_quantized = True

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the model is a quantized file."""
        found: dict[str, Stored] = {"float16": "float16", "hybrid": "hybrid", "int8": "int8", "int16x8": "int16x8"}
        stored = found.get(task.facts.quantized)
        if stored is None:
            return self.declined("the model is no quantized file")
        return (Settings(stored=stored),)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """Weights and activations of the widths that the file has."""
        if settings.stored == "int8":
            return integer(graph)
        if settings.stored == "int16x8":
            return integer(graph, activation_bytes=2, bias_bytes=8, arithmetic="int16x8")
        if settings.stored == "float16":
            return graph.changed(lambda node: {"weight_bits": 16, "bias_bytes": 2})
        return graph.changed(
            lambda node: {"weight_bits": 8, "resident_bytes": 1, "scales": node.channels, "arithmetic": "dynamic_range"}
        )

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask for nothing: the file stays as it is."""

    def told(self, settings: Settings) -> str:
        """That nothing was made smaller but by the diet."""
        return f"the given file is quantized already ({settings.stored}): it was judged and put on a diet, and nothing else was done to it"

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the bytes show what the settings say."""
        found = quantized_as(tflite)
        return Evidence(
            technique=self.name, holds=found == settings.stored, detail=f"its arithmetic is {found or 'float32'}"
        )
