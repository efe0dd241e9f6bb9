"""One row: its model made, loaded, and tried in every column. What fails is a cell, and never the end of a run."""

from __future__ import annotations

import time

from coverage_table.bench import Bench
from coverage_table.cells import COLUMNS, NOT_RUN, WORKS, Cell, RowResult, defect, in_part
from coverage_table.rows import Row
from coverage_table.trials import Trials, said
from edgekit.documents.facts import ModelFacts
from edgekit.errors import EdgekitError
from edgekit.jobs.cache import digest_of
from edgekit.jobs.worker import TrialFailed

NOT_OPENED = "the model cannot be loaded"


def run_row(bench: Bench, row: Row, like: RowResult | None = None) -> RowResult:
    """Every cell of a row; what fails is a cell. Most cells of `like` are taken where both models have the same layers."""
    graph, started, cells = "", time.monotonic(), dict.fromkeys(COLUMNS, NOT_RUN)
    try:
        with bench.made(row) as (made, cache):
            try:
                opened = bench.opened(made, cache)
            except EdgekitError as problem:
                why = bench.unreadable(row, made)
                told = f"{row.path}: its own Keras does not read the file that it saved: {why}"
                cells["loads"] = Cell(word="not run", note=told) if why else _refused(problem)
            else:
                closed = ", ".join(opened.facts.closed)
                cells["loads"] = in_part(f"kept closed, as one operation each: {closed}") if closed else WORKS
                graph = graph_of(opened.facts)
                known = like.cells if like is not None and like.graph == graph else {}
                trials = Trials(bench, made, bench.materials(made, cache, opened), half=row.half, jumps=row.jumps)
                trials.fill(cells, known)
    except TrialFailed as problem:
        cells["loads"] = Cell(word="not run", note=problem.reason)
    except Exception as problem:  # whatever a table of all models finds
        cells["agrees"] = defect("exception", said(problem))
    return RowResult(path=row.path, cells=cells, seconds=round(time.monotonic() - started, 1), graph=graph)


def graph_of(facts: ModelFacts) -> str:
    """A hash of a model's layers: kinds, shapes, kernels, activations and connections, but no names."""
    places = {layer.name: place for place, layer in enumerate(facts.layers)}
    layers = [
        [
            one.kind,
            one.output_shape,
            one.kernel,
            one.activation,
            one.parameters,
            [places.get(name) for name in one.inputs],
        ]
        for one in facts.layers
    ]
    return digest_of([layers, [tensor.shape for tensor in (*facts.inputs, *facts.outputs)]])


def _refused(problem: EdgekitError) -> Cell:
    """The cell of a model that does not load. Each of the table's can be called, so that no reason to refuse it is a good one."""
    return defect("exception" if problem.what == NOT_OPENED else "refused", said(problem))
