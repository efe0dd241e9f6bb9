"""Normalization goes into the kernel after it where that is exact and the converter leaves it; elsewhere it stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
PICTURE = (8, 8, 4)
MEAN = {"mean": [0.1, 0.5, -0.5, 0.3], "variance": [1.0, 2.0, 0.5, 3.0]}


def chained(tools: Any, shape: Any, *steps: Any) -> Any:
    x = entry = tools.keras3.Input(shape)
    for step in steps:
        x = step(x)
    return tools.keras3.Model(entry, x)


@pytest.fixture
def exact(layers: Any) -> dict[str, Any]:
    """Layers of models in which the first normalization can be folded, by what is special about them."""
    norm = layers.BatchNormalization
    return {
        "convolution": (PICTURE, norm(), layers.Conv2D(4, 3)),
        "between": (PICTURE, layers.Conv2D(4, 3, activation="relu"), norm(), layers.Conv2D(4, 3, use_bias=False)),
        "groups": (PICTURE, norm(), layers.Conv2D(6, 3, groups=2)),
        "depthwise": (PICTURE, norm(), layers.DepthwiseConv2D(3, depth_multiplier=2)),
        "flatten": (PICTURE, norm(), layers.Flatten(), layers.Dense(3, activation="relu")),
        "average": (PICTURE, layers.Conv2D(4, 3, activation="relu"), norm(), layers.GlobalAveragePooling2D(), layers.Dense(3)),
        "padded average": (PICTURE, norm(), layers.AveragePooling2D(3, padding="same"), layers.Conv2D(2, 3)),
        "line": ((9, 4), norm(), layers.Conv1D(4, 3)),
        "volume": ((5, 5, 5, 4), norm(), layers.Conv3D(4, 3)),
        "twice": (PICTURE, norm(), norm(), layers.Conv2D(4, 3)),
        "normalization": (PICTURE, layers.Normalization(**MEAN), layers.Conv2D(4, 3)),
        "normalized columns": ((4,), layers.Normalization(**MEAN), layers.Dense(3)),
        "a point, padded": (PICTURE, norm(), layers.Conv2D(4, 1, strides=2, padding="same")),
        "scale alone, padded": (PICTURE, layers.Rescaling([1.0, 2.0, 0.5, 1.5]), layers.Conv2D(4, 3, padding="same")),
    }  # fmt: skip


KINDS = (
    "convolution", "between", "groups", "depthwise", "flatten", "average", "padded average", "line", "volume", "twice", "normalization",
    "normalized columns", "a point, padded", "scale alone, padded",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_folded(tools: Any, exact: dict[str, Any], rewritten: Any, alike: Any, kind: str) -> None:
    own = chained(tools, *exact[kind])
    graph, told = rewritten(own, "fold_into_next")
    assert told
    assert not {"BatchNormalization", "Normalization", "Rescaling"} & {call.kind for call in graph.calls}
    alike(own, graph)


def test_what_algebra_forbids_stays(tools: Any, layers: Any, rewritten: Any) -> None:
    """Padding with an offset, an activation or a padding layer between, several users, an output, shared layers, another axis."""
    norm, shared, kernel = layers.BatchNormalization, layers.BatchNormalization(), layers.Conv2D(4, 3)
    entry, other = tools.keras3.Input(PICTURE), tools.keras3.Input(PICTURE)
    twice, out = norm()(entry), norm()(entry)
    outputs = [
        layers.Conv2D(4, 3, padding="same")(norm()(entry)),
        layers.Conv2D(4, 3)(layers.ReLU()(norm()(entry))),
        layers.Conv2D(4, 3)(layers.ZeroPadding2D(1)(norm()(entry))),
        layers.Conv2D(4, 3)(layers.MaxPooling2D(2)(norm()(entry))),
        layers.Conv2D(4, 3)(twice), layers.Conv2D(4, 3)(twice),
        out, layers.Conv2D(4, 3)(out),
        layers.Conv2D(4, 3)(shared(entry)), layers.Conv2D(4, 3)(shared(other)),
        kernel(norm()(entry)), kernel(norm()(other)),
        layers.Conv2D(4, 3)(norm(axis=1)(entry)),
        layers.Conv2D(4, 3)(layers.Dropout(0.5)(norm()(entry))),
    ]  # fmt: skip
    own = tools.keras3.Model([entry, other], outputs)
    graph, told = rewritten(own, "fold_into_next")
    assert not told
    assert sum(call.kind == "BatchNormalization" for call in graph.calls) == 12


def test_what_the_converter_folds_stays_for_fine_tuning(tools: Any, layers: Any, rewritten: Any) -> None:
    entry = tools.keras3.Input(PICTURE)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 127.5, offset=-1)(entry)))
    x = layers.Conv2D(4, 3)(layers.BatchNormalization()(layers.BatchNormalization()(layers.Dropout(0.1)(x))))
    x = layers.BatchNormalization()(layers.GlobalMaxPooling2D()(layers.ReLU()(x)))
    graph, told = rewritten(tools.keras3.Model(entry, layers.Dense(2)(x)), "fold_into_next")
    assert not told
    assert sum(call.kind in ("BatchNormalization", "Rescaling") for call in graph.calls) == 5


def test_a_large_factor_stays_before_the_kernel(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    """Weights of other sizes would not train alike; channels that differ too much are left."""
    near, far = [60.0**2, 50.0**2, 55.0**2, 65.0**2], [1e-4, 1.0, 1e4, 1.0]
    conv = layers.Conv2D(4, 3, name="conv")
    own = chained(tools, PICTURE, layers.Normalization(mean=[120.0] * 4, variance=near, name="norm"), conv)
    graph, _ = rewritten(own, "fold_into_next")
    assert [(call.name, call.kind) for call in graph.calls] == [("norm", "Rescaling"), ("conv", "Conv2D")]
    ratio = np.asarray(graph.calls[1].operation.kernel) / np.asarray(conv.kernel)
    assert 0.8 < ratio.min() < ratio.max() < 1.25
    alike(own, graph, np.random.default_rng(0).uniform(0, 255, (2, *PICTURE)).astype("float32"))
    own = chained(tools, PICTURE, layers.Normalization(mean=[0.0] * 4, variance=far), layers.Conv2D(4, 3))
    assert not rewritten(own, "fold_into_next").told


def test_pixels_are_cast_by_what_stays(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    entry = tools.keras3.Input(PICTURE, dtype="uint8")
    own = tools.keras3.Model(entry, layers.Conv2D(4, 3)(layers.Normalization(**MEAN)(entry)))
    graph, _ = rewritten(own, "fold_into_next")
    assert [call.kind for call in graph.calls] == ["Rescaling", "Conv2D"]
    alike(own, graph, np.random.default_rng(0).integers(0, 255, (2, *PICTURE)).astype("uint8"))


@pytest.mark.parametrize("kind", ["between", "flatten", "normalization"])
def test_the_file_has_fewer_operators(
    tools: Any, exact: dict[str, Any], rewritten: Any, graph_of: Any, int8: Any, kind: str
) -> None:
    own = chained(tools, *exact[kind])
    before, after = ([one.name for one in int8(graph).operators] for graph in (graph_of(own), rewritten(own).graph))
    assert len(after) == len(before) - 2, (before, after)
    assert not {"MUL", "ADD", "SUB"} & set(after)
