"""Ranges of what is added, as the kernel of a sum needs them: no finer than a 512th of the sum's own step.

XNNPACK takes no finer ones, and the conversion would raise them (`tflite/small_scales`), so that the file had another range than was trained. A ConvNeXt's
LayerScale begins at a millionth: what it makes is thousands of times finer than the sum behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.techniques.fake_quant.fused import clips
from edgekit.techniques.fake_quant.ranges import made_from
from edgekit.tflite.small_scales import LEAST_OF_SUM

SUMS = ("Add", "Subtract")
Follows = Callable[[Any], bool]


def widen_for_sums(graph: FlatGraph, follows_data: Follows) -> None:
    """Widen such ranges of a fake-quantized graph in place; `follows_data` tells the layers whose ranges are trained from all others."""
    makers, users = graph.makers(), graph.users()
    for call in graph.calls:
        behind = _range_behind(call, users, follows_data) if call.kind.startswith(SUMS) else None
        if behind is None:
            continue
        for value in call.inputs:
            maker = makers.get(made_from(value, makers))
            if maker is not None and follows_data(maker.operation):
                maker.operation.widen(LEAST_OF_SUM * behind.width())


def _range_behind(call: Call, users: Mapping[Value, list[Call]], follows_data: Follows) -> Any:
    """The layer of the range of a sum, or of the sum as the converter clips it; None where there is none."""
    found = users.get(call.outputs[0], [])
    if len(found) == 1 and clips(found[0]):
        found = users.get(found[0].outputs[0], [])
    return found[0].operation if len(found) == 1 and follows_data(found[0].operation) else None
