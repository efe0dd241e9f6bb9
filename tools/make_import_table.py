"""Makes docs/onnx_models.md: which models in ONNX are imported, how near they are, and what each technique makes of them.

    python tools/make_import_table.py --models DIR       every model, then the page
    python tools/make_import_table.py --only 'own/*'     models whose group/name matches; no page
    python tools/make_import_table.py --page             the page from the results so far
    python tools/make_import_table.py --models DIR --counts   what the page counts, anew for the results so far

DIR holds `.onnx` and `.pt2` files of others, and a `sizes.json` for what the table's own does not have; the page says how they are got. Results go to
a JSON file after each model, so that an interrupted run goes on; `--again` makes them anew. It needs the `onnx` extra.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT)]  # the code of this checkout, in the children too

import import_table  # noqa: E402 - its folder comes first
from coverage_table.bench import Bench  # noqa: E402
from coverage_table.cells import RowResult  # noqa: E402
from coverage_table.results import Results  # noqa: E402
from coverage_table.rows import matching  # noqa: E402
from import_table.page import page  # noqa: E402
from import_table.row import counted, run_source  # noqa: E402
from import_table.sources import Source, sources  # noqa: E402

from edgekit.errors import EdgekitError  # noqa: E402

RENEWED_AFTER_S = 60.0
"""After a model that took longer, the children begin anew: TensorFlow keeps memory of every model."""
PAGE, RESULTS = ROOT / "docs" / "onnx_models.md", ROOT / "build" / "onnx_models.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; the exit code is 1 where a cell is a defect."""
    options = _options(arguments)
    listed = sources(options.models)
    results = Results(options.results, Path(import_table.__file__).parent)
    wanted = [one for one in listed if matching(one.path, options.only)]
    if options.counts:
        _count([one for one in wanted if one.path in results.all()], results)
    elif not options.page:
        _run([one for one in wanted if options.again or results.find(one.path) is None], results)
    known = results.all()
    if not options.only:
        listed_paths = [one.path for one in listed]
        others = sorted(path for path in known if path not in listed_paths)
        missing = [path for path in listed_paths if path not in known]
        PAGE.write_text(
            page([known[path] for path in (*listed_paths, *others) if path in known], missing), encoding="utf-8"
        )
    found = [known[one.path] for one in wanted if one.path in known]
    return int(any(cell.word == "defect" for one in found for cell in one.cells.values()))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", type=Path, metavar="DIR", help="a folder with .onnx and .pt2 files of others")
    add("--only", action="append", default=[], metavar="PATTERN", help="models whose group/name has this in it")
    add("--again", action="store_true", help="make the rows anew")
    add("--page", action="store_true", help="write the page from the results so far, whatever code made them")
    add("--counts", action="store_true", help="count the operators anew for the results so far; nothing is tried")
    add("--results", type=Path, default=RESULTS, metavar="FILE", help="the results (build/onnx_models.json)")
    return parser.parse_args(arguments)


def _run(wanted: list[Source], results: Results) -> None:
    threads = str(os.cpu_count() or 1)
    os.environ.update(TF_NUM_INTRAOP_THREADS=threads, TF_NUM_INTEROP_THREADS=threads)  # the children's
    with Bench(makes_models=False) as bench:
        for number, source in enumerate(wanted, start=1):
            result = run_source(bench, source)
            results.keep(result)
            print(
                f"{number}/{len(wanted)} {source.path}, {result.seconds:g} s: {_words(result)}",
                file=sys.stderr,
                flush=True,
            )
            if result.seconds > RENEWED_AFTER_S:
                bench.renew()


def _count(wanted: list[Source], results: Results) -> None:
    with Bench(makes_models=False) as bench:
        for source in wanted:
            known = results.all()[source.path]
            try:
                counts = counted(bench, source)
            except EdgekitError as problem:
                print(f"{source.path}: {problem}", file=sys.stderr, flush=True)
                continue
            results.keep(msgspec.structs.replace(known, counts=counts))
            print(f"{source.path}: {counts}", file=sys.stderr, flush=True)


def _words(result: RowResult) -> str:
    cells = ", ".join(f"{column} {cell.word}" for column, cell in result.cells.items())
    return f"{cells}; {result.counts}"


if __name__ == "__main__":
    sys.exit(main())
