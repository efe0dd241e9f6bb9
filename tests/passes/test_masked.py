"""Which values carry a Keras mask, as Keras 3 itself has it while the model runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.passes.masked import masked

pytestmark = pytest.mark.tf


def test_masks_are_where_keras_has_them(tools: Any, layers: Any, graph_of: Any) -> None:
    """Each call's inputs are looked at while the model runs: dense layers hand a mask on, operations and sums with unmasked values do not."""
    seen: dict[str, bool] = {}

    class Looking(layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            seen[self.name] = tools.keras3.src.backend.get_keras_mask(x) is not None
            return x * 1.0

    tokens = tools.keras3.Input((4,), dtype="int32")
    x, plain = layers.Embedding(9, 8, mask_zero=True)(tokens), layers.Embedding(9, 8)(tokens)
    attended = layers.MultiHeadAttention(2, 4)(layers.Dense(8)(x), x)
    looked = {
        "embedded": layers.Embedding(9, 8, mask_zero=True)(tokens), "plain": plain, "attended": attended, "taken_off": layers.Add()([x, attended]),
        "dense_after": layers.Dropout(0.1)(layers.Dense(8)(layers.Masking()(plain))), "operation": layers.Masking()(plain) + 1.0,
        "both": layers.Add()([layers.Masking()(plain), layers.Masking()(plain)]), "one": layers.Add()([layers.Masking()(plain), plain]),
        "grouped": layers.GroupQueryAttention(4, 2, 1)(layers.Masking()(plain), plain),
    }  # fmt: skip
    own = tools.keras3.Model(tokens, [Looking(name=name)(value) for name, value in looked.items()])
    own(np.array([[1, 2, 0, 0]]))
    graph = graph_of(own)
    found = masked(tools, graph)
    assert {call.name: call.inputs[0] in found for call in graph.calls if call.kind == "Looking"} == seen
    assert sum(seen.values()) == 5
