"""Factors through the real jobs: trained, converted, shown by the model and by the bytes of the file, kept by the chains that follow."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.cost.lowering import lower
from edgekit.techniques import technique
from edgekit.techniques.factors.nodes import factorised
from edgekit.techniques.factors.seen import in_file, in_model, matched
from edgekit.techniques.factors.shape import Shape
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.tf
INT8 = {"technique": "int8", "settings": {"io": "int8"}}
FLOAT32 = {"technique": "float32", "settings": {}}
PRUNING = {"technique": "pruning", "settings": {"sparsity": 0.5}}
CLUSTERING = {"technique": "clustering", "settings": {"clusters": 8}}


def low_rank(**settings: Any) -> dict[str, Any]:
    return {"technique": "low_rank", "settings": settings}


def quantization_aware(engine: str = "edgekit") -> dict[str, Any]:
    return {"technique": "quantization_aware", "settings": {"engine": engine}}


def autoencoder(tools: Any, layers: Any) -> Any:
    """MLPerf Tiny's for anomaly detection: 640, four of 128, 8, four of 128, 640, each with batch normalization and ReLU but the last."""
    entry = x = tools.keras3.Input((640,), name="given")
    for index, units in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128)):
        x = layers.Dense(units, name=f"dense_{index}")(x)
        x = layers.ReLU(name=f"relu_{index}")(layers.BatchNormalization(name=f"norm_{index}")(x))
    return tools.keras3.Model(entry, layers.Dense(640, name="made")(x))


def small(tools: Any, layers: Any) -> Any:
    """A window, a point and two dense layers, with batch normalization between."""
    entry = tools.keras3.Input((12, 12, 32), name="given")
    x = layers.Conv2D(64, 3, strides=2, padding="same", use_bias=False, name="window")(entry)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(64, 1, activation="relu", name="point")(x)
    x = layers.Dense(64, activation="relu", name="wide")(layers.GlobalAveragePooling2D(name="pool")(x))
    return tools.keras3.Model(entry, layers.Dense(4, name="made")(x))


def holds(evidence: list[dict[str, Any]]) -> bool:
    return all(one["holds"] for one in evidence)


def test_an_autoencoder_is_a_third_of_its_int8_file(tools, layers, jobs, facts_of):
    """A quarter of the weights of eight kernels; the two of 8 channels, biases and scales stay."""
    model = autoencoder(tools, layers)
    plain, _, _ = jobs(model, INT8)
    made, evidence, trained = jobs(model, low_rank(left=0.25), INT8)
    assert holds(evidence), evidence
    whole, ranks = 2 * 640 * 128 + 6 * 128 * 128, (2 * 26, 6 * 16)
    factors = ranks[0] * (640 + 128) + ranks[1] * (128 + 128)
    assert evidence[0]["detail"] == f"8 kernels are products of ranks 16 to 26, with {factors:,} of {whole:,} weights"
    assert (
        f"8 of 8 factorised layers; 8 kernels are products of ranks 16 to 26, with {factors:,} of"
        in evidence[1]["detail"]
    )
    assert f"in {factors:,} B in place of {whole:,}" in evidence[1]["detail"]
    assert made.size_bytes < 0.36 * plain.size_bytes
    planned = factorised(lower(facts_of(model)), "best", 0.25)
    assert made.macs == planned.macs == plain.macs - whole + factors
    assert sum(kernel.array.size for kernel in kernels(made)) == planned.weights
    assert [chain.name for chain in in_model(trained)] == [*(f"dense_{i}" for i in (0, 1, 2, 3, 5 + 1, 7, 8)), "made"]


@pytest.mark.parametrize("form", ["spatial", "tucker"])
def test_windows_points_and_dense_layers_are_in_the_file(tools, layers, jobs, facts_of, form):
    model = small(tools, layers)
    made, evidence, trained = jobs(model, low_rank(left=0.4, form=form), INT8)
    assert holds(evidence), evidence
    assert "3 of 3 factorised layers" in evidence[1]["detail"]
    planned = factorised(lower(facts_of(model)), form, 0.4)
    assert made.macs == planned.macs
    assert sum(kernel.array.size for kernel in kernels(made)) == planned.weights
    window = next(chain for chain in in_model(trained) if chain.name == "window")
    assert window.whole == Shape(3, 3, 32, 64) and len(window.factors) == (2 if form == "spatial" else 3)


@pytest.mark.parametrize(
    "steps",
    [
        (PRUNING,), (quantization_aware(),), (PRUNING, quantization_aware()), (CLUSTERING, quantization_aware()),
        (quantization_aware("tfmot"),),
    ],
    ids=lambda steps: "+".join(step["technique"] for step in steps),
)  # fmt: skip
def test_chains_keep_the_factors(tools, layers, jobs, steps):
    made, evidence, _ = jobs(small(tools, layers), low_rank(left=0.5), *steps, INT8)
    assert holds(evidence), evidence
    shown = [one["detail"] for one in evidence if one["technique"] == "low_rank"]
    assert len(shown) == len(steps) + 2 and all("3 kernels are products" in one for one in shown)
    assert {kernel.dtype for kernel in kernels(made)} == {"int8"}


@pytest.mark.parametrize("conversion", ["float32", "float16", "dynamic_range", "int16x8", "int8_per_tensor"])
def test_every_conversion_keeps_the_factors(tools, layers, jobs, conversion):
    settings = {"io": "float32"} if "int" in conversion else {}
    _, evidence, _ = jobs(small(tools, layers), low_rank(left=0.5), {"technique": conversion, "settings": settings})
    assert holds(evidence), evidence


def test_the_energy_decides_the_ranks_and_what_it_keeps_whole(tools, layers, jobs):
    """Of new layers all directions matter about alike: nine tenths of their energy need more than the factors may cost."""
    model = small(tools, layers)
    _, evidence, trained = jobs(model, low_rank(energy=0.5), INT8)
    assert holds(evidence), evidence
    assert in_model(trained) and all(chain.left < 1 for chain in in_model(trained))
    _, none, left = jobs(model, low_rank(energy=0.99), FLOAT32)
    assert in_model(left) == () and [one["holds"] for one in none] == [False, False, True]
    assert none[0]["detail"].startswith("0 kernels are products")


def test_steps_convolved_along_one_axis_are_in_the_file(tools, layers, jobs):
    entry = tools.keras3.Input((24, 32), name="given")
    x = layers.Conv1D(64, 5, strides=2, padding="same", activation="relu", name="steps")(entry)
    x = layers.Dense(64, activation="relu", name="each")(x)
    model = tools.keras3.Model(entry, layers.Dense(4, name="made")(layers.GlobalAveragePooling1D(name="pool")(x)))
    _, evidence, trained = jobs(model, low_rank(left=0.5), INT8)
    assert holds(evidence) and "2 of 2 factorised layers" in evidence[1]["detail"], evidence
    assert {chain.name for chain in in_model(trained)} == {"steps", "each"}


def test_layers_of_the_network_that_are_called_as_factors_are_none(tools, layers, jobs, facts_of):
    """A layer `enc` behind its own `enc_low_rank` stays whole, for its factors could not be told from that; `wide` is beside its own core."""
    entry = x = tools.keras3.Input((64,), name="given")
    for name in ("enc_low_rank", "enc", "wide_low_rank_core", "wide", "last"):
        x = layers.Dense(64, use_bias=name == "enc", name=name)(x)
    model = tools.keras3.Model(entry, layers.Dense(4, name="made")(x))
    settings = technique("low_rank").settled(lower(facts_of(model)), technique("low_rank").settings_type())
    assert settings.own == ("enc_low_rank", "wide_low_rank_core")
    _, evidence, trained = jobs(model, low_rank(own=list(settings.own)), INT8)
    assert holds(evidence), evidence
    assert {chain.name for chain in in_model(trained, settings.own)} == {"enc_low_rank", "wide_low_rank_core", "last"}
    assert "3 of 3 factorised layers" in evidence[1]["detail"]
    assert any(chain.name == "enc" and chain.left > 1 for chain in in_model(trained)), "they look as if they were"


def test_a_file_of_the_whole_model_is_no_evidence(tools, layers, jobs):
    model = small(tools, layers)
    whole, _, _ = jobs(model, INT8)
    factors, _, trained = jobs(model, low_rank(left=0.5), INT8)
    assert in_file(whole) == () and len(in_file(factors)) == 3
    assert matched(trained, whole) == ((), 0)
    method = technique("low_rank")
    settings = method.settings_type(left=0.5)
    found = method.ensures_kept(tools, trained, whole, settings, technique("int8"))
    assert not found.holds and found.detail.startswith("0 of 3 factorised layers")
    stronger = method.settings_type(left=0.3)
    assert not method.ensures_kept(tools, trained, factors, stronger, technique("int8")).holds, "more is left than that"
