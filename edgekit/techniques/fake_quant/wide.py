"""Which values of a graph stay in float while rounding is simulated: what a logarithm and its kind take, and what makes it, up to the kernels before them.

It is the part of the model that `int8_mixed` leaves in float in the file (`tflite/wide`). Rounded to a grid of equal steps, small powers of a spectrum become
zero, whose logarithm is no number: no learning rate trains that.
"""

from __future__ import annotations

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.techniques.fake_quant.fused import fused_values
from edgekit.techniques.fake_quant.kernels import ROUNDED_KINDS

LOGARITHMS = ("Log", "Log10", "Log2")
"""Of these, the ones that have no value at zero, to which rounding takes small numbers."""
CURVES = (*LOGARITHMS, "Log1p", "Exp", "Power", "Sqrt", "Rsqrt", "Divide", "TrueDivide", "Square")
"""Operations that numbers of many decades pass, by the kind of their layer."""


def wide_values(graph: FlatGraph) -> set[Value]:
    """The values that only curves take, and operations before them up to the inputs and to those that have a kernel; what a kernel makes is none."""
    makers, users, kernels = graph.makers(), graph.users(), _of_kernels(graph)
    waiting, found = [call for call in graph.calls if _is_curve(call)], dict[int, Call]()
    while waiting:
        call = waiting.pop()
        if id(call) not in found and id(call) not in kernels:
            found[id(call)] = call
            waiting += [makers[value] for value in call.inputs if value in makers]
    return {
        value for call in found.values() for value in call.inputs
        if value not in graph.outputs and all(id(user) in found for user in users[value])
        and (value not in makers or id(makers[value]) not in kernels)
    }  # fmt: skip


def _is_curve(call: Call) -> bool:
    """Whether it is one of them; a division by a constant is a product in the file."""
    by_constant = (
        call.kind in ("Divide", "TrueDivide")
        and len(call.inputs) == 1
        and bool(call.args)
        and call.args[0] is call.inputs[0]
    )
    return call.kind in CURVES and not by_constant


def _of_kernels(graph: FlatGraph) -> set[int]:
    """The calls with a kernel, and what the converter fuses into them."""
    vanished, makers, found = fused_values(graph), graph.makers(), set[int]()
    for call in graph.calls:
        fused = any(value in vanished and value in makers and id(makers[value]) in found for value in call.inputs)
        if fused or call.kind.startswith(ROUNDED_KINDS):
            found.add(id(call))
    return found
