"""Makes docs/coverage.md: which models load, and what each technique makes of them.

    python tools/make_coverage.py                      every row, then the page
    python tools/make_coverage.py --only 'Mobile*'     rows whose path matches; no page
    python tools/make_coverage.py --quick              the subset that the tests run; no page
    python tools/make_coverage.py --page               the page from the results so far

Results go to a JSON file after each row. Rows that the same code has made are taken from there, so that an interrupted run
goes on; `--again` makes them anew. A row runs in three warm children, so that a crash is a cell; `--workers 3` is for a machine
with two cores and 24 GB that does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT)]  # the code of this checkout, in the children too

from coverage_table.bench import Bench  # noqa: E402 - its folder comes first
from coverage_table.cells import RowResult  # noqa: E402
from coverage_table.columns import run_row  # noqa: E402
from coverage_table.page import page  # noqa: E402
from coverage_table.results import Results  # noqa: E402
from coverage_table.rows import Row, all_rows, chosen, waves  # noqa: E402

RENEWED_BELOW = 0.55
"""Where a row leaves less than this share of the machine's memory, its children begin anew: TensorFlow keeps memory of every model."""
PAGE, RESULTS = ROOT / "docs" / "coverage.md", ROOT / "build" / "coverage.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; the exit code is 1 where a cell is a defect."""
    options, rows = _options(arguments), all_rows()
    results, wanted = Results(options.results), chosen(rows, options.only, quick=options.quick)
    if not options.page:
        _run([row for row in wanted if options.again or results.find(row.path) is None], results, options.workers)
    if not options.only and not options.quick:
        PAGE.write_text(page(rows, results.all()), encoding="utf-8")
    found = [results.all().get(row.path) for row in wanted]
    return int(any(cell.word == "defect" for one in found if one is not None for cell in one.cells.values()))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", action="append", default=[], metavar="PATTERN", help="rows whose group/name has this in it")
    add("--quick", action="store_true", help="the subset that the tests run")
    add("--again", action="store_true", help="make the rows anew")
    add("--page", action="store_true", help="write the page from the results so far, whatever code made them")
    add("--workers", type=int, default=1, metavar="N", help="rows at once, each with children of its own (1)")
    add("--results", type=Path, default=RESULTS, metavar="FILE", help="the results (build/coverage.json)")
    return parser.parse_args(arguments)


def _run(rows: list[Row], results: Results, workers: int) -> None:
    """Run rows, those that may be like others after them."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    os.environ.update(TF_NUM_INTRAOP_THREADS=str(threads), TF_NUM_INTEROP_THREADS=str(threads))  # the children's
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    count = itertools.count(1)

    def one(row: Row) -> None:
        bench = benches.get()
        try:
            result = run_row(bench, row, None if row.like is None else results.find(row.like))
            if _memory_left() < RENEWED_BELOW:
                bench.renew()
        finally:
            benches.put(bench)
        results.keep(result)
        _say(f"{next(count)}/{len(rows)} {row.path}, {result.seconds:g} s: {_words(result)}")

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(workers) as executor:
        for _ in range(workers):
            benches.put(stack.enter_context(Bench()))
        for wave in waves(rows):
            list(executor.map(one, wave))


def _memory_left() -> float:
    memory = psutil.virtual_memory()
    return float(memory.available / memory.total)


def _words(result: RowResult) -> str:
    return ", ".join(f"{column} {cell.word}" for column, cell in result.cells.items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
