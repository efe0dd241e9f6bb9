"""The check `emulator`: one file on the emulated board of a device, its outputs compared with this machine's own.

It joins the emulated board, the runner's document and the cache, and decides what counts as equal; how a board is
emulated is known to `edgekit.boards.emulator`. An emulator says nothing about speed, so no times are taken.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edgekit.boards.emulator.qemu import Machine, Rows
from edgekit.boards.emulator.transport import Emulator
from edgekit.boards.facts_of_board import TITLES
from edgekit.boards.output_comparison import compare_outputs
from edgekit.boards.runner_protocol import answer
from edgekit.boards.transport import MODEL_NAME, Task
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.bench_document import BenchDocument
from edgekit.documents.bench_result import OutputAgreement
from edgekit.documents.report import Check, Outcome
from edgekit.errors import DeviceError
from edgekit.jobs.cache import Cache, file_digest, key, processor, versions
from edgekit.machine.extras import is_installed
from edgekit.measure.runtimes.samples import arrays_of
from edgekit.progress import Progress, no_progress
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import read_tflite
from edgekit.units import format_size
from edgekit.values import to_builtins
from edgekit.verdict.agreement import agreement

if TYPE_CHECKING:
    import numpy as np

NAME = "emulator"
SAMPLES = 8
STEPS = 1
"""Kernels for two processors may round a tie to either side; a larger difference is another answer."""
FLOAT_SHARE = 0.01
"""Share of the range of a float output; summing in another order differs by less than a thousandth of this."""
# An emulated inference takes 10 to 30 times as long as one on this machine, starting the emulator three seconds.
SLOWER = 100
FLOOR_S = 300.0


def require_emulator(profile: DeviceProfile) -> None:
    """Raise at once what a check would only raise after hours: `InputError` if the device cannot be emulated,
    `MissingExtraError` if the sysroot or QEMU is missing.
    """
    Emulator(profile)


def emulated(
    tflite: Path,
    profile: DeviceProfile,
    cache: Cache,
    *,
    inputs: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> Check:
    """Run a file on the emulated board and here, on the same inputs, and compare the outputs.

    `inputs` are `.npy` files, one an input of the model in its dtype and order, with a row a sample: (samples, *shape);
    without them there are `SAMPLES` random ones. The check passes if every output is equal bit for bit, or differs only by
    rounding, and says which; it is unknown if the emulator crashed or took too long, or if another runtime than
    the board's own refused the file. Raises as `require_emulator`, and `ModelError` for a file that is not a `.tflite`.
    """
    run = _Emulated(tflite, profile, tuple(inputs), progress)
    entry = key(
        tflite=file_digest(tflite),
        inputs=[file_digest(path) for path in inputs],
        sysroot=run.emulator.sysroot.digest,
        qemu=run.emulator.version,
        board=to_builtins(run.emulator.board),
        threads=run.threads,
        versions=versions(),
        processor=processor(),
    )
    try:
        return msgspec.convert(cache.value("emulations", entry, lambda: to_builtins(run.check())), Check)
    except _Unknown as unknown:
        return unknown.check


class _Unknown(Exception):
    """A check that tells nothing about the file, and is not cached."""

    def __init__(self, check: Check) -> None:
        self.check = check
        super().__init__(check.reason)


class _Emulated:
    """One check of one file."""

    def __init__(self, tflite: Path, profile: DeviceProfile, inputs: tuple[Path, ...], progress: Progress) -> None:
        self._tflite, self._inputs, self._progress = tflite, inputs, progress
        self._model: TfliteModel = read_tflite(tflite)
        self.emulator = Emulator(profile)
        self.threads = profile.runtime.threads

    def check(self) -> Check:
        """The check; raises `_Unknown` if nothing was learnt about the file."""
        with tempfile.TemporaryDirectory(prefix="edgekit-emulating-") as temporary:
            here, there = Path(temporary) / "here", Path(temporary) / "there"
            here.mkdir()
            there.mkdir()
            self._progress("emulating", 0, 3)
            mine = self._rows(Machine(), self._host_runtime, here, self._inputs, FLOOR_S)
            if mine.problem is not None:
                raise _Unknown(self._made("unknown", f"this machine does not run it: {mine.problem}"))
            limit = FLOOR_S + SLOWER * mine.seconds
            self._progress("emulating", 1, 3)
            theirs = self._rows(self.emulator.machine, self.emulator.runtime, there, mine.inputs, limit)
            if theirs.problem is not None:
                return self._not_run(theirs)
            outcome, value, said = self._compared(mine, theirs)
            self._progress("emulating", 2, 3)
            if outcome == "pass":
                said = f"{said}; {_of(self._document(Path(temporary), limit))}"
            self._progress("emulating", 3, 3)
            return self._made(outcome, said, value)

    @property
    def _host_runtime(self) -> str:
        """tflite-runtime if the board has it and it is installed here, else its successor LiteRT."""
        is_old = self.emulator.runtime == "tflite_runtime" and is_installed("tflite_runtime")
        return "tflite_runtime" if is_old else "litert"

    def _rows(self, machine: Machine, runtime: str, into: Path, inputs: tuple[Path, ...], limit_s: float) -> Rows:
        return machine.rows(
            self._tflite, runtime=runtime, threads=self.threads, samples=SAMPLES, inputs=inputs, into=into,
            time_limit_s=limit_s,
        )  # fmt: skip

    def _not_run(self, theirs: Rows) -> Check:
        """The check of a file that did not run: it fails if the board's own runtime refused it; a crash may be the emulator's fault."""
        if theirs.crashed or theirs.late:
            doubt = "an emulator may fail where a board does not: measure on one (edgekit bench --on ssh://...)"
            raise _Unknown(self._made("unknown", f"{theirs.problem} there, and not on this machine; {doubt}"))
        if not self.emulator.is_own_runtime:
            own = TITLES[self.emulator.board.runtime]
            raise _Unknown(
                self._made("unknown", f"{theirs.problem}; the board's own runtime, {own}, does not run there")
            )
        return self._made("fail", theirs.problem or "", "refused")

    def _document(self, folder: Path, limit_s: float) -> BenchDocument | None:
        """The runner's document of the file on the board: operators and memory; None if there is none."""
        outputs = folder / "outputs"
        outputs.mkdir()
        request = {"model": MODEL_NAME, "threads": self.threads, "runtime": self.emulator.runtime, "no_timing": True}
        task = Task(
            model=self._tflite,
            request=request,
            into=outputs,
            python=self.emulator.facts(None).python or "",
            time_limit_s=limit_s,
        )
        try:
            found = answer(self.emulator.run(task, no_progress).document)
        except DeviceError:
            return None
        return found if isinstance(found, BenchDocument) else None

    def _compared(self, mine: Rows, theirs: Rows) -> tuple[Outcome, str, str]:
        """The outcome, what was found in a word or two, and the same in a sentence."""
        here, there = arrays_of(mine.outputs), arrays_of(theirs.outputs)
        tensors = self._model.output_tensors
        quantized = [tensor.scale is not None for tensor in tensors]
        try:
            found = compare_outputs([tensor.name for tensor in tensors], here, there, quantized=quantized)
        except DeviceError as problem:
            return "fail", "other shapes", f"{problem.what}: {problem.received}, and not {problem.allowed}"
        equal, values = sum(one.equal for one in found), sum(one.values for one in found)
        on = f"on {mine.samples} {'given' if self._inputs else 'random'} inputs"
        host = f"those of {mine.runtime} on this machine"
        if equal == values:
            return "pass", "bit for bit", f"all {values} output values {on} equal {host} bit for bit"
        said = f"{equal} of {values} output values {on} equal {host}"
        for place, one in enumerate(found):
            wrong = self._wrong(one, place, here[place], there[place])
            if wrong is not None:
                return "fail", "does not agree", f"output {one.name!r} {wrong}; {said}"
        worst = max(found, key=lambda one: one.largest_difference or 0.0)
        why = "kernels for another processor round otherwise"
        return "pass", f"within {_gap(worst)}", f"{said}, the others to {_gap(worst)}: {why}"

    def _wrong(self, one: OutputAgreement, place: int, here: np.ndarray, there: np.ndarray) -> str | None:
        """What is wrong with an output; None if it differs only by rounding."""
        gap = one.largest_difference
        if gap is None:
            return "has values that are no finite numbers on one side"
        if gap > self._allowed(one, place, here):
            return f"differs by up to {_gap(one)}"
        flat = [array.reshape(-1, *array.shape[2:]) for array in (here, there) if array.ndim > 1]
        if len(flat) == 2 and len(flat[0]) and agreement(*flat).is_garbage:
            return "tells nothing of this machine's"
        return None

    def _allowed(self, one: OutputAgreement, place: int, here: np.ndarray) -> float:
        """The largest difference that counts as rounding: a step if the output is or was quantized, a share of a float's range."""
        import numpy as np

        if one.in_steps:
            return STEPS
        if here.dtype.kind != "f":
            return 0.0
        finite = here[np.isfinite(here)].astype(np.float64)
        span = float(finite.max() - finite.min()) if finite.size else 0.0
        return max(FLOAT_SHARE * span, STEPS * self._step(place) * (1 + 1e-6))

    def _step(self, place: int) -> float:
        """The scale of a float output that was quantized until its last operator; 0 for any other."""
        tensor = self._model.output_tensors[place]
        writer = next((one for one in self._model.operators if tensor.index in one.outputs), None)
        if writer is None or writer.name != "DEQUANTIZE":
            return 0.0
        return self._model.tensors[writer.inputs[0]].scale or 0.0

    def _made(self, outcome: Outcome, reason: str, value: str | None = None) -> Check:
        return Check(
            name=NAME,
            outcome=outcome,
            value=value,
            basis="simulated" if outcome != "unknown" else None,
            reason=f"{self.emulator.title}: {reason}",
        )


def note_of(check: Check) -> tuple[str, ...]:
    """A report's note on a check that passed, since the tables do not show its reason."""
    return (f"{check.name}: {check.reason}",) if check.outcome == "pass" else ()


def _gap(one: OutputAgreement) -> str:
    gap = one.largest_difference or 0.0
    return f"{gap:.0f} step{'' if gap == 1 else 's'}" if one.in_steps else f"{gap:.2g}"


def _of(document: BenchDocument | None) -> str:
    """Operators and memory in words."""
    if document is None:
        return "the runner gave no document there, so its operators and memory are not known"
    operators = document.operators
    said = "all its operators are there" if operators.total is None else f"{operators.total} operators, all there"
    if operators.by_delegate is not None:
        said += f", {operators.by_delegate.get('xnnpack', 0)} of them run by XNNPACK"
    if document.memory is None:
        return f"{said}; its memory is not known"
    return f"{said}; it adds {format_size(document.memory.added_bytes)} of memory, the emulator's own among it"
