"""How the speed changes when the model runs for minutes: medians over slices of the time, and the first compared with the last."""

from __future__ import annotations

import time
from typing import Any, Callable, Sequence

from .timing import Clock, Sample, Tick, quantile, timed

_A_MINUTE = 60.0
_SLICES_OF_MINUTES = 60
_SLICES_OF_LESS = 20


def sustained(
    invoke: Callable[[], None],
    minutes: float,
    temperature: Callable[[], Any],
    tick: Tick,
    clock: Clock = time.perf_counter_ns,
) -> dict[str, Any]:
    """Run for `minutes` without a pause: first minute against last; in less than two minutes, first fifth against last.

    The temperature is read between slices.
    """
    whole = minutes * 60.0
    by_minute = whole >= 2 * _A_MINUTE
    window = _A_MINUTE if by_minute else whole / 5
    count = _SLICES_OF_MINUTES if by_minute else _SLICES_OF_LESS
    length = min(whole / count, window)
    began = clock()
    slices: list[dict[str, Any]] = []
    kept: dict[int, Sequence[int]] = {}
    while True:
        start = (clock() - began) / 1e9
        if slices and start >= whole - length / 100:
            break
        sample, seconds = timed(
            invoke, runs=1, seconds=min(length, whole - start), longest=length, tick=lambda share: None, clock=clock
        )
        slices.append(
            {
                "start_s": round(start, 3),
                "seconds": round(seconds, 6),
                "runs": sample.runs,
                "median_ms": quantile(sorted(sample.kept), 0.5) / 1e6,
                "per_s": sample.runs / seconds,
                "temperature_c": temperature(),
            }
        )
        kept[len(slices) - 1] = _thinned(sample)
        _forget(kept, slices, window)
        tick(min(1.0, start / whole))
    ended = slices[-1]["start_s"] + slices[-1]["seconds"]
    name = "minute" if by_minute else "fifth"
    first = [place for place, part in enumerate(slices) if part["start_s"] < window - length / 2]
    last = [place for place, part in enumerate(slices) if part["start_s"] >= ended - window - length / 2]
    begin = _window("first " + name, slices, kept, first or [0])
    end = _window("last " + name, slices, kept, last or [len(slices) - 1])
    return {
        "minutes": minutes,
        "seconds": ended,
        "runs": sum(part["runs"] for part in slices),
        "first": begin,
        "last": end,
        "change": end["median_ms"] / begin["median_ms"] - 1.0 if begin["median_ms"] else 0.0,
        "slices": slices,
    }


def _thinned(sample: Sample, most: int = 20_000) -> Sequence[int]:
    """At most `most` of a slice's durations, evenly chosen: an hour of a small model has millions."""
    return sample.kept[:: -(-len(sample.kept) // most)]


def _forget(kept: dict[int, Sequence[int]], slices: list[dict[str, Any]], window: float) -> None:
    """Drop the durations of slices that are no longer in the first window and will never be in the last one."""
    now = slices[-1]["start_s"]
    for place in list(kept):
        if window <= slices[place]["start_s"] < now - 2 * window:
            del kept[place]


def _window(
    name: str, slices: list[dict[str, Any]], kept: dict[int, Sequence[int]], places: list[int]
) -> dict[str, Any]:
    seconds = sum(slices[place]["seconds"] for place in places)
    runs = sum(slices[place]["runs"] for place in places)
    durations = sorted(duration for place in places for duration in kept[place])
    return {
        "what": name,
        "seconds": seconds,
        "runs": runs,
        "median_ms": quantile(durations, 0.5) / 1e6,
        "per_s": runs / seconds,
    }
