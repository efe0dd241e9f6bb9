"""The trials of one row's model: the planner's candidates, made by the maker, run on LiteRT, and compared with the trained model."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np

from coverage_table.bench import Bench, Made, in_order, task_of
from coverage_table.cells import COLUMNS, CRASH, Cell, declined, defect, failed, in_part, left_out
from coverage_table.rounding import Agreed, allowed, apart
from edgekit.errors import EdgekitError
from edgekit.ingest.materials import Materials
from edgekit.jobs.worker import TrialFailed
from edgekit.make.maker import Made as MadeFile
from edgekit.make.maker import Maker
from edgekit.planner.candidates import candidates, chained, with_conversion
from edgekit.planner.proposal import Proposal
from edgekit.progress import no_progress
from edgekit.techniques.interface import Task
from edgekit.techniques.steps import TypedStep, published, training_of

CONVERSIONS = {"16x8": "int16x8", "float16": "float16", "dynamic range": "dynamic_range"}
CHAIN = ("quantization_aware", "pruning", "clustering")
TRAININGS = {
    "quantization-aware": "quantization_aware", "pruning": "pruning", "clustering": "clustering", "structured pruning": "structured_pruning",
}  # fmt: skip
FALLBACK, MIXED, BASELINE = "int8_float_fallback", "int8_mixed", "float32"
MADE = ("loads", "agrees")
"""The columns that are made for every row, also where its model has the layers of another row's: it is loaded, and held against its original."""
NO_KERNEL = (
    "Embedding",
    "LayerScale",
    "BatchNorm",
    "LayerNorm",
    "GroupNorm",
    "RMSNorm",
    "Normalization",
    "PReLU",
    "Rescaling",
)
"""Layers, by how their kind begins, whose weights are no kernel."""


class Trials:
    """The trials of one row's model. Each is made once, whatever asks for it.

    `half` says that the original computes in float16, `jumps` that the model has steps in it (see `Row`).
    """

    def __init__(
        self, bench: Bench, made: Made, materials: Materials, *, half: bool = False, jumps: bool = False
    ) -> None:
        self._bench, self._made, self._materials, self._half, self._jumps = bench, made, materials, half, jumps
        self._maker = Maker(materials)
        self._task: Task = task_of(made, materials.model.facts)
        self._proposals, refusals = candidates(self._task)
        self._answers: dict[Path, list[np.ndarray]] = {}
        self._reasons = {one.technique: one.reason for one in refusals}
        self._instead = self._first(FALLBACK)
        """The conversion that replaces int8 where that does not do."""

    def fill(
        self, cells: dict[str, Cell], known: Mapping[str, Cell] = MappingProxyType({}), columns: Sequence[str] = COLUMNS
    ) -> None:
        """Fill in every column behind "loads"; most of them from the cells of a model of the same layers, where those are known."""
        self._put(cells, "agrees", partial(self._agrees, known.get("agrees")))
        rest = [column for column in columns if column not in MADE]
        if known:
            cells.update({column: msgspec.structs.replace(known[column], copied=True, seconds=0.0) for column in rest})
            return
        if not rest:
            return
        self._put(cells, "int8", self._int8)
        fallback = cells["int8"].word == "in part"
        for column in rest:
            if column != "int8":
                self._put(cells, column, self._maker_of(column, fallback))

    def _maker_of(self, column: str, fallback: bool) -> Callable[[], Cell]:
        if column in CONVERSIONS:
            return partial(self._alone, CONVERSIONS[column])
        return (
            partial(self._trained, TRAININGS[column], fallback)
            if column in TRAININGS
            else partial(self._chain, fallback)
        )

    def _put(self, cells: dict[str, Cell], column: str, make: Callable[[], Cell]) -> None:
        started = time.monotonic()
        try:
            cell = make()
        except Exception as problem:  # the other columns are still tried
            cell = failed(said(problem))
        cells[column] = msgspec.structs.replace(cell, seconds=round(time.monotonic() - started, 1))

    def _agrees(self, known: Cell | None) -> Cell:
        """The loaded model against the original, then the float file against the loaded model, unless that is known."""
        facts = self._materials.model.facts
        loaded = self._trained_answers(Path(self._materials.model.folder), ())
        agreed = apart(in_order(self._made.outputs, facts), loaded)
        if not agreed.within(allowed("float16" if self._half else BASELINE, len(facts.layers))):
            return _far(agreed, "the loaded model and the original")
        return known or self._alone(BASELINE)

    def _alone(self, name: str) -> Cell:
        found = self._untrained(name)
        return self._tried(found[0]) if found else declined(self._reasons[name])

    def _untrained(self, name: str) -> list[Proposal]:
        """The candidates of a conversion alone, the smallest file first."""
        return [one for one in self._proposals if not one.training and one.conversion.name == name]

    def _first(self, name: str) -> TypedStep | None:
        return next((one.steps[-1] for one in self._untrained(name)), None)

    def _int8(self) -> Cell:
        """int8 throughout, else with the operators in float that have no integer kernel, else with those that rounding hurts most."""
        whole = self._alone("int8")
        if whole.word in ("works", "in part") or CRASH.search(whole.note):
            return whole
        for one in (*self._untrained(FALLBACK)[:1], *self._untrained(MIXED)):
            rest = self._tried(one)
            if rest.word in ("works", "in part"):
                self._instead = one.steps[-1]
                return in_part(f"with operators in float: {rest.note}; throughout: {whole.note}")
        return self._alone(FALLBACK) if whole.word == "declined" else whole

    def _trained(self, name: str, fallback: bool) -> Cell:
        """A training technique with the planner's conversion, or with the one that replaces it where the model needs that."""
        found = self._lightest(name)
        if found is None:
            return declined(self._reasons[name])
        return self._tried(self._replaced(found) if fallback else found)

    def _replaced(self, candidate: Proposal) -> Proposal:
        """The candidate with operators left in float, unless another rounding than that was simulated in its training."""
        last, step = candidate.training[-1], self._instead
        simulated, own = training_of(last).simulates, training_of(last).ends_in(last.settings)
        may = own is None and step is not None and (not simulated or step.technique.name in simulated)
        return with_conversion(self._task, candidate, step) if step is not None and may else candidate

    def _chain(self, fallback: bool) -> Cell:
        parts = [self._lightest(name) for name in CHAIN]
        missing = [self._reasons[name] for name, part in zip(CHAIN, parts, strict=True) if part is None]
        if missing:
            return declined(missing[0])
        whole = [
            one for one in chained(self._task, [part for part in parts if part]) if len(one.training) == len(CHAIN)
        ]
        if not whole:
            return declined("the planner makes no chain of them")
        return self._tried(self._replaced(whole[-1]) if fallback else whole[-1])

    def _lightest(self, name: str) -> Proposal | None:
        """The lightest candidate with one training technique; the heavier ones come first."""
        found = [
            one for one in self._proposals
            if len(one.training) == 1 and one.training[0].technique.name == name and one.conversion.packs is None
        ]  # fmt: skip
        return found[-1] if found else None

    def _trained_answers(self, model: Path, steps: Sequence[TypedStep]) -> list[np.ndarray]:
        if model not in self._answers:
            self._answers[model] = self._bench.keras_answers(model, published(steps), self._materials)
        return self._answers[model]

    def _tried(self, candidate: Proposal) -> Cell:
        """The candidate made, run and compared."""
        if candidate.unmet is not None:
            return declined(candidate.unmet)
        try:
            file = self._maker.make(candidate, no_progress, None)
        except (TrialFailed, EdgekitError) as problem:
            return failed(said(problem))
        reference = self._trained_answers(file.model, candidate.training)
        agreed = apart(reference, self._bench.run(file.tflite, self._materials.dataset), jumps=self._jumps)
        if not agreed.within(allowed(candidate.conversion.name, len(self._materials.model.facts.layers))):
            return _far(agreed, "the file and the model that it was made of")
        note = _part(file) or self._not_trained(candidate, file)
        return Cell(word="in part" if note else "works", note=note, signal_db=round(agreed.signal_db, 1))

    def _not_trained(self, candidate: Proposal, file: MadeFile) -> str:
        """The layers whose rounding is not simulated in training, where a candidate simulates it; empty where there are none."""
        if not any(step.technique.name == "quantization_aware" for step in candidate.training):
            return ""
        facts = self._materials.model.facts
        if facts.closed:
            return f"kept closed, and float in training: {', '.join(facts.closed)}"
        wanted = sum(layer.kernel is not None and not layer.kind.startswith(NO_KERNEL) for layer in facts.layers)
        counted = [int(found[1]) for one in file.evidence if (found := re.search(r"(\d+) kernels and", one))]
        return (
            f"{counted[0]} kernels simulate int8, of {wanted} layers with one"
            if counted and counted[0] < wanted
            else ""
        )


def _part(file: MadeFile) -> str:
    """The evidence that counts some layers out, or operators that stay in float; empty where none does."""
    return "; ".join(one for one in file.evidence if left_out(one))


def _far(agreed: Agreed, who: str) -> Cell:
    cell = defect("no agreement", f"{who} are apart: {agreed}")
    return Cell(word=cell.word, note=cell.note, signal_db=round(max(agreed.signal_db, -999.0), 1))


def said(problem: Exception) -> str:
    """What an error says to its user, in a line."""
    if isinstance(problem, TrialFailed):
        return problem.reason
    if isinstance(problem, EdgekitError):
        return f"{problem.what} ({problem.received})" if problem.received else problem.what
    return f"{type(problem).__name__}: {problem}"
