"""What DEFLATE makes of weights is what is predicted of it, for every format, sparsity and number of clusters."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.cost import download, flash
from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Step
from edgekit.documents.facts import LayerFacts, ModelFacts
from edgekit.techniques.steps import effect, typed
from edgekit.tflite.artifact import Artifact

GOLDEN = Path(__file__).parent.parent / "golden"
PROFILE = load_profile("rpi4")
FORMATS = ("float32", "float16", "int8")
WIDTH = {"float32": 32, "float16": 16, "int8": 8}


def lowered(facts: ModelFacts, steps: tuple[Step, ...]) -> Graph:
    """The graph that the steps make of a model."""
    return effect(lower(facts), map(typed, steps))[0]


def normal_weights(channels: int = 64, window: int = 512) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(window, channels)).astype(np.float32)


def pruned(weights: np.ndarray, share: float) -> np.ndarray:
    return np.where(np.abs(weights) < np.quantile(np.abs(weights), share), 0, weights).astype(np.float32)


def clustered(weights: np.ndarray, count: int) -> np.ndarray:
    centres = np.quantile(weights, (np.arange(count) + 0.5) / count).astype(np.float32)
    return centres[np.abs(weights[..., None] - centres).argmin(axis=-1)]


def deflated_bits(weights: np.ndarray, format_name: str) -> float:
    """Bits a weight, deflated in a format; int8 has a scale a channel."""
    if format_name == "int8":
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
        stored = np.round(weights / scale).astype(np.int8)
    else:
        stored = weights.astype(format_name)
    return 8 * len(zlib.compress(stored.tobytes(), 9)) / stored.size


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.8, 0.9])
def test_deflated_pruned_weights_lie_in_the_interval(name: str, share: float) -> None:
    real = deflated_bits(pruned(normal_weights(), share), name)
    low, usual, high = (download.weight_bits(WIDTH[name], share, None, end) for end in range(3))
    assert low <= real <= high
    assert usual == pytest.approx(real, rel=0.15)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("count", [4, 16, 64])
def test_deflated_clustered_weights_lie_in_the_interval(name: str, count: int) -> None:
    real = deflated_bits(clustered(normal_weights(), count), name)
    low, usual, high = (download.weight_bits(WIDTH[name], 0.0, count, end) for end in range(3))
    assert low <= real <= high
    assert usual == pytest.approx(real, rel=0.35)


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "int8", "int16x8"])
def test_golden_files_lie_in_the_interval(name: str, golden_facts: ModelFacts) -> None:
    found = download.predict(PROFILE, lowered(golden_facts, (Step(technique=name),)))
    assert found.low <= Artifact.from_path(GOLDEN / f"{name}.tflite").download_bytes <= found.high


conversions = st.sampled_from(["float32", "float16", "dynamic_range", "int8", "int16x8"])
shares = st.floats(0, 1, exclude_max=True)


@given(name=conversions, share=shares, count=st.none() | st.integers(2, 128))
def test_low_value_high_are_in_order(name: str, share: float, count: int | None) -> None:
    found = download.predict(PROFILE, lowered(dense(784, 64), chain(name, share, count)))
    assert 0 < found.low <= found.value <= found.high
    assert found.high <= flash.predict(PROFILE, lowered(dense(784, 64), chain(name, share, count))).high


@given(name=conversions, share=shares)
def test_pruning_and_clustering_never_make_it_larger(name: str, share: float) -> None:
    plain = download.predict(PROFILE, lowered(dense(784, 64), chain(name, 0.0, None)))
    assert download.predict(PROFILE, lowered(dense(784, 64), chain(name, share, None))).value <= plain.value
    assert download.predict(PROFILE, lowered(dense(784, 64), chain(name, 0.0, 16))).value <= plain.value


@given(share=st.floats(0, 0.95))
def test_fewer_bits_are_never_larger(share: float) -> None:
    sizes = [download.predict(PROFILE, lowered(dense(784, 64), chain(name, share, None))).value for name in FORMATS]
    assert sizes == sorted(sizes, reverse=True)


def test_what_the_steps_make_of_the_weights_is_in_the_graph() -> None:
    found = lowered(dense(784, 64), chain("int8", 0.75, 32))
    assert [(node.zeros, node.distinct) for node in found.nodes] == [(0.75, 32)]
    plain = lowered(dense(784, 64), chain("int8", 0.0, None))
    assert [(node.zeros, node.distinct) for node in plain.nodes] == [(0.0, None)]
    assert found.dense == plain


def test_what_is_left_out_is_counted_as_it_is(keyword_spotter: ModelFacts) -> None:
    """One layer of few weights pruned saves little, whatever the share of its zeros."""
    sizes = {}
    for exclude in ((), ("pointwise0", "pointwise1", "pointwise2", "pointwise3", "first")):
        pruned = Step(technique="pruning", settings={"sparsity": 0.9, "exclude": list(exclude)})
        found = download.predict(PROFILE, lowered(keyword_spotter, (pruned, Step(technique="int8"))))
        sizes[len(exclude)] = found.value
    sizes["dense"] = download.predict(PROFILE, lowered(keyword_spotter, (Step(technique="int8"),))).value
    assert sizes[0] < 0.6 * sizes["dense"] and 0.97 * sizes["dense"] < sizes[5] < sizes["dense"]


def chain(name: str, share: float, count: int | None) -> tuple[Step, ...]:
    steps = [Step(technique="pruning", settings={"sparsity": share})] if share else []
    steps += [Step(technique="clustering", settings={"clusters": count})] if count else []
    return (*steps, Step(technique=name))


def dense(inputs: int, outputs: int) -> ModelFacts:
    layer = LayerFacts(
        name="dense", kind="Dense", inputs=("in",), output_shape=(outputs,), parameters=inputs * outputs + outputs,
        macs=inputs * outputs, kernel=(inputs, outputs),
    )  # fmt: skip
    return ModelFacts(sha256="0", format="keras", inputs=(), outputs=(), layers=(layer,), output_kinds=("linear",))
