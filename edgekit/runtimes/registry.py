"""Which implementation a profile's `runtime.kind` stands for, and what its answer here is worth on the device.

Each implementation is imported when it is asked for. Where the device has no runtime, or an NPU whose compiler comes
first, another one stands in: what it says of the file holds, but that the file runs there is unknown.
"""

from __future__ import annotations

from edgekit.errors import InputError
from edgekit.planner import verdict
from edgekit.profile import DeviceProfile
from edgekit.report import Basis, Check
from edgekit.runtimes.interface import Runtime


def runtime(kind: str) -> Runtime:
    """The runtime of a profile's `runtime.kind`; raises `InputError` for a name that is none."""
    if kind == "litert":
        from edgekit.runtimes.litert import LiteRt

        return LiteRt()
    if kind == "tflite_runtime":
        from edgekit.runtimes.tflite_runtime import TfliteRuntime

        return TfliteRuntime()
    if kind == "tflite_micro":
        from edgekit.runtimes.tflite_micro import TfliteMicro

        return TfliteMicro()
    raise InputError("unknown runtime", received=kind, allowed="litert, tflite_runtime, tflite_micro")


def runtime_check(profile: DeviceProfile, ran_on: str, problem: str | None, *, basis: Basis) -> Check:
    """Whether a file runs on the device: `ran_on` is what was asked here, `problem` why it did not run there.

    Unknown where it ran here and something is missing on the device: a required check that is unknown does not pass.
    """
    obstacle = profile.obstacle
    if problem is not None or obstacle is None:
        return verdict.runtime_check(ran_on, problem, basis=basis)
    return Check(name="runtime", outcome="unknown", value=ran_on, reason=f"{obstacle}; here it loads and runs")
