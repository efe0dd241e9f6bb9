"""Augmentation that Keras cannot read back from a file is dropped: it does nothing in inference, and the model could not be stored with it.

Keras 3.15's `RandomShear` and others refuse the settings that they write themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import is_augmentation


class UnreadableAugmentation(Pass):
    """Layers of augmentation that their own configuration does not make again."""

    name = "unreadable_augmentation"
    place = 10
    words = "augmentation left out, also of fine-tuning, since Keras cannot read it back from a file"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of such layers."""
        return [call for call in graph.calls if is_augmentation(call.operation) and not _is_readable(call.operation)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """The graph in which what they are given stands for what they make."""
        places = self.requires(tools, graph)
        gone = {id(call) for call in places}
        values = {call.outputs[0]: call.inputs[0] for call in places}
        return graph.replaced([call for call in graph.calls if id(call) not in gone], values)


def _is_readable(layer: Any) -> bool:
    try:
        type(layer).from_config(layer.get_config())
    except Exception:  # whatever Keras makes of its own settings
        return False
    return True
