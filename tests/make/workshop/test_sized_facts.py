"""A model of free sizes is counted with those of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.progress import no_progress

pytestmark = pytest.mark.tf


def test_the_layers_of_a_model_of_free_sizes(tools: Any, tmp_path: Path) -> None:
    from edgekit.make.workshop.sized_facts import sized_facts
    from edgekit.make.workshop.store import save_model

    layers, image = tools.keras3.layers, tools.keras3.Input((None, None, 3), name="image")
    steps = tools.keras3.Input((None, 2), name="steps")
    pooled = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(4, 3, name="conv")(image))
    pooled = layers.Permute((2, 1), name="turned")(layers.Reshape((2, 2), name="rows")(pooled))
    pooled = layers.Reshape((4,), name="shuffled")(pooled)
    joined = layers.Concatenate(name="joined")([pooled, layers.GRU(5, name="gru")(steps)])
    save_model(tools.keras3.Model([image, steps], layers.Dense(2, name="last")(joined)), tmp_path)
    job = {"model": str(tmp_path), "sizes": [[10, 12, 3], [7, 2]], "seed": 0, "root": str(tmp_path), "imports": []}
    found = {layer["name"]: layer for layer in sized_facts(job, no_progress)}
    assert list(found) == ["image", "steps", "conv", "pool", "rows", "turned", "shuffled", "gru", "joined", "last"]
    assert [name for name, layer in found.items() if layer["channel_axes"] == 2] == ["rows", "turned"]
    assert found["conv"]["output_shape"] == (8, 10, 4) and found["conv"]["macs"] == 8 * 10 * 4 * 27
    assert found["gru"]["macs"] == 7 * 3 * 5 * (2 + 5)
    assert found["last"]["parameters"] == 2 * 9 + 2
