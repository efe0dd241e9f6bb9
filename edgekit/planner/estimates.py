"""What a candidate is predicted to cost, by every cost model, and which candidates are the best by that. Pure."""

from __future__ import annotations

from edgekit.cost import download, flash, latency, npu, ram
from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Estimate
from edgekit.planner.proposal import Proposal
from edgekit.planner.ranking import Standing, share
from edgekit.techniques import technique
from edgekit.techniques.interface import Task

COSTS = {"flash": flash.predict, "download": download.predict, "ram": ram.predict, "latency": latency.predict}


def estimates(task: Task, graph: Graph) -> dict[str, Estimate]:
    """What a lowered graph is predicted to cost on the task's device, by metric."""
    found = {metric: predict(task.profile, graph) for metric, predict in COSTS.items()}
    return npu.compiled(found, graph) if task.profile.is_compiled_here else found


def order(task: Task, candidate: Proposal) -> tuple[float, float, str]:
    """The sort key of candidates: the one predicted best by the goal first, then the faster.

    A variant of another conversion comes right after it.
    """
    first = None if candidate.training else candidate.conversion.variant_of
    costs = candidate.estimates
    if first is not None:
        method = technique(first)
        costs = estimates(task, method.effect(task.graph, method.settings_type()))
    one = Standing(
        name=candidate.name, costs={name: estimate.value for name, estimate in costs.items()},
        drop=0.0, steps=len(candidate.steps),
    )  # fmt: skip
    currency = task.goal.currency
    return (share(task, one) if currency is None else one.cost(currency), one.cost("latency"), candidate.name)
