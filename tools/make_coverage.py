"""Makes docs/coverage.md: which models load, and what each technique makes of them.

    python tools/make_coverage.py                      every row, then the page
    python tools/make_coverage.py --only 'Mobile*'     rows whose path matches; no page
    python tools/make_coverage.py --quick              the subset that the tests run; no page
    python tools/make_coverage.py --page               the page from the results so far

Results go to a JSON file after each row. Rows that the same code has made are taken from there, so that an interrupted run
goes on; `--again` makes them anew. One row runs at a time, in three warm children; a crash is a cell.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools")] * (str(ROOT / "tools") not in sys.path)

from coverage_table.bench import Bench  # noqa: E402 - the folder comes first
from coverage_table.columns import RowResult, run_row  # noqa: E402
from coverage_table.page import page  # noqa: E402
from coverage_table.results import Results  # noqa: E402
from coverage_table.rows import Row, all_rows, chosen  # noqa: E402

PAGE, RESULTS = ROOT / "docs" / "coverage.md", ROOT / "build" / "coverage.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; the exit code is 1 where a cell is a defect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="rows whose group/name has this")
    parser.add_argument("--quick", action="store_true", help="the subset that the tests run")
    parser.add_argument("--again", action="store_true", help="make the rows anew")
    parser.add_argument(
        "--page", action="store_true", help="write the page from the results so far, whatever code made them"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FILE", help="the results (build/coverage.json)"
    )
    options = parser.parse_args(arguments)
    rows, results = all_rows(), Results(options.results)
    wanted = chosen(rows, options.only, quick=options.quick)
    if not options.page:
        _run([row for row in wanted if options.again or results.find(row.path) is None], results)
    if not options.only and not options.quick:
        PAGE.write_text(page(rows, results.all()), encoding="utf-8")
    found = [results.all().get(row.path) for row in wanted]
    return int(any(cell.word == "defect" for one in found if one is not None for cell in one.cells.values()))


def _run(rows: list[Row], results: Results) -> None:
    with Bench() as bench:
        for count, row in enumerate(rows, start=1):
            _say(f"{count}/{len(rows)} {row.path}")
            result = run_row(bench, row, lambda column: None)
            results.keep(result)
            _say(f"    {result.seconds:g} s: {_words(result)}")


def _words(result: RowResult) -> str:
    return ", ".join(f"{column} {cell.word}" for column, cell in result.cells.items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
