"""Whether packing clustered weights into look-up tables pays on a device: both techniques that it takes ask here.

The file shrinks, and the firmware gets the code that decodes it; where that code takes more flash than the file saves,
nothing is gained. Both are predictions; a chain of the project's own is tried all the same.
"""

from __future__ import annotations

from edgekit.cost import flash
from edgekit.cost.kernels_flash import code_bytes
from edgekit.cost.tables import TABLES
from edgekit.documents.candidate import Step
from edgekit.techniques.interface import COUNTS, Task
from edgekit.techniques.sites import left_out
from edgekit.tflite.lookup import DECODE
from edgekit.units import format_size

CLUSTERS = (32, 16, 8, 4, 2)
"""The clusters that are tried by themselves, from the lighter to the stronger."""


def why_not(task: Task, clusters: int = CLUSTERS[-1]) -> str | None:
    """Why look-up tables of so many clusters do not pay; None where they are predicted to.

    The default is the fewest clusters: where theirs do not pay, none do.
    """
    profile, own = task.profile, "a chain of the project's own asks for them"
    if profile.runtime.kind != "tflite_micro":
        return f"only tflite-micro decodes weights from look-up tables, and {profile.name} has {profile.runtime.kind}"
    if profile.kind != "microcontroller":
        return f"the compiler of the NPU of {profile.name} reads no look-up tables of weights"
    if profile.numerics.int8 == "absent":
        return f"{profile.name} has no int8 arithmetic"
    if task.goal.aim not in ("smallest", "balanced"):
        goal = f"a small {task.goal.currency}" if task.goal.currency not in (None, "latency") else task.goal.aim
        return f"look-up tables shrink the flash alone, and the goal is {goal} ({own})"
    return _pays_too_little(task, clusters, own)


def _pays_too_little(task: Task, clusters: int, own: str) -> str | None:
    saved, code = saved_bytes(task, clusters), decoder_bytes()
    what = f"look-up tables of {clusters} clusters are predicted to save {format_size(max(saved, 0))} of the file"
    if saved <= code:
        return f"{what}, and the code that decodes them takes {format_size(code)} ({own})"
    room = task.room("flash") if task.goal.aim == "balanced" else None
    if room is not None and saved - code < COUNTS * room:
        return f"{what}, less {format_size(code)} for the code that decodes them: below 1% of the {format_size(room)} of flash ({own})"
    return None


def saved_bytes(task: Task, clusters: int) -> float:
    """What packing so many clusters is predicted to save of the int8 file."""
    clustered = Step(technique="clustering", settings={"clusters": clusters, "exclude": list(left_out(task))})
    plain = flash.predict(task.profile, task.facts, (Step(technique="int8"),))
    packed = flash.predict(task.profile, task.facts, (clustered, Step(technique=TABLES)))
    return plain.value - packed.value


def decoder_bytes() -> float:
    """What the code of TFLM_DECODE is predicted to take in the firmware."""
    alone, none = code_bytes([DECODE]), code_bytes([])
    assert alone is not None and none is not None
    return alone.value - none.value
