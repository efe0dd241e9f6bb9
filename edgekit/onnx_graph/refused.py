"""The operators of a model that cannot be expressed, gathered so that a user is told of all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from edgekit.errors import RefusedOperators
from edgekit.onnx_graph.conditions import line
from edgekit.onnx_graph.graph import Node, OnnxGraph
from edgekit.onnx_graph.layout import fresh, plain_order
from edgekit.onnx_graph.step import Operand, keras_dtype

ADVICE = {
    "QuantizeLinear": "give the float model that was quantized: edgekit rounds it itself",
    "DequantizeLinear": "give the float model that was quantized: edgekit rounds it itself",
    "QLinearConv": "give the float model that was quantized: edgekit rounds it itself",
    "If": "export with constant conditions, so that one branch is left",
    "Loop": "export with the loop unrolled, for a fixed number of steps",
    "Scan": "export with the loop unrolled, for a fixed number of steps",
    "NonMaxSuppression": "export the network without its post-processing",
    "NonZero": "export the network without its post-processing: TFLite needs fixed sizes",
}
WITHOUT_THEM = "export the network without them, as by leaving out what stands before or behind the trained layers, or with other layers in their place; or make a float .tflite of it with another converter, which a build quantizes without training"
SHOWN = 20
"""So many refusals stand in a message."""


class Refusals:
    """The refusals of one import."""

    def __init__(self) -> None:
        self._found: list[tuple[Node, str, str]] = []
        self._are_unfit: list[bool] = []
        self._to_hold: dict[str, str] = {}

    def add(
        self,
        node: Node,
        reason: str,
        advice: str,
        *,
        is_unfit: bool = False,
        to_hold: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Note that a node cannot be expressed, and what would help; `is_unfit` says that it is given sizes which do not go together.

        `to_hold` has inputs of the model, with values to hold them at, that would leave nothing to refuse of the node.
        """
        advice = advice or ("" if to_hold else ADVICE.get(node.operator, ""))
        self._found.append((node, reason, advice))
        self._are_unfit.append(is_unfit)
        self._to_hold |= to_hold

    @property
    def unfit(self) -> tuple[str, ...]:
        """Where sizes do not go together, if that is all that is wrong."""
        return self._lines if all(self._are_unfit) else ()

    @property
    def _lines(self) -> tuple[str, ...]:
        return tuple(f"{node.place}: {reason}" for node, reason, _ in self._found)

    def skip(self, node: Node, *, known: bool, to_hold: Mapping[str, str] = MappingProxyType({})) -> None:
        """Note a node that was not tried, because what it takes was refused; only one that is not known counts.

        An `If` is unknown only because its condition is: it adds nothing where sizes do not go together before it.
        """
        if not known:
            reason, is_unfit = "no layer of Keras is known for the operator", node.operator == "If" and not to_hold
            self.add(node, reason, "", is_unfit=is_unfit, to_hold=to_hold)

    @property
    def _holding(self) -> tuple[str, ...]:
        """The advice to hold inputs at values; none where none would help."""
        if not self._to_hold:
            return ()
        several = len(self._to_hold) > 1
        return (
            f"the input{'s' if several else ''} {', '.join(map(repr, self._to_hold))} alone choose{'' if several else 's'} a branch: hold "
            f"{'them at the values that they have' if several else 'it at the value that it has'} on the device, in [model] of edgekit.toml, as in "
            f"{line(self._to_hold)}",
        )

    def check(self, where: str) -> None:
        """Raise `RefusedOperators` if there are any."""
        if not self._found:
            return
        lines = self._lines
        more = f"; and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        advice = [*self._holding, *dict.fromkeys(text for *_, text in self._found if text)]
        names = ", ".join(dict.fromkeys(node.operator for node, *_ in self._found))
        raise RefusedOperators(
            f"{len(lines)} operator{'s' if len(lines) > 1 else ''} of the model cannot be expressed: {names}",
            where=where,
            received="; ".join(lines[:SHOWN]) + more,
            next_step="; ".join(advice or [WITHOUT_THEM]),
        )


def stand_ins(
    graph: OnnxGraph, where: str, node: Node, values: Mapping[str, Operand], keras: Any
) -> list[Operand | None]:
    """Inputs that stand for what a refused node would have made, so that the nodes behind it are judged too; none where its shape is not known."""
    from edgekit.onnx_graph.shapes import inferred

    shapes = inferred(graph, node, values)
    return [
        None
        if name not in shapes
        else fresh(
            keras.Input(
                tuple(shapes[name][0][axis] for axis in plain_order(shapes[name][0])),
                dtype=keras_dtype(shapes[name][1]),
            ),
            shapes[name][0],
            plain_order(shapes[name][0]),
        )
        for name in node.outputs
    ]
