"""Test vectors for a firmware: samples as the model takes them, with what the microcontroller's interpreter answers.

A board that gives the same answers has the right model, operators, arena and arithmetic. Two samples with answers that
differ, where there are such: one alone would also be passed by an output that never changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.runtimes.interface import Refused, Session
from edgekit.runtimes.micro import blocks_of
from edgekit.runtimes.samples import Samples
from edgekit.runtimes.tflite_micro import TfliteMicro
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np


class Vectors(Value):
    """Paths of `.npy` files in the file's own dtypes, one an input and one an output, with a row a sample."""

    runtime: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def take(model: Path, reference: Session, samples: Samples, out: Path) -> Vectors | Refused:
    """Run samples on tflite_micro and keep two; `reference` knows how real values become stored ones."""
    import numpy as np

    micro = TfliteMicro()
    session = micro.open(model)
    if isinstance(session, Refused):
        return session
    blocks = blocks_of(samples, reference)
    answers = [session.run(block) for block in blocks]
    chosen = [0, *_other(answers)]
    out.mkdir(parents=True, exist_ok=True)
    paths: dict[str, list[str]] = {"input": [], "output": []}
    for side, found in (("input", blocks), ("output", answers)):
        for place in range(len(found[0])):
            path = out / f"{side}_{place}.npy"
            np.save(path, np.stack([found[index][place] for index in chosen]))
            paths[side].append(str(path))
    return Vectors(runtime=micro.describe(), inputs=tuple(paths["input"]), outputs=tuple(paths["output"]))


def _other(answers: list[list[np.ndarray]]) -> list[int]:
    """The first sample that is answered otherwise than the first one: by another decision, else by other values."""

    def by_decision(mine: np.ndarray, theirs: np.ndarray) -> bool:
        return mine.size > 0 and int(mine.argmax()) != int(theirs.argmax())

    def by_value(mine: np.ndarray, theirs: np.ndarray) -> bool:
        return bool((mine != theirs).any())

    return _first(answers, by_decision) or _first(answers, by_value)


def _first(answers: list[list[np.ndarray]], differs: Callable[[np.ndarray, np.ndarray], bool]) -> list[int]:
    first = answers[0]
    return [
        index for index, answer in enumerate(answers) if any(differs(a, b) for a, b in zip(first, answer, strict=True))
    ][:1]
