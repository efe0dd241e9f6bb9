"""Test vectors for a firmware: samples as the model takes them, with the answers of the microcontroller's interpreter.

A board that gives the same answers has the right model, operators, arena and arithmetic. If possible there are two samples
with different answers: one alone would also pass with an output that never changes. Of all samples run, those are taken
whose outputs have the most distinct values: a saturated decision may be the same even with a wrong weight.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.measure.runtimes.interface import Refused, Session
from edgekit.measure.runtimes.micro import blocks_of
from edgekit.measure.runtimes.samples import Samples
from edgekit.measure.runtimes.tflite_micro import TfliteMicro
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np


class Vectors(Value):
    """Paths of `.npy` files in the file's own dtypes, one an input and one an output, with a row a sample."""

    runtime: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def take(model: Path, reference: Session, samples: Samples, out: Path) -> Vectors | Refused:
    """Run samples on tflite_micro and keep two; `reference` converts real values to stored ones."""
    import numpy as np

    micro = TfliteMicro()
    session = micro.open(model)
    if isinstance(session, Refused):
        return session
    blocks = blocks_of(samples, reference)
    answers = [session.run(block) for block in blocks]
    chosen = _chosen(answers)
    out.mkdir(parents=True, exist_ok=True)
    paths: dict[str, list[str]] = {"input": [], "output": []}
    for side, found in (("input", blocks), ("output", answers)):
        for place in range(len(found[0])):
            path = out / f"{side}_{place}.npy"
            np.save(path, np.stack([found[index][place] for index in chosen]))
            paths[side].append(str(path))
    return Vectors(runtime=micro.describe(), inputs=tuple(paths["input"]), outputs=tuple(paths["output"]))


def _chosen(answers: list[list[np.ndarray]]) -> list[int]:
    """The answer that tells most, and the one that tells most of those that differ from it: in decision, else in values."""
    order = sorted(range(len(answers)), key=lambda index: -_distinct_values(answers[index]))
    first = answers[order[0]]

    def by_decision(mine: np.ndarray, theirs: np.ndarray) -> bool:
        return mine.size > 0 and int(mine.argmax()) != int(theirs.argmax())

    def by_value(mine: np.ndarray, theirs: np.ndarray) -> bool:
        return bool((mine != theirs).any())

    return [order[0], *(_first(answers, order, first, by_decision) or _first(answers, order, first, by_value))]


def _distinct_values(answer: list[np.ndarray]) -> int:
    """How many distinct values the outputs have: an answer with only extreme values may also come from wrong weights."""
    import numpy as np

    return sum(len(np.unique(array)) for array in answer)


def _first(
    answers: list[list[np.ndarray]],
    order: list[int],
    first: list[np.ndarray],
    differs: Callable[[np.ndarray, np.ndarray], bool],
) -> list[int]:
    return [index for index in order if any(differs(a, b) for a, b in zip(first, answers[index], strict=True))][:1]
