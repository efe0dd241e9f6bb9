"""A separable convolution becomes the two that its file has, and its large kernel one that techniques find."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.keras_graph.flat_graph import model_of
from edgekit.techniques.sites import kernel_variables

pytestmark = pytest.mark.tf


@pytest.mark.parametrize(
    "options",
    [{}, {"padding": "same", "depth_multiplier": 2}, {"strides": 2, "use_bias": False}, {"dilation_rate": 2}],
    ids=str,
)
@pytest.mark.parametrize("rank", [1, 2])
def test_it_becomes_two_layers(
    tools: Any, layers: Any, rewritten: Any, alike: Any, rank: int, options: dict[str, Any]
) -> None:
    entry = tools.keras3.Input((9, 8, 3)[3 - rank - 1 :])
    layer = getattr(layers, f"SeparableConv{rank}D")(5, 3, activation="relu", name="sep", **options)
    own = tools.keras3.Model(entry, layer(entry))
    graph, _ = rewritten(own, "split_separable")
    assert [(call.name, call.kind) for call in graph.calls] == [
        ("sep_depthwise", f"DepthwiseConv{rank}D"), ("sep", f"Conv{rank}D"),
    ]  # fmt: skip
    alike(own, graph)


def test_its_activation_is_split_off_and_it_stays_shared(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    one, two = tools.keras3.Input((6, 6, 2)), tools.keras3.Input((8, 8, 2))
    layer = layers.SeparableConv2D(4, 3, activation="swish", name="sep")
    own = tools.keras3.Model([one, two], [layer(one), layer(two)])
    graph, told = rewritten(own)
    assert len(told) == 2
    assert len({id(call.operation) for call in graph.calls if "Conv" in call.kind}) == 2
    assert sum(call.kind == "Activation" for call in graph.calls) == 2
    alike(own, graph)


def test_techniques_find_its_kernel_and_the_file_is_the_same(
    tools: Any, layers: Any, rewritten: Any, graph_of: Any, int8: Any
) -> None:
    entry = tools.keras3.Input((8, 8, 16))
    x = layers.BatchNormalization()(layers.SeparableConv2D(16, 3, name="sep")(entry))
    own = tools.keras3.Model(entry, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.ReLU()(x))))
    graph = rewritten(own).graph
    assert [kernel.shape for kernel in kernel_variables(model_of(tools, graph))] == [(1, 1, 16, 16)]
    before, after = int8(graph_of(own)), int8(graph)
    assert [one.name for one in after.operators] == [one.name for one in before.operators]
