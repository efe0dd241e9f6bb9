"""DepthToSpace and SpaceToDepth: Keras's own where the channels have TensorFlow's order, else by axes that are named anew."""

from __future__ import annotations

from edgekit.onnx_graph.layout import CHANNELS_LAST, Laid, reshaped, transposed
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step


@builds("DepthToSpace")
def depth_to_space(step: Step) -> Laid:
    """Channels made places in blocks; in mode CRD a channel's block stands together, which TensorFlow has not."""
    given, block = step.laid(), step.node.integer("blocksize", 1)
    batch, channels, height, width = given.shape
    small = channels // block**2
    if step.node.text("mode", "DCR") == "DCR":
        made = step.op(step.ops.depth_to_space, step.by_order(given, CHANNELS_LAST), block)
        return step.made(
            made, (batch, small, height * block, width * block), CHANNELS_LAST, nonnegative=given.nonnegative
        )
    opened = reshaped(given, (batch, small, block, block, height, width))
    found = (
        None
        if opened is None
        else reshaped(transposed(opened, (0, 1, 4, 2, 5, 3)), (batch, small, height * block, width * block))
    )
    if found is None:
        raise CannotExpress("channels that are no whole blocks")
    return found


@builds("SpaceToDepth")
def space_to_depth(step: Step) -> Laid:
    """Places in blocks made channels."""
    given, block = step.laid(), step.node.integer("blocksize", 1)
    batch, channels, height, width = given.shape
    shape = (batch, channels * block**2, height // block, width // block)
    if step.node.text("mode", "DCR") == "DCR":
        made = step.op(step.ops.space_to_depth, step.by_order(given, CHANNELS_LAST), block)
        return step.made(made, shape, CHANNELS_LAST, nonnegative=given.nonnegative)
    opened = reshaped(given, (batch, channels, height // block, block, width // block, block))
    found = None if opened is None else reshaped(transposed(opened, (0, 1, 3, 5, 2, 4)), shape)
    if found is None:
        raise CannotExpress("places that are no whole blocks")
    return found
