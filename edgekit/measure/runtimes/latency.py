"""How long one inference takes on this machine: warm-up until it is steady, then the median of many.

One inference is `invoke` at batch 1 with the inputs already set, as TFLite's own benchmark counts it.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from edgekit.measure.runtimes.interface import Refused, Runtime, Session
from edgekit.measure.runtimes.samples import random_inputs
from edgekit.progress import Progress
from edgekit.values import Value

LEAST_RUNS = 50
LEAST_SECONDS = 0.5
MOST_SECONDS = 10.0
WARM_UP_SECONDS = 2.0
STEADY_SHARE = 0.05
_WINDOW = 10


class Latency(Value):
    """Milliseconds of one inference: median, 10th and 90th percentile, of `runs` after the warm-up.

    `steady` says whether two stretches of the warm-up agreed within five percent before it ran out of time.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    first_ms: float
    runs: int
    steady: bool


def latency(runtime: Runtime, model: Path, *, threads: int, progress: Progress) -> Latency | Refused:
    """Time a model; inputs are random within the dtype's range and seeded, since zeros might be faster."""
    session = runtime.open(model, threads=threads)
    if isinstance(session, Refused):
        return session
    began = time.perf_counter()
    session.run(random_inputs(session.inputs, seed=0))
    first_ms = (time.perf_counter() - began) * 1e3
    steady = _warm_up(session)
    times: list[float] = []
    began = time.perf_counter()
    while True:
        times.append(_once(session))
        spent = time.perf_counter() - began
        enough = len(times) >= LEAST_RUNS and spent >= LEAST_SECONDS
        if enough or (spent >= MOST_SECONDS and len(times) >= 5):
            break
        progress("timing", min(len(times), LEAST_RUNS - 1), LEAST_RUNS)
    progress("timing", LEAST_RUNS, LEAST_RUNS)
    ordered = sorted(times)
    return Latency(
        median_ms=median(ordered) * 1e3,
        p10_ms=ordered[int(0.1 * (len(ordered) - 1))] * 1e3,
        p90_ms=ordered[int(0.9 * (len(ordered) - 1))] * 1e3,
        first_ms=first_ms,
        runs=len(times),
        steady=steady,
    )


def _once(session: Session) -> float:
    began = time.perf_counter()
    session.invoke()
    return time.perf_counter() - began


def _warm_up(session: Session) -> bool:
    deadline = time.perf_counter() + WARM_UP_SECONDS
    before = median(_once(session) for _ in range(_WINDOW))
    while time.perf_counter() < deadline:
        now = median(_once(session) for _ in range(_WINDOW))
        if abs(now - before) <= STEADY_SHARE * before:
            return True
        before = now
    return False
