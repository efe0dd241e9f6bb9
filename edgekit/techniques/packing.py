"""Whether packing clustered weights into look-up tables pays on a device: both techniques that it takes ask here.

The file shrinks, and the firmware gets the code that decodes it; where that code takes more flash than the file saves,
nothing is gained. Both are predictions; a chain of the project's own is tried all the same.
"""

from __future__ import annotations

from edgekit.candidate import Step
from edgekit.cost import flash
from edgekit.cost.kernels_flash import code_bytes
from edgekit.cost.tables import TABLES
from edgekit.techniques.interface import Task
from edgekit.techniques.sites import left_out
from edgekit.tflite.lookup import DECODE
from edgekit.units import format_size

STRONGEST = 16
"""The fewest clusters that are tried by themselves."""


def why_not(task: Task) -> str | None:
    """Why look-up tables do not pay; None where they are predicted to."""
    profile, own = task.profile, "a chain of the project's own asks for them"
    if profile.runtime.kind != "tflite_micro":
        return f"only tflite-micro decodes weights from look-up tables, and {profile.name} has {profile.runtime.kind}"
    if profile.kind != "microcontroller":
        return f"the compiler of the NPU of {profile.name} reads no look-up tables of weights"
    if profile.numerics.int8 == "absent":
        return f"{profile.name} has no int8 arithmetic"
    if task.goal.currency != "flash":
        return f"look-up tables shrink the flash alone, and the goal is a small {task.goal.currency} ({own})"
    saved, code = saved_bytes(task), decoder_bytes()
    if saved <= code:
        return (
            f"look-up tables are predicted to save {format_size(max(saved, 0))} of the file, and the code that decodes them takes "
            f"{format_size(code)} ({own})"
        )
    return None


def saved_bytes(task: Task) -> float:
    """What the strongest packing is predicted to save of the int8 file."""
    clustered = Step(technique="clustering", settings={"clusters": STRONGEST, "exclude": list(left_out(task))})
    plain = flash.predict(task.profile, task.facts, (Step(technique="int8"),))
    packed = flash.predict(task.profile, task.facts, (clustered, Step(technique=TABLES)))
    return plain.value - packed.value


def decoder_bytes() -> float:
    """What the code of TFLM_DECODE is predicted to take in the firmware."""
    alone, none = code_bytes([DECODE]), code_bytes([])
    assert alone is not None and none is not None
    return alone.value - none.value
