"""How long work takes that a count bounds, at its bound and far beyond it: a table of docs/benchmarks.md.

    python tools/benchmark_bounds.py

The tests assert the counts. Whether a bound is well chosen only a clock can tell.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from edgekit.diff.alignment import MOST_CELLS, align
from edgekit.emit.html.scatter import Point, scatter

RUNS = 5


def main() -> None:
    """Print the table."""
    side = int(MOST_CELLS**0.5)
    rows = {
        f"`compare`: {side:,} operators against {side:,}, by score": lambda: _aligned(side),
        f"`compare`: {20 * side:,} operators against {20 * side:,}, by place": lambda: _aligned(20 * side),
        "the report's picture of 60 candidates": lambda: _drawn(60),
        "the report's picture of 3,000 candidates": lambda: _drawn(3000),
    }
    lines = ["| work | milliseconds, the median of five |", "|---|---:|"]
    lines += [f"| {title} | {1e3 * _seconds(work):.0f} |" for title, work in rows.items()]
    sys.stdout.write("\n".join([*lines, ""]))


def _aligned(count: int) -> None:
    """Two models without a common start or end."""
    align([("ADD", str(i % 7)) for i in range(1, count + 1)], [("ADD", str(i % 5)) for i in range(count)])


def _drawn(count: int) -> None:
    points = [
        Point(number=n, name=f"c{n}", kind="pass", size=n % 71, accuracy=n % 53, front=False)
        for n in range(1, count + 1)
    ]
    scatter(points, width=720, height=360, size_unit="B", accuracy_unit="%")


def _seconds(work: Callable[[], None]) -> float:
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[RUNS // 2]


if __name__ == "__main__":
    main()
