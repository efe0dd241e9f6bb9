"""Attention becomes dense layers, which techniques find and int8 rounds; what cannot be opened stays closed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import model_of
from edgekit.techniques.sites import kernel_variables

pytestmark = pytest.mark.tf
OPTIONS: list[dict[str, Any]] = [
    {}, {"use_bias": False}, {"value_dim": 3}, {"output_shape": 5}, {"dropout": 0.1}, {"use_gate": True},
]  # fmt: skip


def attention(layers: Any, **options: Any) -> Any:
    return layers.MultiHeadAttention(2, 8, **options, name="attention")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_answers_as_before(tools: Any, layers: Any, rewritten: Any, alike: Any, options: dict[str, Any]) -> None:
    entry = tools.keras3.Input((6, 16))
    own = tools.keras3.Model(entry, attention(layers, **options)(entry, entry))
    graph, told = rewritten(own, "open_attention")
    assert "attention" in told[0]
    assert "MultiHeadAttention" not in [call.kind for call in graph.calls]
    dense = [call.name for call in graph.calls if call.kind == "Dense"]
    gate = ["attention_gate"] if options.get("use_gate") else []
    assert sorted(dense) == sorted([f"attention_{part}" for part in ("query", "key", "value", "output")] + gate)
    assert ("attention_dropout" in [call.name for call in graph.calls]) == ("dropout" in options)
    alike(own, graph)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("causal", [False, True])
def test_grouped_queries(tools: Any, layers: Any, rewritten: Any, alike: Any, groups: int, causal: bool) -> None:
    one, two = tools.keras3.Input((5, 16)), tools.keras3.Input((5, 16))
    layer = layers.GroupQueryAttention(8, 4, groups, name="attention")
    own = tools.keras3.Model([one, two], layer(one, two, use_causal_mask=causal))
    graph, _ = rewritten(own, "open_attention")
    assert "GroupedQueryAttention" not in [call.kind for call in graph.calls]
    alike(own, graph)


@pytest.mark.parametrize(
    ("kind", "causal"), list(itertools.product(("MultiHeadAttention", "GroupQueryAttention"), (False, True)))
)
def test_masks_and_scores(tools: Any, layers: Any, rewritten: Any, alike: Any, kind: str, causal: bool) -> None:
    """Of other lengths of query and key, with a mask that is an input; the scores are an output too."""
    query, value = tools.keras3.Input((4, 8)), tools.keras3.Input((6, 8))
    mask = tools.keras3.Input((4, 6), dtype="bool")
    layer = getattr(layers, kind)(*((2, 8) if kind == "MultiHeadAttention" else (8, 4, 2)), name="attention")
    own = tools.keras3.Model(
        [query, value, mask],
        layer(
            query,
            value,
            attention_mask=mask,
            return_attention_scores=kind == "MultiHeadAttention",
            use_causal_mask=causal,
        ),
    )
    graph, _ = rewritten(own, "open_attention")
    assert type(layer).__name__ not in [call.kind for call in graph.calls]
    generator = np.random.default_rng(3)
    seen = generator.random((3, 4, 6)) < 0.7
    seen[..., 0] = True
    alike(own, graph, *(generator.normal(size=(3, n, 8)).astype("float32") for n in (4, 6)), seen)


def test_a_shared_layer_keeps_one_set_of_kernels_and_free_lengths_stay_free(
    tools: Any, layers: Any, rewritten: Any, alike: Any
) -> None:
    one, two = tools.keras3.Input((None, 16)), tools.keras3.Input((None, 16))
    layer = attention(layers)
    own = tools.keras3.Model([one, two], [layer(one, one), layer(one, two)])
    graph, _ = rewritten(own, "open_attention")
    dense = {call.operation for call in graph.calls if call.kind == "Dense"}
    assert len(dense) == 4
    assert graph.outputs[0].shape == (None, 16)
    alike(own, graph, *(np.random.default_rng(0).normal(size=(2, n, 16)).astype("float32") for n in (5, 7)))


def test_what_cannot_be_opened_stays_closed(tools: Any, layers: Any, rewritten: Any) -> None:
    """Several axes, an output of several dimensions, a window, a Keras mask that a layer after it needs, a subclass."""

    class Own(layers.MultiHeadAttention):  # type: ignore[misc, name-defined]
        pass

    tokens, picture = tools.keras3.Input((6,), dtype="int32"), tools.keras3.Input((3, 4, 8))
    plain, x = tools.keras3.Input((6, 8)), layers.Embedding(9, 8, mask_zero=True)(tokens)
    x = layers.LayerNormalization()(x)
    outputs = [
        layers.MultiHeadAttention(2, 4, attention_axes=(1, 2))(picture, picture),
        layers.MultiHeadAttention(2, 4, output_shape=(2, 3))(plain, plain),
        layers.MultiHeadAttention(2, 4, sliding_window=2)(plain, plain),
        layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 4)(x, x)),
        Own(2, 4)(plain, plain),
    ]
    graph, told = rewritten(tools.keras3.Model([tokens, picture, plain], outputs), "open_attention")
    assert not told
    assert sum("Attention" in call.kind or call.kind == "Own" for call in graph.calls) == 5


@pytest.mark.parametrize(
    "options", [{}, {"dropout": 0.1}, {"causal": True}, {"grouped": True}, {"added": True}, {"floats": True}], ids=str
)
def test_keras_masks_become_products(
    tools: Any, layers: Any, rewritten: Any, alike: Any, options: dict[str, Any]
) -> None:
    """Of an embedding or a masking layer, in two encoders after one another; padding is hidden as before."""
    tokens = np.array([[1, 2, 3, 4, 5, 6], [1, 2, 3, 0, 0, 0], [0, 0, 0, 0, 0, 1]])
    if options.get("floats"):
        entry = tools.keras3.Input((6, 16))
        x, given = layers.Masking()(entry), np.random.default_rng(0).normal(size=(3, 6, 16)) * (tokens > 0)[..., None]
    else:
        entry = tools.keras3.Input((6,), dtype="int32")
        x, given = layers.Embedding(9, 16, mask_zero=True)(entry), tokens
    for _ in range(2):
        if options.get("grouped"):
            seen = layers.GroupQueryAttention(8, 4, 2)(x, x)
        else:
            seen = layers.MultiHeadAttention(2, 8, dropout=options.get("dropout", 0.0))(
                x, x, use_causal_mask=bool(options.get("causal"))
            )
        x = layers.LayerNormalization()(layers.Add()([x, seen]) if options.get("added") else x + seen)
    own = tools.keras3.Model(entry, layers.GlobalAveragePooling1D()(x))
    graph, _ = rewritten(own, "open_attention")
    assert not [call.kind for call in graph.calls if "Attention" in call.kind]
    assert sum(call.kind == "NotEqual" for call in graph.calls) >= 2
    alike(own, graph, given.astype(entry.dtype))


def test_techniques_find_its_kernels_and_the_file_is_whole_int8(
    tools: Any, layers: Any, rewritten: Any, graph_of: Any, int8: Any
) -> None:
    entry = tools.keras3.Input((8, 16))
    x = layers.LayerNormalization()(entry + layers.MultiHeadAttention(2, 16, name="attention")(entry, entry))
    own = tools.keras3.Model(entry, layers.Dense(2)(layers.Flatten()(x)))
    graph = rewritten(own).graph
    assert [kernel.shape for kernel in kernel_variables(model_of(tools, graph))] == [(16, 32)] * 3 + [
        (32, 16),
        (128, 2),
    ]
    before, after = int8(graph_of(own)), int8(graph)
    assert {tensor.dtype for tensor in after.tensors} <= {"int8", "int32"}
    assert sum(one.name == "FULLY_CONNECTED" for one in after.operators) == 5
    assert len(after.operators) <= len(before.operators), (
        [o.name for o in before.operators],
        [o.name for o in after.operators],
    )


def test_a_text_model_with_padding_is_whole_int8(tools: Any, layers: Any, rewritten: Any, int8: Any) -> None:
    entry = tools.keras3.Input((6,), dtype="int32")
    x = layers.Embedding(9, 16, mask_zero=True)(entry)
    x = layers.LayerNormalization()(x + attention(layers)(x, x))
    own = tools.keras3.Model(entry, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
    tokens = np.random.default_rng(0).integers(0, 9, (16, 6)).astype("int32")
    file = int8(rewritten(own).graph, tokens)
    assert sum(one.name == "FULLY_CONNECTED" for one in file.operators) == 5
