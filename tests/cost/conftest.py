"""Models as facts, written by hand: the golden network, MLPerf Tiny's keyword spotter, and random chains."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts


def model(layers: list[LayerFacts], inputs: tuple[TensorFacts, ...]) -> ModelFacts:
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=inputs, layers=tuple(layers), output_kinds=("softmax",),
        outputs=(TensorFacts(name=layers[-1].name, shape=layers[-1].output_shape, dtype="float32"),),
    )  # fmt: skip


@pytest.fixture(scope="session")
def golden_facts() -> ModelFacts:
    """What tools/make_golden.py converts: 8x8x1, convolution 4, depthwise, dense 8, dense 3."""
    layers = [
        LayerFacts(name="image", kind="InputLayer", output_shape=(8, 8, 1)),
        LayerFacts(
            name="convolution", kind="Conv2D", inputs=("image",), output_shape=(6, 6, 4), parameters=9 * 4 + 4,
            macs=36 * 9 * 4, kernel=(3, 3, 1, 4), activation="relu",
        ),
        LayerFacts(
            name="depthwise", kind="DepthwiseConv2D", inputs=("convolution",), output_shape=(6, 6, 4),
            parameters=9 * 4 + 4, macs=36 * 9 * 4, kernel=(3, 3, 4, 1), activation="relu",
        ),
        LayerFacts(name="flat", kind="Flatten", inputs=("depthwise",), output_shape=(144,)),
        LayerFacts(
            name="hidden", kind="Dense", inputs=("flat",), output_shape=(8,), parameters=144 * 8 + 8, macs=144 * 8,
            kernel=(144, 8), activation="relu",
        ),
        LayerFacts(
            name="classes", kind="Dense", inputs=("hidden",), output_shape=(3,), parameters=8 * 3 + 3, macs=8 * 3,
            kernel=(8, 3), activation="softmax",
        ),
    ]  # fmt: skip
    return model(layers, (TensorFacts(name="image", shape=(8, 8, 1), dtype="float32"),))


@pytest.fixture(scope="session")
def keyword_spotter() -> ModelFacts:
    """MLPerf Tiny's DS-CNN: a 10x4 convolution and four separable blocks of 64 channels at 25x5, 12 classes."""
    layers = [LayerFacts(name="input", kind="InputLayer", output_shape=(49, 10, 1))]

    def add(name: str, kind: str, **more: Any) -> None:
        layers.append(LayerFacts(name=name, kind=kind, inputs=(layers[-1].name,), **more))

    def block(name: str, kind: str, kernel: tuple[int, ...], macs: int, weights: int) -> None:
        shape = (25, 5, 64)
        add(name, kind, output_shape=shape, parameters=weights + 64, macs=macs, kernel=kernel)
        add(f"{name}_norm", "BatchNormalization", output_shape=shape, parameters=4 * 64)
        add(f"{name}_relu", "Activation", output_shape=shape, activation="relu")

    block("first", "Conv2D", (10, 4, 1, 64), 125 * 40 * 64, 40 * 64)
    add("drop", "Dropout", output_shape=(25, 5, 64))
    for index in range(4):
        block(f"depthwise{index}", "DepthwiseConv2D", (3, 3, 64, 1), 125 * 9 * 64, 9 * 64)
        block(f"pointwise{index}", "Conv2D", (1, 1, 64, 64), 125 * 64 * 64, 64 * 64)
    add("pool", "AveragePooling2D", output_shape=(1, 1, 64))
    add("flat", "Flatten", output_shape=(64,))
    add(
        "dense",
        "Dense",
        output_shape=(12,),
        parameters=64 * 12 + 12,
        macs=64 * 12,
        kernel=(64, 12),
        activation="softmax",
    )
    return model(layers, (TensorFacts(name="input", shape=(49, 10, 1), dtype="float32"),))
