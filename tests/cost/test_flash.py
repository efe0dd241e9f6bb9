"""The predicted size of a file encloses the real one, and fewer bits are never larger."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.cost import flash
from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Step
from edgekit.documents.facts import LayerFacts, ModelFacts
from edgekit.techniques.steps import effect, typed
from edgekit.tflite.diet.whole import dieted

GOLDEN = Path(__file__).parent.parent / "golden"
PROFILE = load_profile("rpi4")


def lowered(facts: ModelFacts, steps: tuple[Step, ...]) -> Graph:
    """The graph that the steps make of a model."""
    return effect(lower(facts), map(typed, steps))[0]


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(technique=name) for name in names)


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "int8", "int16x8"])
def test_golden_files_lie_in_the_interval(name: str, golden_facts: ModelFacts) -> None:
    found = flash.predict(PROFILE, lowered(golden_facts, steps(name)))
    content = (GOLDEN / f"{name}.tflite").read_bytes()
    written = len(dieted(content, where=name).content)
    assert found.low <= written < len(content) <= found.high
    assert abs(found.value - written) < 0.25 * written


def test_the_keyword_spotters_sizes_lie_in_the_interval(keyword_spotter: ModelFacts) -> None:
    """kws_ref_model.tflite of mlcommons/tiny, as published and after its diet (docs/diet.md)."""
    found = flash.predict(PROFILE, lowered(keyword_spotter, steps("int8")))
    assert found.low <= 32_752 < 53_936 <= found.high
    assert abs(found.value - 32_752) < 0.1 * 32_752


def test_weights_are_counted_at_their_width(golden_facts: ModelFacts) -> None:
    weights, biases, channels = 36 + 36 + 144 * 8 + 24, 4 + 4 + 8 + 3, 4 + 4 + 8 + 3
    assert flash.weight_bytes(lowered(golden_facts, steps("float32"))) == 4 * (weights + biases)
    assert flash.weight_bytes(lowered(golden_facts, steps("float16"))) == 2 * (weights + biases)
    assert flash.weight_bytes(lowered(golden_facts, steps("int8"))) == weights + 4 * biases + 9 * channels
    assert flash.weight_bytes(lowered(golden_facts, steps("int16x8"))) == weights + 8 * biases + 9 * channels


def test_small_tensors_stay_in_float_under_dynamic_range(golden_facts: ModelFacts) -> None:
    quantized = 144 * 8 + 4 * 8 + 9 * 8
    assert flash.weight_bytes(lowered(golden_facts, steps("dynamic_range"))) == quantized + 4 * (
        36 + 4 + 36 + 4 + 24 + 3
    )


def test_pruning_and_clustering_save_nothing(golden_facts: ModelFacts) -> None:
    plain = flash.predict(PROFILE, lowered(golden_facts, steps("int8")))
    pruned = Step(technique="pruning", settings={"sparsity": 0.9})
    assert flash.predict(PROFILE, lowered(golden_facts, (pruned, *steps("clustering", "int8")))) == plain


@given(inputs=st.integers(64, 4096), outputs=st.integers(1, 512))
def test_fewer_bits_are_never_larger(inputs: int, outputs: int) -> None:
    facts = dense(inputs, outputs)
    sizes = [flash.predict(PROFILE, lowered(facts, steps(name))) for name in ("float32", "float16", "int8")]
    assert all(size.low <= size.value <= size.high for size in sizes)
    weights = [flash.weight_bytes(lowered(facts, steps(name))) for name in ("float32", "float16", "int8")]
    assert weights == sorted(weights, reverse=True)
    assert flash.weight_bytes(lowered(facts, steps("int8"))) <= flash.weight_bytes(lowered(facts, steps("int16x8")))


@given(inputs=st.integers(1, 512), outputs=st.integers(1, 64), more=st.integers(1, 64))
def test_more_weights_are_never_smaller(inputs: int, outputs: int, more: int) -> None:
    for name in ("float32", "float16", "int8", "int16x8"):
        smaller = flash.predict(PROFILE, lowered(dense(inputs, outputs), steps(name)))
        larger = flash.predict(PROFILE, lowered(dense(inputs + more, outputs), steps(name)))
        assert (smaller.low, smaller.value, smaller.high) <= (larger.low, larger.value, larger.high)


def dense(inputs: int, outputs: int) -> ModelFacts:
    layers = (
        LayerFacts(name="in", kind="InputLayer", output_shape=(inputs,)),
        LayerFacts(
            name="dense", kind="Dense", inputs=("in",), output_shape=(outputs,), parameters=inputs * outputs + outputs,
            macs=inputs * outputs, kernel=(inputs, outputs),
        ),
    )  # fmt: skip
    return ModelFacts(sha256="0", format="keras", inputs=(), outputs=(), layers=layers, output_kinds=("linear",))
