"""The multiply-accumulates of a call whose layer is not known: counted in the TensorFlow graph that it becomes."""

from __future__ import annotations

import math
from typing import Any

from edgekit.keras_graph.call_graph import dtype_name
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.unequal_strides import unequal_strides_kept

FREE = 1
"""A free size counts as one, as elsewhere in the facts."""


def traced_macs(tools: Door, operation: Any, args: Any, kwargs: Any) -> int:
    """The products that are summed in one sample's call, with symbolic tensors of Keras 3 among the arguments; 0 if it cannot be traced.

    What a loop's body multiplies is not counted.
    """
    tree, specs = tools.keras3.tree, []

    def specified(part: Any) -> Any:
        if not hasattr(part, "_keras_history"):
            return part
        shape = (1, *(size or FREE for size in part.shape[1:]))
        specs.append(tools.tf.TensorSpec(shape, dtype_name(part)))
        return specs[-1]

    given = tree.map_structure(specified, (tuple(args), dict(kwargs)))

    def call(*tensors: Any) -> Any:
        left = iter(tensors)
        now_args, now_kwargs = tree.map_structure(
            lambda part: next(left) if isinstance(part, tools.tf.TensorSpec) else part, given
        )
        return operation(*now_args, **now_kwargs)

    try:
        with unequal_strides_kept():
            graph = tools.tf.function(call).get_concrete_function(*specs).graph
    except Exception:  # a user's own layer may raise anything
        return 0
    return sum(_macs(found) for found in graph.get_operations())


def _macs(operation: Any) -> int:
    """The multiply-accumulates of one operation of a TensorFlow graph."""
    if operation.type not in ("MatMul", "BatchMatMulV2", "Conv2D", "DepthwiseConv2dNative"):
        return 0
    sizes = [tensor.shape.as_list() for tensor in (operation.outputs[0], *operation.inputs[:2])]
    if any(None in shape for shape in sizes):
        return 0
    leaving, entering, weights = sizes
    if operation.type == "Conv2D":
        return math.prod(leaving) * math.prod(weights[:3])
    if operation.type == "DepthwiseConv2dNative":
        return math.prod(leaving) * math.prod(weights[:2])
    transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
    return math.prod(leaving) * int(entering[-2 if transposed else -1])
