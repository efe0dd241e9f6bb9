"""Batch normalization goes into the kernels before it where that is exact and the converter leaves it; elsewhere it stays."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.tf
PICTURE = (8, 8, 4)


@pytest.fixture
def exact(tools: Any, layers: Any) -> dict[str, Any]:
    """Models in which the normalization can be folded, by what stands before it."""
    entry, volume, line = tools.keras3.Input(PICTURE), tools.keras3.Input((5, 5, 5, 2)), tools.keras3.Input((9, 4))

    def conv(filters: int = 4, **options: Any) -> Any:
        return layers.Conv2D(filters, 3, **options)(entry)

    depthwise = layers.DepthwiseConv2D(3, depth_multiplier=2)(entry)
    before = {
        "average": layers.AveragePooling2D(3, padding="same")(conv(use_bias=False)),
        "largest": layers.MaxPooling2D(2)(conv()),
        "largest of all": layers.GlobalMaxPooling2D()(depthwise),
        "concatenation": layers.Concatenate()([conv(3), layers.MaxPooling2D(2, strides=1, padding="same")(conv(5))]),
        "addition": layers.Add()([conv(padding="same"), layers.Conv2DTranspose(4, 3, padding="same")(entry), layers.Dense(4)(entry)]),
        "line": layers.MaxPooling1D(2)(layers.Conv1D(4, 3)(line)),
        "volume": layers.Conv3D(4, 3)(volume),
        "transposed volume": layers.Conv3DTranspose(4, 3)(volume),
    }  # fmt: skip
    return {
        name: tools.keras3.Model(
            {"line": line}.get(name, volume if "volume" in name else entry), layers.BatchNormalization()(x)
        )
        for name, x in before.items()
    }


KINDS = ("average", "largest", "largest of all", "concatenation", "addition", "line", "volume", "transposed volume")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_folded(exact: dict[str, Any], rewritten: Any, alike: Any, kind: str) -> None:
    graph, told = rewritten(exact[kind], "fold_into_previous")
    assert told
    assert "BatchNormalization" not in [call.kind for call in graph.calls]
    alike(exact[kind], graph)


def test_what_algebra_forbids_stays(tools: Any, layers: Any, rewritten: Any) -> None:
    """An activation, several users, a shared kernel, a branch that is no kernel, the same kernel on both sides, padding between."""
    entry, other = tools.keras3.Input(PICTURE), tools.keras3.Input(PICTURE)
    norm, pool, shared = layers.BatchNormalization, layers.MaxPooling2D, layers.Conv2D(4, 3)

    def conv(**options: Any) -> Any:
        return layers.Conv2D(4, 3, padding="same", **options)(entry)

    twice, both = conv(), conv()
    outputs = [
        norm()(pool(2)(conv(activation="relu"))),
        norm()(pool(2)(layers.ReLU()(conv()))),
        norm()(pool(2)(twice)), twice,
        norm()(pool(2)(shared(entry))), shared(other),
        norm()(layers.Concatenate()([conv(), entry])),
        norm()(layers.Concatenate(axis=1)([conv(), conv()])),
        norm()(layers.Add()([both, both])),
        norm()(layers.ZeroPadding2D(1)(conv())),
        norm()(layers.Add()([conv(), layers.GlobalAveragePooling2D(keepdims=True)(conv())])),
    ]  # fmt: skip
    graph, told = rewritten(tools.keras3.Model([entry, other], outputs), "fold_into_previous")
    assert not told
    assert sum(call.kind == "BatchNormalization" for call in graph.calls) == 9


def test_a_factor_below_zero_does_not_pass_a_largest(
    tools: Any, layers: Any, graph_of: Any, exact: dict[str, Any]
) -> None:
    from edgekit.passes.fold_into_previous import FoldIntoPrevious

    for kind, folded in (("largest", False), ("average", True)):
        graph = graph_of(exact[kind])
        norm = next(call.operation for call in graph.calls if call.kind == "BatchNormalization")
        norm.gamma.assign(-norm.gamma.numpy())
        assert bool(FoldIntoPrevious().requires(tools, graph)) is folded


def test_what_the_converter_folds_stays_for_fine_tuning(tools: Any, layers: Any, rewritten: Any) -> None:
    entry = tools.keras3.Input(PICTURE)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(entry))
    x = layers.BatchNormalization()(layers.Conv2DTranspose(4, 3)(layers.ReLU()(x)))
    x = layers.BatchNormalization()(layers.Dense(4)(layers.Flatten()(layers.ReLU()(x))))
    assert not rewritten(tools.keras3.Model(entry, x), "fold_into_previous").told


@pytest.mark.parametrize("kind", ["largest", "concatenation", "addition"])
def test_the_file_has_fewer_operators(
    exact: dict[str, Any], rewritten: Any, graph_of: Any, int8: Any, kind: str
) -> None:
    own = exact[kind]
    before, after = ([one.name for one in int8(graph).operators] for graph in (graph_of(own), rewritten(own).graph))
    assert len(after) == len(before) - 2, (before, after)
    assert "MUL" not in after
