"""Where narrower layers pay: which channels of a lowered graph can go, and what the most of it is predicted to save of a cost that counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit.cost import download, flash, latency, ram
from edgekit.cost.graph import Budget, Graph
from edgekit.cost.work_time import NS_PER_MS, WorkTime, work_time
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import COUNTS, Task
from edgekit.units import format_ms, format_size

BUDGETS: dict[str, tuple[Budget, ...]] = {
    "flash": ("parameters",),
    "download": ("parameters",),
    "latency": ("latency", "macs"),
    "ram": ("activations",),
}
"""What is cut where a cost counts, in the order in which it is looked for behind the one that the goal makes small."""
COSTS: dict[str, Callable[[DeviceProfile, Graph], Estimate]] = {
    "flash": flash.predict,
    "download": download.predict,
    "latency": latency.predict,
    "ram": ram.predict,
}


NO_SCALE = "the channels cannot be ranked by scale: not every layer has a batch normalization with a scale behind it"
UNSCALED = 'criterion = "probe", "norm", "taylor" or "group_lasso" needs none'
NAMED = 5
NARROW, WIDE = 4, 8
FINE = 8
"""So many widths of a group should be there to choose from."""


def cuttable(graph: Graph, exclude: Sequence[str]) -> list[int]:
    """The places of the groups of which channels can go: more than one, and in no layer that is left out."""
    return [
        place
        for place, group in enumerate(graph.groups)
        if group.size > 1 and not {*group.layers, *group.reads} & set(exclude)
    ]


def no_group(graph: Graph) -> str:
    """Why there is none."""
    if graph.groups:
        return f"none of the {len(graph.groups)} groups of channels can be cut: the layers are left out, have one channel, or lose theirs only all at once"
    return "no layer has channels that can go: each makes an output, or is made or taken by a layer of which it is not known what it does with them"


def no_scale(graph: Graph) -> str | None:
    """Why the channels of a graph cannot be ranked by scale; None where they can."""
    without = [next(iter(group.layers), "a group") for group in graph.groups if not group.scaled]
    return f"{without_scale(without)}; {UNSCALED}" if without else None


def without_scale(makers: Sequence[str]) -> str:
    """That channels cannot be ranked by scale, with the layers that make them.

    >>> without_scale(["stem", "dense"]).partition(": ")[2]
    'not every layer has a batch normalization with a scale behind it: stem, dense have none'
    """
    named = ", ".join(makers[:NAMED]) + ", ..." * (len(makers) > NAMED)
    return f"{NO_SCALE}: {named} {'has' if len(makers) == 1 else 'have'} none"


def time_of(profile: DeviceProfile) -> WorkTime:
    """What work takes on a device in int8, or in float32 where it has no int8."""
    return work_time(profile, "float32" if profile.numerics.int8 == "absent" else "int8")


def budgets(task: Task, metric: str) -> tuple[Budget, ...]:
    """What may be cut for a cost, the first that can be kept: the predicted latency itself only where it decides, and where it is that of the runtime."""
    room = task.room("latency")
    decides = task.goal.currency == "latency" or (
        room is not None and time_of(task.profile).of_graph(task.graph) > NS_PER_MS * room
    )
    is_predicted = decides and not task.profile.is_compiled_here
    return tuple(budget for budget in BUDGETS[metric] if budget != "latency" or is_predicted)


def counting(task: Task) -> list[str]:
    """The costs that count, the goal's own first."""
    return sorted(filter(task.counts, BUDGETS), key=lambda metric: metric != task.goal.currency)


def too_little(task: Task, metric: str, narrow: Graph) -> str | None:
    """Why what the narrowest graph saves of a cost does not count: of its limit, or of a cost that the goal makes small; None where it does.

    Both are in int8, where the device has it.
    """
    has_int8 = task.profile.numerics.int8 != "absent"
    before, after = (
        COSTS[metric](task.profile, integer(graph) if has_int8 else graph).value for graph in (task.graph, narrow)
    )
    room = None if metric == task.goal.currency else task.room(metric)
    saved, of = max(before - after, 0.0), before if room is None else room
    if saved >= COUNTS * of > 0:
        return None
    text = format_ms if metric == "latency" else format_size
    what = "a limit" if room is not None else "a file" if metric in ("flash", "download") else "a model"
    return f"narrower layers are predicted to save at most {text(saved)} of {metric}, below {COUNTS:.0%} of {what} of {text(of)}"


def multiple_for(task: Task) -> int:
    """What widths are multiples of: kernels of XNNPACK compute eight channels or more at once, those of CMSIS-NN four.

    Where a group is small, eight would be too coarse: all settings would come to the same widths.
    """
    is_small = min((group.size for group in task.graph.groups), default=0) < FINE * WIDE
    return NARROW if is_small or task.profile.runtime.kind == "tflite_micro" else WIDE
