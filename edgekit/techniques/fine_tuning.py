"""Fine-tuning without any compression: the control of every trained candidate.

Much of what a training technique seems to gain comes from more training alone. The control is trained by the same rules
as the technique, on the same data, and so tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Evidence, Task, Training, TrainingTechnique
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value


class Settings(Value):
    """Nothing of its own: length and learning rate are the project's, as for every technique."""


class FineTuning(TrainingTechnique):
    """More training, and nothing else."""

    name = "fine_tuning"
    settings_type = Settings
    role = "control"

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Never by itself: the planner adds it beside a trained candidate."""
        return ()

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """It changes nothing."""
        return graph

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Train the model as it is."""
        training.fit(model)
        return model

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """A model shows nothing of it."""
        return Evidence(technique=self.name, holds=True, detail="trained without compression")

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """A file shows nothing of it."""
        return Evidence(technique=self.name, holds=True, detail="trained without compression")
