"""What is added has a range that the kernel of the sum computes with; whatever else was trained stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.techniques.fake_quant.engine import for_conversion
from edgekit.tflite.small_scales import LEAST_OF_SUM

pytestmark = pytest.mark.tf


def widths(model: Any) -> dict[str, float]:
    return {
        one.name: one.width()
        for one in model.layers
        if type(one).__name__ == "FakeQuantizedRange" and one.fixed is None
    }


@pytest.mark.parametrize("behind", ["the sum", "its ReLU"])
@pytest.mark.parametrize("moved", [False, True])
def test_a_branch_next_to_nothing_is_widened(tools: Any, behind: str, moved: bool) -> None:
    """Also where a layer only hands it on."""
    layers, entry = tools.keras3.layers, tools.keras3.Input((8,), name="entry")
    whole, tiny = layers.Dense(6, name="whole")(entry), layers.Dense(6, kernel_initializer="zeros", name="tiny")(entry)
    branch = layers.Dropout(0.1)(tiny) if moved else tiny
    made = layers.Add(name="sum")([whole, branch])
    made = layers.ReLU(name="last")(made) if behind == "its ReLU" else made
    source = tools.keras3.Model(entry, layers.Dense(2, name="head")(made))
    source.get_layer("tiny").set_weights([np.full((8, 6), 1e-6, "float32"), np.zeros(6, "float32")])
    model = fake_quantized(tools, source)
    model(np.random.default_rng(0).uniform(-1, 1, (32, 8)).astype("float32"), training=True)
    before = widths(model)
    for_conversion(tools, model, ranges=True)
    after = widths(model)
    end = "range_of_last" if behind == "its ReLU" else "range_of_sum"
    assert before["range_of_tiny"] < LEAST_OF_SUM * before[end]
    assert after["range_of_tiny"] == pytest.approx(LEAST_OF_SUM * before[end], rel=1e-6)
    assert {name: width for name, width in after.items() if name != "range_of_tiny"} == {
        name: width for name, width in before.items() if name != "range_of_tiny"
    }
