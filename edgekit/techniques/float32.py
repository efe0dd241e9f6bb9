"""Plain conversion: float32 weights and arithmetic. It is the baseline that every other figure is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Conversion, Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import dominant_arithmetic
from edgekit.values import Value


class Settings(Value):
    """Nothing to set."""


class Float32(Conversion):
    """The file as the converter makes it without any option."""

    name = "float32"
    settings_type = Settings
    role = "baseline"
    after_training = 5

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Always: it is the reference, and the answer where the device takes it and nothing smaller keeps the accuracy."""
        return (Settings(),)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """It changes nothing: a lowered graph is already in float32."""
        return graph

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Leave the converter as it is."""

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the arithmetic of the file is float32."""
        kind = dominant_arithmetic(tflite)
        return Evidence(technique=self.name, holds=kind in ("float32", "other"), detail=f"{kind} arithmetic")
