"""Plain conversion: float32 weights and arithmetic. It is the baseline that every other figure is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from edgekit.documents.candidate import Declined
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import dominant_arithmetic
from edgekit.values import Value

KIND: Literal["conversion"] = "conversion"


class Settings(Value):
    """Nothing to set."""


def propose(task: Task) -> Sequence[Settings] | Declined:
    """Always: it is the reference, and the answer where the device takes it and nothing smaller keeps the accuracy."""
    return (Settings(),)


def label(settings: Settings) -> str:
    """Its part of a candidate's name."""
    return "float32"


def configure(door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
    """Leave the converter as it is."""


def evidence(tflite: TfliteModel, settings: Settings) -> Evidence:
    """Holds where the arithmetic of the file is float32."""
    kind = dominant_arithmetic(tflite)
    return Evidence(technique="float32", holds=kind in ("float32", "other"), detail=f"{kind} arithmetic")
