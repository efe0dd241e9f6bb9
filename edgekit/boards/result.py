"""The result of a measurement on a board: its checks against the device's limits, its summary and notes, and whether it counts.

It judges and keeps a measurement; `edgekit.boards.session` takes it.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from edgekit.boards import facts_of_board as board
from edgekit.boards.address import Address
from edgekit.boards.arguments import HERE
from edgekit.boards.measurements import Measurement, keep_measurement, why_not
from edgekit.boards.transport import Facts
from edgekit.devices.overlay import measurements_folder
from edgekit.devices.profile import DeviceProfile, list_profiles
from edgekit.documents.bench_document import BenchDocument
from edgekit.documents.bench_result import BenchResult, HostAgreement
from edgekit.documents.report import Check, Metric, Metrics
from edgekit.units import format_ms
from edgekit.verdict import checks as verdict
from edgekit.verdict.limits import limits_of
from edgekit.version import __version__

_PARTS = (
    "model", "latency", "load_ms", "first_ms", "memory", "operators", "delegate", "sustained", "inputs", "outputs",
    "environment",
)  # fmt: skip


def result_of(
    profile: DeviceProfile,
    address: Address,
    path: Path,
    facts: Facts,
    document: BenchDocument,
    *,
    agreement: HostAgreement,
    check: Check,
    keep: bool,
) -> BenchResult:
    """The result of a measurement of the file at `path`; `agreement` and `check` compare its outputs with this machine's.

    With `keep`, the measurement is kept beside the device's overlay. Raises `OutputError` where that cannot be written.
    """
    measurement = _measurement(profile, address, facts, document)
    reason = why_not(measurement, profile)
    checks = (*_checks(measurement, profile), check)
    place = keep_measurement(measurement, profile) if keep else None
    return BenchResult(
        schema_version=1,
        edgekit_version=__version__,
        device=profile.id,
        on=address.text,
        board=measurement.board,
        outcome=verdict.outcome(checks),
        summary=_summary(path, measurement, checks),
        path=str(path),
        **{part: getattr(document, part) for part in _PARTS},
        agreement=agreement,
        checks=checks,
        foreign=measurement.foreign,
        kept=None if place is None else str(place),
        counts=place is not None and reason is None,
        notes=(*document.notes, *_notes(profile, place, reason)),
    )


def _measurement(profile: DeviceProfile, address: Address, facts: Facts, document: BenchDocument) -> Measurement:
    environment = document.environment
    return Measurement(
        schema_version=1,
        edgekit_version=__version__,
        device=profile.id,
        on=address.text,
        date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        board=shown(facts.name or environment.board or environment.processor or facts.machine),
        architecture=board.architecture(facts),
        emulated=facts.emulated,
        foreign=_foreign(profile, address, facts),
        document=document,
    )


def _foreign(profile: DeviceProfile, address: Address, facts: Facts) -> str | None:
    """Why what the file ran on is not the device; None where it is.

    This machine counts as the device only if the profile is of this machine, or the machine's own name is the device's.
    """
    is_here = address.kind == HERE
    other = board.other_device(facts, profile, {one.id: one.name for one in list_profiles()})
    if profile.is_this_machine:
        return None if is_here else f"{profile.id} is this machine, and it ran on {address.text}"
    if other is None and is_here and profile.name.lower() not in (facts.name or "").lower():
        return f"it ran on this machine, which does not say that it is the {profile.name}"
    return other


def shown(text: str) -> str:
    """A text from the device, without characters that a terminal must not show."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:1000])


def _metrics(measurement: Measurement) -> Metrics:
    """What was measured, as metrics of a file."""
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
    """What was measured, judged by the board's limits and the profile's defaults.

    What was measured on something else than the device is unknown for the device.
    """
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
