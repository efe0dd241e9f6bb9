"""The roofline of `latency` as a value of its own: what an inference takes by its work, without the device's profile.

Settings hold it where a technique is told how long an inference may take: what they take from a device is then written in them. Float graphs
are weighed as they will be stored and computed.
"""

from __future__ import annotations

from typing import Any, Literal

from edgekit.cost.flash import CHANNEL_BYTES
from edgekit.cost.graph import FLOAT_BYTES, Graph
from edgekit.cost.latency import usual_rate
from edgekit.devices.profile import DeviceProfile
from edgekit.values import Value

NS_PER_S, NS_PER_MS = 1e9, 1e6


class WorkTime(Value):
    """Nanoseconds of an inference, of an operator, of a multiply-accumulate and of a byte read or written, and the bytes of what is stored.

    `scale_bytes` are those of a channel's scale, none in float32.
    """

    inference_ns: float
    operator_ns: float
    mac_ns: float
    byte_ns: float
    weight_bytes: int = FLOAT_BYTES
    activation_bytes: int = FLOAT_BYTES
    scale_bytes: int = 0

    def work_ns(self, *, macs: float, weights: float, elements: float, other_bytes: float = 0) -> float:
        """The time of the work alone; `elements` counts what all operators write, `other_bytes` biases and scales."""
        return max(self.mac_ns * macs, float(self.traffic_ns(weights, elements, other_bytes)))

    def traffic_ns(self, weights: Any, elements: Any, other_bytes: float = 0) -> Any:
        """The time of the bytes: weights are read once, activations are written and read. Numbers or arrays of them."""
        moved = self.weight_bytes * weights + 2 * self.activation_bytes * elements + other_bytes
        return self.byte_ns * moved

    def overhead_ns(self, graph: Graph) -> float:
        """What no width changes."""
        return self.inference_ns + self.operator_ns * len(graph.nodes)

    def of_graph(self, graph: Graph) -> float:
        """The time of a float graph: `latency.predict` of it in this arithmetic."""
        work = self.work_ns(
            macs=graph.macs,
            weights=graph.weights,
            elements=sum(node.elements for node in graph.nodes),
            other_bytes=sum(FLOAT_BYTES * node.biases + self.scale_bytes * node.channels for node in graph.nodes),
        )
        return self.overhead_ns(graph) + work


def work_time(profile: DeviceProfile, arithmetic: Literal["float32", "int8"]) -> WorkTime:
    """The usual coefficients of a profile. Raises `ProfileError` where it has no rate for the arithmetic."""
    cost, is_int8 = profile.cost, arithmetic == "int8"
    width = 1 if is_int8 else FLOAT_BYTES
    return WorkTime(
        inference_ns=NS_PER_MS * (cost.overhead_per_inference.value or 0.0),
        operator_ns=NS_PER_MS * (cost.overhead_per_operator.value or 0.0),
        mac_ns=NS_PER_S / usual_rate(profile, arithmetic),
        byte_ns=NS_PER_S / (cost.bandwidth.value or 1.0),
        weight_bytes=width,
        activation_bytes=width,
        scale_bytes=CHANNEL_BYTES[1] if is_int8 else 0,
    )
