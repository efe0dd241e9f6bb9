"""Fine-tuning without any compression: the control of every trained candidate.

Much of what a technique with training seems to gain, more training alone gains too. Trained by the same
rules as the technique, on the same data, it tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Constraint, Evidence, Task, Training
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

KIND: Literal["training"] = "training"


class Settings(Value):
    """Nothing of its own: length and learning rate are the project's, as for every technique."""


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Never by itself: the planner adds it beside a trained candidate."""
    return ()


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "fine_tuning"


def apply(door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
    """Train the model as it is."""
    training.fit(model)
    return model


def keep(door: Any, model: Any, settings: Settings) -> Constraint:
    """There is nothing to keep."""
    return Constraint()


def check(door: Any, model: Any, settings: Settings) -> Evidence:
    """Nothing is to be seen of it in a model."""
    return Evidence(technique="fine_tuning", holds=True, detail="trained without compression")


def scope(door: Any) -> AbstractContextManager[Any]:
    """Nothing is needed to read a saved model again."""
    return nullcontext()


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Nothing is to be seen of it in a file."""
    return Evidence(technique="fine_tuning", holds=True, detail="trained without compression")
