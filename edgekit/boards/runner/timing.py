"""How long one inference takes: warm-up until it is steady, then many timed one by one.

One inference is the interpreter's `invoke` with the inputs already set, as the runtime's own benchmarks count it.
Nothing else is done between the two readings of the clock.
"""

from __future__ import annotations

import gc
import time
from array import array
from typing import Any, Callable, Sequence

STEADY_SHARE = 0.05
LEAST_RUNS = 5
MOST_RAW = 20_000
_WINDOW_RUNS = 5
_WINDOW_NS = 100_000_000
_SLOW_WINDOW_NS = 1_000_000_000
_WARM_UP_NS = 5_000_000_000
_MOST_KEPT = 1 << 20
_TICK_NS = 500_000_000

Clock = Callable[[], int]
Tick = Callable[[float], None]


class Sample:
    """Durations in nanoseconds, in order: all of the first million, then every second, every fourth, and so on."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self.kept = array("q")
        self.runs = 0
        self.every = 1
        self._most = most

    def add(self, duration: int) -> None:
        if self.runs % self.every == 0:
            if len(self.kept) == self._most:
                self.kept = self.kept[::2]
                self.every *= 2
            if self.runs % self.every == 0:
                self.kept.append(duration)
        self.runs += 1


def timed(
    invoke: Callable[[], None],
    *,
    runs: int,
    seconds: float,
    longest: float,
    tick: Tick,
    clock: Clock = time.perf_counter_ns,
) -> tuple[Sample, float]:
    """At least `runs` and `seconds`, at most `longest` (but always a few runs): the durations, and the total seconds.

    `tick` gets the share that is done, twice a second, between two inferences. The garbage collector is paused.
    """
    sample = Sample()
    add = sample.add
    enough = int(seconds * 1e9)
    most = int(longest * 1e9)
    collected = gc.isenabled()
    gc.disable()
    try:
        began = ticked = clock()
        while True:
            before = clock()
            invoke()
            after = clock()
            add(after - before)
            spent = after - began
            if spent >= enough and sample.runs >= runs:
                break
            if spent >= most and sample.runs >= LEAST_RUNS:
                break
            if after - ticked >= _TICK_NS:
                ticked = after
                tick(max(spent / most, min(spent / max(enough, 1), sample.runs / runs)))
    finally:
        if collected:
            gc.enable()
    return sample, (clock() - began) / 1e9


def warm_up(
    invoke: Callable[[], None], *, longest: float, tick: Tick, clock: Clock = time.perf_counter_ns
) -> tuple[bool, int, float]:
    """Run until two stretches agree within five percent; returns whether they did, the number of runs, and milliseconds.

    A stretch is at least five runs and a tenth of a second, for raising the clock takes tens of milliseconds. With a slow
    model it is as many runs as fit into a second, at least one.
    """
    limit = min(_WARM_UP_NS, int(longest * 1e9))
    began = clock()
    runs = 0
    before = None
    while True:
        stretch: list[int] = []
        opened = clock()
        passed = 0
        while passed < _SLOW_WINDOW_NS and (len(stretch) < _WINDOW_RUNS or passed < _WINDOW_NS):
            start = clock()
            invoke()
            stretch.append(clock() - start)
            passed = clock() - opened
        runs += len(stretch)
        now = quantile(sorted(stretch), 0.5)
        spent = clock() - began
        settled = before is not None and abs(now - before) <= STEADY_SHARE * before
        if settled or (before is not None and spent >= limit):
            return settled, runs, spent / 1e6
        before = now
        tick(min(1.0, spent / limit))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of sorted values lies, interpolated linearly between two of them.

    >>> quantile([1, 2, 3, 4], 0.5)
    2.5
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def drift(durations: Sequence[int]) -> float:
    """The median of the last third compared with that of the first, as a share; 0 if there are fewer than six."""
    third = len(durations) // 3
    if third < 2:
        return 0.0
    first = quantile(sorted(durations[:third]), 0.5)
    last = quantile(sorted(durations[-third:]), 0.5)
    return last / first - 1.0 if first else 0.0


def summary(sample: Sample, timed_s: float, warm: tuple[bool, int, float]) -> dict[str, Any]:
    """The latency of the document, in milliseconds."""
    settled, warm_up_runs, warm_up_ms = warm
    ordered = sorted(sample.kept)
    points = {
        name: quantile(ordered, share) / 1e6 for name, share in (("10", 0.1), ("50", 0.5), ("90", 0.9), ("99", 0.99))
    }
    stride = -(-len(sample.kept) // MOST_RAW)
    return {
        "min_ms": ordered[0] / 1e6,
        "median_ms": points["50"],
        "mean_ms": sum(ordered) / len(ordered) / 1e6,
        "p10_ms": points["10"],
        "p90_ms": points["90"],
        "p99_ms": points["99"],
        "spread": (points["90"] - points["10"]) / points["50"] if points["50"] else 0.0,
        "runs": sample.runs,
        "steady": settled and abs(drift(sample.kept)) <= STEADY_SHARE,
        "warm_up_runs": warm_up_runs,
        "warm_up_ms": round(warm_up_ms, 3),
        "timed_s": round(timed_s, 6),
        "runs_ms": [round(duration / 1e6, 6) for duration in sample.kept[::stride]],
        "runs_ms_every": sample.every * stride,
    }
