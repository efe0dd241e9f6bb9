"""Images per second of the evaluation and of a one-image single-thread loop, in pairs, for the benchmark table.

Start-up is excluded on both sides: sessions are open and checked before the clock starts, and the inputs are in the
model's dtype. The loop sets inputs, invokes, and keeps the raw output; the evaluation also dequantizes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from edgekit.measure.runtimes.interface import Refused, Runtime
from edgekit.measure.runtimes.predict import Engine, engines, first_outputs, one_at_a_time
from edgekit.measure.runtimes.samples import Samples, to_float
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np


class Throughput(Value):
    """Images per second of both loops, pair by pair, and the median of their ratios.

    `identical` says whether every output of every run was bit-identical to the loop's.
    """

    how: str
    samples: int
    loop: tuple[float, ...]
    evaluation: tuple[float, ...]
    ratio: float
    image_us: float
    identical: bool


def throughput(
    runtime: Runtime, model: Path, samples: Samples, *, cores: int, count: int = 2000, pairs: int = 5
) -> Throughput | Refused:
    """Measure both loops in turn over the same `count` prepared samples; of the evaluation, the fastest way."""
    import numpy as np

    held = samples.prepare(count)
    reference = first_outputs(runtime, model, held)
    if isinstance(reference, Refused):
        return reference
    session = runtime.open(model, shapes=held.shapes(1), threads=1)
    found = engines(runtime, model, held, cores, reference)
    if isinstance(session, Refused) or not found:
        return Refused(reason="it does not give the same outputs twice")
    outputs = [np.zeros((count, *array.shape[1:]), np.float32) for array in reference]
    engine = _fastest(found, held, outputs, count)
    loop, evaluation, identical = [], [], True
    for _ in range(pairs):
        began = time.perf_counter()
        known = one_at_a_time(session, held, 0, count)
        between = time.perf_counter()
        engine.run(held, outputs, 0, count, _quiet)
        loop.append(count / (between - began))
        evaluation.append(count / (time.perf_counter() - between))
        identical &= all(
            np.array_equal(to_float(array, port), made)
            for array, port, made in zip(known, session.outputs, outputs, strict=True)
        )
    return Throughput(
        how=str(engine.way),
        samples=count,
        loop=tuple(loop),
        evaluation=tuple(evaluation),
        ratio=median(fast / slow for fast, slow in zip(evaluation, loop, strict=True)),
        image_us=1e6 / median(loop),
        identical=identical,
    )


def _fastest(found: Sequence[Engine], held: Samples, outputs: Sequence[np.ndarray], count: int) -> Engine:
    """The way with the best of three runs; the ways run in turn."""
    best = dict.fromkeys(range(len(found)), float("inf"))
    for _ in range(3):
        for index, engine in enumerate(found):
            began = time.perf_counter()
            engine.run(held, outputs, 0, count, _quiet)
            best[index] = min(best[index], time.perf_counter() - began)
    return found[min(best, key=lambda index: best[index])]


def _quiet(rows: int) -> None:
    """No progress while the clock runs."""
