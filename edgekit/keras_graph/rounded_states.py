"""How the states of a recurrent layer are rounded in each step where its loop is unrolled: set by a technique, read by the conversion.

The output of a step is also the next step's state. Where a technique gives the outputs a range, an unrolled step of its own range for the state
would leave the operator that makes both in float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rounding = Callable[[Any], Any]
_ATTRIBUTE = "_edgekit_rounds_states"


def round_states(layer: Any, rounding: Rounding) -> None:
    """Say how a step's output, of a recurrent layer or of both layers of a Bidirectional one, is rounded."""
    for one in (layer.forward_layer, layer.backward_layer) if hasattr(layer, "forward_layer") else (layer,):
        setattr(one, _ATTRIBUTE, rounding)


def rounding_of(layer: Any) -> Rounding | None:
    """What was said of a layer; None where nothing was."""
    found: Rounding | None = getattr(layer, _ATTRIBUTE, None)
    return found
