"""Activations that the file computes in two operators become two calls, so that the value between them is rounded as it is there.

Swish is a sigmoid and a product. It is one layer in the working model and in all that is shown of it.
"""

from __future__ import annotations

from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.rewriting import Rewriting
from edgekit.techniques.fake_quant.fused import activation

SWISH = ("silu", "swish")


def expanded(door: Any, graph: FlatGraph) -> FlatGraph:
    """The graph with each swish as a sigmoid and a product."""
    places = [call for call in graph.calls if _is_swish(call)]
    operations = door.keras3.src.ops
    rewriting = Rewriting(door, graph, places)
    for call in places:
        (value,) = call.inputs
        gate = rewriting.call(operations.nn.Sigmoid(name=f"{call.name}_gate"), value)
        rewriting.put(call, rewriting.call(operations.numpy.Multiply(name=call.name), value, gate))
    return rewriting.done() if places else graph


def _is_swish(call: Call) -> bool:
    return call.kind == "Silu" or (call.kind == "Activation" and activation(call.operation) in SWISH)
