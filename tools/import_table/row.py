"""One row: a model imported as a build imports it, and tried in every column. What fails is a cell, and never the end of a run."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from coverage_table.bench import Bench, Made, settings_of
from coverage_table.cells import NOT_RUN, WORKS, Cell, RowResult, declined, defect
from coverage_table.trials import BASELINE, Trials, said

from edgekit.documents.facts import ModelFacts
from edgekit.errors import EdgekitError, MissingExtraError, RefusedOperators
from edgekit.ingest.materials import Materials
from edgekit.jobs.cache import Cache
from edgekit.jobs.worker import TrialFailed
from edgekit.onnx_file.outline import is_onnx, read_outline
from edgekit.progress import no_progress
from edgekit.tflite.reader import read_tflite
from import_table.samples import apart, samples
from import_table.sources import Source

TECHNIQUES = ("int8", "quantization-aware", "pruning", "structured pruning")
COLUMNS = ("imports", "agrees", *TECHNIQUES)
TRANSPOSES, CONVOLUTIONS = "transposes", "convolutions"
MACS, SPATIAL_MACS = "macs", "macs of convolutions"
"""Multiply-accumulates of the float32 file."""
SPATIAL = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "CONV_3D")
EXPECTED_WITHIN = 1e-3
"""What the runner of ONNX's own tests allows."""


class ImportTrials(Trials):
    """The trials of an imported model. Its agreement with onnxruntime is known once it is opened; the makers' outputs are compared here."""

    def __init__(self, bench: Bench, made: Made, materials: Materials, expected: tuple[Path, ...]) -> None:
        super().__init__(bench, made, materials)
        self._expected = expected

    def _agrees(self, known: Cell | None) -> Cell:
        facts, words = self._materials.model.facts, []
        told = " ".join(facts.notes)
        if found := re.search(r"relative error ([\d.e+-]+)", told):
            words.append(f"{float(found[1]):.0e}")
        if self._expected:
            answers = self._trained_answers(Path(self._materials.model.folder), ())
            error = apart(answers, facts.outputs, self._expected)
            if not error <= EXPECTED_WITHIN:
                return defect("no agreement", f"a relative error of {error:.1g} from the outputs that its makers give")
            words.append(f"its makers' outputs {error:.0e}")
        file = self._alone(BASELINE)
        return file if file.word != "works" else msgspec.structs.replace(file, note=", ".join(words))

    def counts(self) -> dict[str, int]:
        """What the float32 file has of some operators; empty where there is none."""
        found = [one for one in self._proposals if not one.training and one.conversion.name == BASELINE]
        try:
            file = self._maker.make(found[0], no_progress, None)
        except (TrialFailed, EdgekitError):
            return {}
        tflite = read_tflite(file.tflite)
        spatial = [one for one in tflite.operators if one.name in SPATIAL]
        return {
            TRANSPOSES: sum(one.name == "TRANSPOSE" for one in tflite.operators), CONVOLUTIONS: len(spatial),
            MACS: tflite.macs, SPATIAL_MACS: sum(one.macs for one in spatial),
        }  # fmt: skip


def run_source(bench: Bench, source: Source) -> RowResult:
    """Every cell of a model."""
    started, cells, counts = time.monotonic(), dict.fromkeys(COLUMNS, NOT_RUN), dict[str, int]()
    try:
        with bench.scratch() as (folder, cache):
            file = source.put(folder)
            counts = declared_counts(file)
            trials = _imported(bench, file, source, cache)
            cells["imports"] = WORKS
            trials.fill(cells, columns=COLUMNS[1:] if source.judged is None else COLUMNS[1:2])
            counts |= trials.counts()
        if source.judged is not None:
            _judge(bench, source, source.judged, cells)
    except MissingExtraError as problem:
        cells["imports"] = Cell(word="not run", note=said(problem))
    except RefusedOperators as problem:
        cells["imports"] = declined(said(problem))
    except EdgekitError as problem:
        cells["imports"] = defect("refused", said(problem))
    except Exception as problem:  # whatever a table of other people's models finds
        column = "agrees" if cells["imports"] is WORKS else "imports"
        cells[column] = defect("exception", said(problem))
    return RowResult(path=source.path, cells=cells, seconds=round(time.monotonic() - started, 1), counts=counts)


def counted(bench: Bench, source: Source) -> dict[str, int]:
    """What is counted of a model, with nothing tried; raises what opening it raises."""
    with bench.scratch() as (folder, cache):
        file = source.put(folder)
        return declared_counts(file) | _imported(bench, file, source, cache).counts()


def _judge(bench: Bench, source: Source, put: Callable[[Path], Path], cells: dict[str, Cell]) -> None:
    """The cells of techniques, by the network with other weights, whose outputs its makers do not know."""
    with bench.scratch() as (folder, cache):
        trials = _imported(bench, put(folder), dataclasses.replace(source, expected=()), cache)
        trials.fill(cells, columns=TECHNIQUES)


def declared_counts(file: Path) -> dict[str, int]:
    """The convolutions that an ONNX file has, in subgraphs too: all that is known of a model that is refused."""
    if not is_onnx(file):
        return {}
    operators = read_outline(file).operators
    return {CONVOLUTIONS: operators.get("Conv", 0) + operators.get("ConvTranspose", 0)}


def _imported(bench: Bench, file: Path, source: Source, cache: Cache) -> ImportTrials:
    """The model opened, with data and with its own answers as targets; raises what opening it raises."""
    made = Made(folder=file.parent, settings=settings_of(file, held=source.held), inputs=None, outputs=None)
    opened = bench.opened(made, cache, source.sizes)
    made = dataclasses.replace(made, inputs=_one_or_several(samples(opened.facts.inputs, first=bool(source.expected))))
    made = dataclasses.replace(made, outputs=_one_or_several(_zeros(opened.facts)))
    answers = bench.keras_answers(Path(opened.folder), (), bench.materials(made, cache, opened))
    made = dataclasses.replace(made, outputs=_one_or_several(answers))
    return ImportTrials(bench, made, bench.materials(made, cache, opened), source.expected)


def _zeros(facts: ModelFacts) -> list[np.ndarray]:
    count = samples(facts.inputs, first=False)[0].shape[0]
    return [np.zeros((count, *(size or 1 for size in one.shape)), np.float32) for one in facts.outputs]


def _one_or_several(arrays: list[np.ndarray]) -> object:
    return arrays[0] if len(arrays) == 1 else tuple(arrays)
