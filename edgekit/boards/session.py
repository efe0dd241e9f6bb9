"""One measurement on a board: send the file, run it there, and compare its outputs with this machine's on the same input.

Whatever is missing on the board is reported before anything is copied. `edgekit.boards.result` judges the measurement.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from edgekit.boards import facts_of_board as board
from edgekit.boards.address import Address
from edgekit.boards.output_comparison import agreement_check, compare_outputs, output_arrays
from edgekit.boards.result import result_of, shown
from edgekit.boards.runner_protocol import Request, answer
from edgekit.boards.transport import Facts, Ran, Task, Transport
from edgekit.boards.transports import transport_to
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.bench_document import BenchDocument, Refusal
from edgekit.documents.bench_result import BenchResult, HostAgreement
from edgekit.documents.report import Check
from edgekit.errors import DataError, DeviceError, EdgekitError, InputError, MissingExtraError, ModelError
from edgekit.progress import Progress, no_progress
from edgekit.tflite.model import TfliteModel
from edgekit.values import to_builtins

KILLED = 128  # a shell's exit code for a process that a signal ended, plus the signal's number


@dataclasses.dataclass(frozen=True, kw_only=True)
class Session:
    """One measurement, with arguments that were already checked.

    `model` is what the file at `path` says; `inputs` are the `.npy` files that are sent with it. `runtime` and `python`
    are the interpreter and the Python on the device (None: found there). With `keep`, the measurement is kept for later
    reports.
    """

    profile: DeviceProfile
    address: Address
    path: Path
    model: TfliteModel
    inputs: tuple[Path, ...]
    request: Request
    python: str | None
    runtime: board.RuntimeKind | None
    time_limit_s: float
    keep: bool
    progress: Progress

    def run(self, scratch: Path) -> BenchResult:
        """Measure, with its own files in `scratch`; raises `DeviceError`, `MissingExtraError` and the errors that the runner reports."""
        sha256 = hashlib.sha256(self.path.read_bytes()).hexdigest()
        transport = transport_to(self.address, self.profile)
        facts = transport.facts(self.python)
        runtime = board.choose_runtime(facts, self.profile, self.runtime)
        there, here = scratch / "there", scratch / "here"
        there.mkdir()
        here.mkdir()
        task = self._task(facts, runtime, there)
        copied = sum(path.stat().st_size for path in task.files().values())
        board.require_room(facts, model_bytes=self.model.size_bytes, copied_bytes=copied)
        ran = transport.run(task, self.progress)
        document = _document(ran, transport, sha256)
        agreement, check = self._compared(document, ran, transport, here)
        return result_of(
            self.profile, self.address, self.path, facts, document, agreement=agreement, check=check, keep=self.keep
        )

    def _task(self, facts: Facts, runtime: str, into: Path, **other: Any) -> Task:
        assert facts.python is not None
        return Task(
            model=self.path,
            request={**to_builtins(self.request), "runtime": runtime, **other},
            into=into,
            python=facts.python,
            time_limit_s=self.time_limit_s,
            inputs=self.inputs,
        )

    def _compared(
        self, document: BenchDocument, ran: Ran, transport: Transport, scratch: Path
    ) -> tuple[HostAgreement, Check]:
        """The device's outputs compared with this machine's, of the same file on the same input."""
        there = output_arrays(document.outputs, ran.outputs, where=transport.address)
        found, reason = self._here(scratch)
        if found is None:
            return _not_compared(reason)
        mine, files = found
        host = (
            f"{board.TITLES[mine.environment.runtime or 'litert']} {mine.environment.runtime_version} on this machine"
        )
        if [one.sha256 for one in mine.inputs] != [one.sha256 for one in document.inputs]:
            if self.inputs:
                raise DeviceError("the inputs on the device were not those that were sent", where=transport.address)
            return _not_compared("the random inputs there were others: its numpy makes others of the same seed", host)
        here = output_arrays(mine.outputs, files, where="this machine")
        quantized = [tensor.scale is not None for tensor in self.model.output_tensors]
        outputs = compare_outputs([one.name for one in document.outputs], here, there, quantized=quantized)
        check = agreement_check(outputs, here, host)
        exact = all(one.equal == one.values for one in outputs)
        return HostAgreement(bit_for_bit=exact, host=host, outputs=outputs, reason=check.reason), check

    def _here(self, scratch: Path) -> tuple[tuple[BenchDocument, dict[str, Path]] | None, str]:
        """The same run on this machine without any timing; None and the reason where that is impossible."""
        from edgekit.boards.local import Local

        try:
            facts = Local().facts(None)
            runtime = board.choose_runtime(facts, self.profile, None)
            task = self._task(
                facts, runtime, scratch, no_timing=True, no_memory=True, sustained=None, delegate="xnnpack"
            )
            ran = Local().run(task, no_progress)
            found = answer(ran.document)
        except (DeviceError, MissingExtraError) as problem:
            return None, f"this machine does not run the file: {problem.what}"
        if isinstance(found, Refusal):
            return None, f"this machine does not run the file: {found.error.what}"[:500]
        return (found, ran.outputs), ""


def _document(ran: Ran, transport: Transport, sha256: str) -> BenchDocument:
    """The runner's document on the file that was sent; raises the runner's error where there is none."""
    killed = ran.exit_code - KILLED
    if killed > 0 and not ran.document:
        raise DeviceError(
            f"the runner was killed on the device by signal {killed}",
            where=transport.address,
            received=_last_line(ran.log),
            next_step="see whether the device has enough memory: its kernel kills what takes too much",
        )
    found = answer(ran.document, where=transport.address)
    if isinstance(found, Refusal):
        raise _refused(found, transport)
    if found.model.sha256 != sha256:
        raise DeviceError(
            "the file on the device was not the one that was sent",
            where=transport.address,
            received=found.model.sha256[:16],
            allowed=sha256[:16],
            next_step="run it again; if it comes again, the device's storage or memory is damaged",
        )
    return found


def _refused(refusal: Refusal, transport: Transport) -> EdgekitError:
    """The runner's error as an error of this package."""
    error = refusal.error
    kinds: dict[str, type[EdgekitError]] = {
        "usage": InputError, "model": ModelError, "input": DataError, "delegate": InputError,
        "missing": MissingExtraError, "crash": ModelError,
    }  # fmt: skip
    return kinds.get(error.kind, DeviceError)(shown(error.what), where=transport.address, next_step=shown(error.next))


def _last_line(log: str) -> str | None:
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith('{"event"')]
    return lines[-1][:300] if lines else None


def _not_compared(reason: str, host: str | None = None) -> tuple[HostAgreement, Check]:
    check = Check(name="agreement", outcome="unknown", reason=reason)
    return HostAgreement(bit_for_bit=None, host=host, reason=reason), check
