"""`edgekit bench`: any `.tflite` measured on a device, compared with this machine's outputs, judged, and kept.

It joins the transports, the runner's document and the profile. Errors that can be seen here are raised
before anything is connected, and things missing on the device before anything is copied.
"""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import facts_of_board as board
from edgekit.boards.address import Address, parse_address
from edgekit.boards.arguments import HERE, delegate_for, input_files, open_model, require_system, whole, within
from edgekit.boards.measurements import Measurement, keep_measurement, require_place, why_not
from edgekit.boards.output_comparison import agreement_check, compare_outputs, output_arrays
from edgekit.boards.runner_protocol import Request, answer
from edgekit.boards.transport import MODEL_NAME, OUTPUTS_NAME, Facts, Ran, Task, Transport, input_name
from edgekit.boards.transports import transport_to
from edgekit.devices.overlay import measurements_folder
from edgekit.devices.profile import DeviceProfile, list_profiles, load_profile
from edgekit.documents.bench_document import BenchDocument, Refusal
from edgekit.documents.bench_result import BenchResult, HostAgreement
from edgekit.documents.report import Check, Metric, Metrics
from edgekit.errors import DataError, DeviceError, EdgekitError, InputError, MissingExtraError, ModelError
from edgekit.progress import Progress, no_progress
from edgekit.tflite.model import TfliteModel
from edgekit.units import format_ms
from edgekit.values import to_builtins
from edgekit.verdict import checks as verdict
from edgekit.verdict.limits import limits_of
from edgekit.watching.auto import Auto, shows_progress

if TYPE_CHECKING:
    pass

LONGEST_S = 30.0
SPARE_S = 300.0
"""The time allowed besides the timed runs: copying, importing, warming up, measuring memory."""
MOST_SUSTAINED_MIN = 1440
MOST_LIMIT_S = 30 * 86400.0
KILLED = 128  # a shell's exit code for a process ended by a signal is this plus the signal's number


@shows_progress
def bench(
    tflite: str | Path,
    *,
    device: str | Path,
    on: str = HERE,
    threads: int | None = None,
    runs: int = 50,
    seconds: float = 1.0,
    sustained: float | None = None,
    delegate: str | None = None,
    inputs: Sequence[str | Path] = (),
    seed: int = 0,
    runtime: board.RuntimeKind | None = None,
    python: str | None = None,
    time_limit_s: float | None = None,
    keep: bool = True,
    progress: Progress | Auto = no_progress,
) -> BenchResult:
    """Measure a `.tflite` file on a device, and keep the measurement for later reports.

    `on` is 'local', 'ssh://USER@HOST[:PORT]', 'adb://SERIAL' or 'emulator'. At least `runs` inferences and `seconds`
    seconds are timed after the warm-up, with `threads` threads (the profile's if None); `sustained` adds so many
    minutes without a pause. `delegate` is 'xnnpack', 'none', or the path of a shared library on the device. `inputs` are
    `.npy` files, one an input in the model's order; without them inputs are random by `seed`. `runtime` and `python` name
    the interpreter and the Python on the device. With `keep` the measurement is kept beside the device's overlay.

    Exceeding a limit of the profile is a failing check. Raises `ModelError`, `ProfileError`, `DataError` and
    `InputError` before anything is connected, `MissingExtraError` if the device lacks Python, numpy or an
    interpreter, with the line that installs it, and `DeviceError` for anything that fails between the two machines.
    """
    assert not isinstance(progress, str)  # `shows_progress` has replaced it by a callable
    address = parse_address(on)
    profile = load_profile(device)
    path, model = open_model(Path(tflite))
    require_system(profile, address)
    arrays = input_files(inputs, model)
    request = Request(
        model=MODEL_NAME,
        threads=whole("threads", threads if threads is not None else profile.runtime.threads, 256),
        delegate=delegate_for(delegate, profile, address),
        runs=whole("runs", runs, 1_000_000),
        seconds=within("seconds", seconds, 0, 3600),
        longest=max(LONGEST_S, seconds),
        sustained=None if sustained is None else within("sustained", sustained, 0.01, MOST_SUSTAINED_MIN),
        input=tuple(input_name(place) for place in range(len(arrays))),
        seed=whole("seed", seed, 2**32 - 1, least=0),
        outputs=OUTPUTS_NAME,
        no_timing=address.kind == "emulator",
        progress=True,
    )
    if address.kind == "emulator" and sustained is not None:
        raise InputError("an emulator tells no time", where="--sustained", next_step="run it on the device itself")
    if keep:
        require_place(profile)
    if time_limit_s is None:
        time_limit_s = SPARE_S + request.longest + 60 * (sustained or 0)
    time_limit_s = within("time-limit", time_limit_s, 0.001, MOST_LIMIT_S)
    if python is not None and not (python and python.isprintable()):
        raise InputError("not the path of a Python", where="--python", received=repr(python[:200]))
    asked = _Asked(profile, address, path, model, tuple(arrays), request, python, runtime, time_limit_s, keep, progress)
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as scratch:
        return asked.run(Path(scratch))


class _Asked:
    """One bench whose arguments were checked."""

    def __init__(
        self,
        profile: DeviceProfile,
        address: Address,
        path: Path,
        model: TfliteModel,
        inputs: tuple[Path, ...],
        request: Request,
        python: str | None,
        runtime: board.RuntimeKind | None,
        time_limit_s: float,
        keep: bool,
        progress: Progress,
    ) -> None:
        self._profile, self._address, self._path, self._model = profile, address, path, model
        self._inputs, self._request, self._python, self._runtime = inputs, request, python, runtime
        self._time_limit_s, self._keep, self._progress = time_limit_s, keep, progress
        self._sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    def run(self, scratch: Path) -> BenchResult:
        transport = transport_to(self._address, self._profile)
        facts = transport.facts(self._python)
        runtime = board.choose_runtime(facts, self._profile, self._runtime)
        there, here = scratch / "there", scratch / "here"
        there.mkdir()
        here.mkdir()
        task = self._task(facts, runtime, there)
        copied = sum(path.stat().st_size for path in task.files().values())
        board.require_room(facts, model_bytes=self._model.size_bytes, copied_bytes=copied)
        ran = transport.run(task, self._progress)
        document = _document(ran, transport, self._sha256)
        agreement, check = self._compared(document, ran, transport, here)
        return self._result(facts, document, agreement, check)

    def _task(self, facts: Facts, runtime: str, into: Path, **other: Any) -> Task:
        assert facts.python is not None
        return Task(
            model=self._path,
            request={**to_builtins(self._request), "runtime": runtime, **other},
            into=into,
            python=facts.python,
            time_limit_s=self._time_limit_s,
            inputs=self._inputs,
        )

    def _compared(
        self, document: BenchDocument, ran: Ran, transport: Transport, scratch: Path
    ) -> tuple[HostAgreement, Check]:
        """The device's outputs compared with this machine's for the same file and input."""
        there = output_arrays(document.outputs, ran.outputs, where=transport.address)
        found, reason = self._here(scratch)
        if found is None:
            return _not_compared(reason)
        mine, files = found
        host = (
            f"{board.TITLES[mine.environment.runtime or 'litert']} {mine.environment.runtime_version} on this machine"
        )
        if [one.sha256 for one in mine.inputs] != [one.sha256 for one in document.inputs]:
            if self._inputs:
                raise DeviceError("the inputs on the device were not those that were sent", where=transport.address)
            return _not_compared("the random inputs there were others: its numpy makes others of the same seed", host)
        here = output_arrays(mine.outputs, files, where="this machine")
        quantized = [tensor.scale is not None for tensor in self._model.output_tensors]
        outputs = compare_outputs([one.name for one in document.outputs], here, there, quantized=quantized)
        check = agreement_check(outputs, here, host)
        exact = all(one.equal == one.values for one in outputs)
        return HostAgreement(bit_for_bit=exact, host=host, outputs=outputs, reason=check.reason), check

    def _here(self, scratch: Path) -> tuple[tuple[BenchDocument, dict[str, Path]] | None, str]:
        """The same run on this machine without any timing; None and the reason if that is not possible."""
        from edgekit.boards.local import Local

        try:
            facts = Local().facts(None)
            runtime = board.choose_runtime(facts, self._profile, None)
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

    def _result(self, facts: Facts, document: BenchDocument, agreement: HostAgreement, check: Check) -> BenchResult:
        from edgekit.version import __version__

        profile, environment = self._profile, document.environment
        names = {one.id: one.name for one in list_profiles()}
        name = _shown(facts.name or environment.board or environment.processor or facts.machine)
        measurement = Measurement(
            schema_version=1,
            edgekit_version=__version__,
            device=profile.id,
            on=self._address.text,
            date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            board=name,
            architecture=board.architecture(facts),
            emulated=facts.emulated,
            foreign=self._foreign(facts, names),
            document=document,
        )
        reason = why_not(measurement, profile)
        checks = (*_checks(measurement, profile), check)
        outcome = verdict.outcome(checks)
        place = keep_measurement(measurement, profile) if self._keep else None
        return BenchResult(
            schema_version=1,
            edgekit_version=__version__,
            device=profile.id,
            on=self._address.text,
            board=name,
            outcome=outcome,
            summary=_summary(self._path, measurement, checks),
            path=str(self._path),
            **{part: getattr(document, part) for part in _PARTS},
            agreement=agreement,
            checks=checks,
            foreign=measurement.foreign,
            kept=None if place is None else str(place),
            counts=place is not None and reason is None,
            notes=(*document.notes, *_notes(profile, place, reason)),
        )

    def _foreign(self, facts: Facts, names: dict[str, str]) -> str | None:
        """Why the machine that ran the file is not the device; this machine is only accepted as a board if it names itself so."""
        profile, is_here = self._profile, self._address.kind == HERE
        other = board.other_device(facts, profile, names)
        if profile.is_this_machine:
            return None if is_here else f"{profile.id} is this machine, and it ran on {self._address.text}"
        if other is None and is_here and profile.name.lower() not in (facts.name or "").lower():
            return f"it ran on this machine, which does not say that it is the {profile.name}"
        return other


_PARTS = (
    "model", "latency", "load_ms", "first_ms", "memory", "operators", "delegate", "sustained", "inputs", "outputs",
    "environment",
)  # fmt: skip


def _document(ran: Ran, transport: Transport, sha256: str) -> BenchDocument:
    """The runner's document about the file that was sent; raises the runner's error if there is none."""
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
    """The runner's error as the matching error of edgekit."""
    error = refusal.error
    kinds: dict[str, type[EdgekitError]] = {
        "usage": InputError, "model": ModelError, "input": DataError, "delegate": InputError,
        "missing": MissingExtraError, "crash": ModelError,
    }  # fmt: skip
    return kinds.get(error.kind, DeviceError)(_shown(error.what), where=transport.address, next_step=_shown(error.next))


def _shown(text: str) -> str:
    """A text from the device, safe for a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:1000])


def _last_line(log: str) -> str | None:
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith('{"event"')]
    return lines[-1][:300] if lines else None


def _not_compared(reason: str, host: str | None = None) -> tuple[HostAgreement, Check]:
    check = Check(name="agreement", outcome="unknown", reason=reason)
    return HostAgreement(bit_for_bit=None, host=host, reason=reason), check


def _metrics(measurement: Measurement) -> Metrics:
    """The measurement as figures of a file."""
    document, environment = measurement.document, measurement.document.environment
    found: Metrics = {
        "flash": Metric(value=document.model.bytes, unit="B", basis="measured", source="the file's size"),
    }
    if document.latency is not None:
        found["latency"] = Metric(
            value=document.latency.median_ms, unit="ms", basis="measured", source=measurement.board,
            low=document.latency.p10_ms, high=document.latency.p90_ms, runtime=environment.runtime,
            threads=environment.threads,
        )  # fmt: skip
    if document.memory is not None:
        basis = "simulated" if measurement.emulated else "measured"
        found["ram"] = Metric(
            value=document.memory.added_bytes, unit="B", basis="simulated" if basis == "simulated" else "measured",
            source=document.memory.how,
        )  # fmt: skip
    return found


def _checks(measurement: Measurement, profile: DeviceProfile) -> list[Check]:
    """The board's limits and the profile's defaults, compared with the measurement; unknown if it was taken elsewhere."""
    metrics, asked = _metrics(measurement), limits_of(profile, {})
    absent = {"latency": "an emulator tells no time"} if measurement.document.latency is None else {}
    if measurement.document.memory is None:
        absent["ram"] = "the memory could not be measured"
    if measurement.foreign is not None:
        for name in {"latency", "ram"} & set(metrics):
            metrics[name] = Metric(
                value=None, unit=metrics[name].unit, basis=None, source="", reason=measurement.foreign
            )
    found = verdict.judge(asked.values, metrics, defaults=asked.default_values, not_given=absent)
    return [check for check in found if check.name in ("flash", "ram", "latency")]


def _summary(path: Path, measurement: Measurement, checks: Sequence[Check]) -> str:
    document = measurement.document
    missed = verdict.misses(checks)
    if document.latency is None:
        text = f"{path.name} runs on {measurement.board}"
    else:
        steady = "" if document.latency.steady else ", not steady"
        text = f"{path.name} takes {format_ms(document.latency.median_ms)} on {measurement.board}{steady}"
    return f"{text}; {missed[0].name}: {missed[0].reason}" if missed else text


def _notes(profile: DeviceProfile, place: Path | None, reason: str | None) -> list[str]:
    """What the measurement changes, and where the device's figures come from."""
    found = []
    if profile.overlay is not None:
        found.append(f"figures of {profile.overlay} stand in the place of the profile's own")
    if place is None:
        found.append("the measurement was not kept")
    elif reason is not None:
        folder = measurements_folder(profile.id, profile.file)
        found.append(f"the measurement was kept in {folder}, and no report uses it: {reason}")
    return found
