"""Where nothing fits: the least that any candidate needs of a cost whose limit is too low, and by how much the model must shrink.

It reads measured and predicted figures and the layers of the model, and says only what it has computed. Bytes and
multiply-accumulates of a layer are in proportion to its channels, so what a layer must lose follows from what the limit
leaves for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edgekit.cost import ram
from edgekit.cost.graph import Graph
from edgekit.planner.proposal import Proposal
from edgekit.planner.ranking import COSTS, text_of
from edgekit.planner.trial import Trial, figure
from edgekit.techniques.interface import Task
from edgekit.verdict.checks import judged_value, misses

OPTIONS = {name: f"--max-{name}" for name in COSTS}
LIMITS = (*COSTS, "accuracy_drop")
NAMED = 2
"""At most this many layers are named."""


class _Need(NamedTuple):
    """What a candidate needs of a cost to pass its check, and the basis of that figure."""

    name: str
    graph: Graph
    value: float
    basis: str


def too_little(task: Task, trials: Sequence[Trial], untried: Iterable[Proposal] = ()) -> str | None:
    """Which limit no candidate can hold, with the least that one needs and what would fit; None where no single limit is too low.

    A trial counts with the figure that its check was judged by, an untried candidate with its prediction. A trial that
    fails for more than a limit counts only where there is no other.
    """
    told, tried = [], {trial.candidate.name for trial in trials}
    waiting = [one for one in untried if one.name not in tried]
    for name in COSTS:
        limit = task.limits.values.get(name)
        needs = [*_of_trials(name, trials), *_of_untried(name, waiting, trials)]
        least = min(needs, key=lambda need: (need.value, need.name), default=None)
        if limit is not None and least is not None and limit < least.value < math.inf:
            told.append(_said(task, name, limit, least))
    return "; ".join(told) or None


def _of_trials(name: str, trials: Sequence[Trial]) -> list[_Need]:
    found = [trial for trial in trials if trial.candidate.role != "control" and math.isfinite(figure(trial, name))]
    found = [trial for trial in found if not _is_refused(trial)] or found
    return [
        _Need(
            trial.candidate.name, trial.candidate.graph, judged_value(name, trial.metrics[name]),
            str(trial.metrics[name].basis),
        )
        for trial in found
    ]  # fmt: skip


def _is_refused(trial: Trial) -> bool:
    """Whether something other than a limit rules it out, such as a dtype that the device does not take."""
    return any(check.name not in LIMITS for check in misses(trial.checks))


def _of_untried(name: str, untried: Iterable[Proposal], trials: Sequence[Trial]) -> list[_Need]:
    """What untried candidates need, by their predictions.

    A size is measured before it is judged, so its prediction is scaled up by how much too small predictions have been.
    A latency stays a prediction, which is judged by its high end.
    """
    found = ((one, one.estimates.get(name)) for one in untried)
    off = 1.0 if name == "latency" else _too_small_by(name, trials)
    return [
        _Need(one.name, one.graph, estimate.high if name == "latency" else estimate.value * off, "predicted")
        for one, estimate in found
        if estimate is not None
    ]


def _too_small_by(name: str, trials: Sequence[Trial]) -> float:
    """The largest ratio of a trial's measured size to its prediction, at least 1.

    The baseline does not count: predictions were already corrected by it.
    """
    found = (
        (figure(one, name), one.candidate.estimates.get(name)) for one in trials if one.candidate.role == "candidate"
    )
    return max(
        [1.0, *(taken / said.value for taken, said in found if said and said.value > 0 and math.isfinite(taken))]
    )


def _said(task: Task, name: str, limit: float, least: _Need) -> str:
    about, fits = ("about ", "is predicted to fit") if least.basis == "predicted" else ("", "would fit")
    needed = f"{about}{text_of(name, least.value)} ({least.basis})"
    advice = _advice(task, name, limit, least)
    return (
        f"{text_of(name, limit)} of {name} is too little for every candidate: {least.name} needs the least, {needed}, and {fits} with "
        f"{OPTIONS[name]} {_option(name, least.value)}" + (f"; {advice}" if advice else "")
    )


def _option(name: str, value: float) -> str:
    """A limit that holds a value, as it is written on the command line: rounded up."""
    if name == "latency":
        return f"{_rounded_up(value)}ms" if value >= 1 else f"{_rounded_up(value * 1e3)}us"
    return f"{_rounded_up(value / 1024)}KiB" if value < 2**20 else f"{_rounded_up(value / 2**20)}MiB"


def _rounded_up(value: float) -> str:
    """A number with three figures at most, never less than the value."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{math.ceil(value * 10**digits) / 10**digits:g}"


def _advice(task: Task, name: str, limit: float, least: _Need) -> str:
    """What would have to shrink, and to which share; empty where shrinking layers does not help."""
    if name == "ram" and task.profile.runtime.kind == "tflite_micro":
        return _activations(task, limit, least)
    weights = {node.name: float(node.weight_bytes) for node in least.graph.nodes if node.weights}
    macs = {node.name: float(node.macs) for node in least.graph.nodes if node.macs}
    if name == "latency":
        return _largest_layers(macs, limit / least.value, "of the multiply-accumulates", "of them")
    whole = sum(weights.values())
    left = (
        limit - (least.value - whole) if name == "flash" else limit * whole / least.value if name == "download" else 0.0
    )
    if name == "ram":  # a process holds the weights besides everything else that it needs
        left = limit - (least.value - min(whole, least.value))
    if whole <= 0 or left <= 0:
        return "what is no weight takes more than that alone"
    return _largest_layers(weights, left / whole, "of the weights", "of them")


def _largest_layers(parts: Mapping[str, float], share: float, what: str, of_them: str) -> str:
    """The layers that hold the most, and the share of the whole that may stay."""
    whole = sum(parts.values())
    if not parts or not 0 < share < 1:
        return ""
    named = sorted(parts.items(), key=lambda pair: (-pair[1], pair[0]))[:NAMED]
    held = " and ".join(f"layer {layer} has {size / whole:.0%}" for layer, size in named)
    return f"{held} {what}; with {_part(share)} {of_them} in all it would fit"


def _activations(task: Task, limit: float, least: _Need) -> str:
    """The layer at the peak of the arena, and which share of it may stay.

    What is held there grows with the channels, and with height and width.
    """
    held = ram.node_bytes(least.graph)
    peak = max(held, default=0)
    left = limit - max(least.value - peak, 0)
    if peak <= 0 or left <= 0:
        return "what is no activation takes more than that alone"
    others = sum(size > left for size in held) - 1
    most = least.graph.nodes[held.index(peak)].name
    more = (
        f", and at {others} other layer{'s' if others > 1 else ''} that hold{'' if others > 1 else 's'} too much"
        if others
        else ""
    )
    share = min(left / peak, 1.0)
    side = f", or {_part(math.sqrt(share))} of the input's height and width" if _is_image(task) else ""
    return f"the most is held at layer {most}, {text_of('ram', peak)}{more}: with {_part(share)} of the channels there{side} it would fit"


def _is_image(task: Task) -> bool:
    return any(len(tensor.shape) == 3 for tensor in task.facts.inputs)


def _part(share: float) -> str:
    """A share in words, rounded down.

    >>> _part(0.5), _part(0.512), _part(0.239)
    ('half', 'half', '23%')
    """
    return "half" if 0.5 <= share < 0.55 else f"{math.floor(share * 100):d}%" if share >= 0.01 else "less than 1%"
