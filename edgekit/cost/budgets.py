"""What a float graph holds of what a cut may be told to leave a share of."""

from __future__ import annotations

from edgekit.cost import ram
from edgekit.cost.graph import FLOAT_BYTES, Budget, Graph
from edgekit.cost.work_time import WorkTime


def held(graph: Graph, budget: Budget, time: WorkTime | None = None) -> float:
    """What a float graph holds of a budget: weights, multiply-accumulates, the most elements that are alive at once, or nanoseconds by `time`.

    Raises `ValueError` for the latency without a time: the planner takes it from the device.
    """
    if budget == "latency":
        if time is None:
            raise ValueError("a budget of latency needs the device's time of work")
        return time.of_graph(graph)
    if budget == "activations":
        return ram.peak_bytes(graph.in_float) // FLOAT_BYTES
    return graph.macs if budget == "macs" else graph.weights
