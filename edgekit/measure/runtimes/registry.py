"""Which implementation a profile's `runtime.kind` stands for, and what its results here mean for the device.

Each implementation is imported only when needed. If the device has no runtime, or an NPU that needs a compiler,
another runtime is used here: its results about the file hold, but whether the file runs on the device is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.report import Check
from edgekit.errors import InputError, MissingExtraError
from edgekit.machine.extras import is_installed, pip_line
from edgekit.measure.runtimes.interface import Runtime
from edgekit.values import Basis
from edgekit.verdict import checks as verdict


def runtime(kind: str) -> Runtime:
    """The runtime of a profile's `runtime.kind`; raises `InputError` for an unknown name."""
    if kind == "litert":
        from edgekit.measure.runtimes.litert import LiteRt

        return LiteRt()
    if kind == "tflite_runtime":
        from edgekit.measure.runtimes.tflite_runtime import TfliteRuntime

        return TfliteRuntime()
    if kind == "tflite_micro":
        from edgekit.measure.runtimes.tflite_micro import TfliteMicro

        return TfliteMicro()
    raise InputError("unknown runtime", received=kind, allowed="litert, tflite_runtime, tflite_micro")


def require_runtimes(profiles: Sequence[DeviceProfile], *, also: Sequence[str] = ()) -> None:
    """Make sure, before any work, that everything is installed without which a build for these devices cannot pass.

    Raises `MissingExtraError` with one line for all that is missing; `also` are extras that the caller needs as well.
    """
    lacking: dict[str, str] = {}
    devices: list[str] = []
    for profile in profiles:
        missing = {extra: title for extra, (package, title) in _needed(profile).items() if not is_installed(package)}
        if missing:
            devices.append(profile.id)
            lacking |= missing
    if lacking:
        raise MissingExtraError(
            f"a build for {', '.join(devices)} cannot pass without {' and '.join(lacking.values())}: not installed here",
            where="--device",
            next_step=pip_line(",".join(dict.fromkeys([*also, *lacking]))),
        )


def _needed(profile: DeviceProfile) -> dict[str, tuple[str, str]]:
    """The extras needed to know whether a file runs on a device: each with its package and a readable name."""
    found = {}
    if profile.is_compiled_here:
        found["npu"] = ("ethosu", "Vela, which compiles for its NPU")
    if profile.runtime.kind == "tflite_micro":
        found["micro"] = ("tflite_micro", "TensorFlow Lite Micro")
    return found


def runtime_check(profile: DeviceProfile, ran_on: str, problem: str | None, *, basis: Basis) -> Check:
    """Whether a file runs on the device: `ran_on` is the runtime that was used here, `problem` why it did not run.

    Unknown if it ran here but the device lacks something: a required check that is unknown does not pass.
    """
    obstacle = profile.obstacle
    if problem is not None or obstacle is None:
        return verdict.runtime_check(ran_on, problem, basis=basis)
    return Check(name="runtime", outcome="unknown", value=ran_on, reason=f"{obstacle}; here it loads and runs")
