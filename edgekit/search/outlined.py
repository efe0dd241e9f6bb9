"""The plan of a device as a user sees it: the planner's outline, and what keeps any file from running on the device."""

from __future__ import annotations

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Plan
from edgekit.planner.planner import outline
from edgekit.techniques.interface import Task


def outlined(task: Task) -> Plan:
    """The plan; where no built file is known to run on the device, its reason says what is missing."""
    found = outline(task)
    obstacle = task.profile.obstacle or _no_compiler(task.profile)
    return found if found.reason or obstacle is None else msgspec.structs.replace(found, reason=obstacle)


def _no_compiler(profile: DeviceProfile) -> str | None:
    """Why the NPU's compiler cannot be run here, if edgekit would run one for the device."""
    from edgekit.measure import npu

    return npu.missing() if profile.is_compiled_here else None
