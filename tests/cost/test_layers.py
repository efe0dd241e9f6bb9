"""The predicted costs of layers, held against the golden network as it was converted, and against the sums."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.cost import flash, latency, ram
from edgekit.cost.latency import Workload
from edgekit.cost.layers import model_cost
from edgekit.cost.lowering import lower
from edgekit.cost.parts import apportion
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Estimate
from edgekit.documents.facts import ModelFacts
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"
LINUX = load_profile("rpi4")


def test_layers_take_what_the_converted_files_operators_take(golden_facts: ModelFacts) -> None:
    rows = {row.label: row for row in reversed(breakdown(read_tflite(GOLDEN / "float32.tflite")).operators)}
    cost = model_cost(golden_facts)
    for name in ("convolution", "depthwise", "hidden", "classes"):
        assert cost.layers[name].flash_bytes == rows[name].flash_bytes, name
        assert cost.layers[name].memory_bytes == rows[name].memory_bytes, name
    assert cost.layers["flat"].memory_bytes == rows["flat"].memory_bytes
    assert cost.layers["flat"].flash_bytes == 0  # the converter adds 8 bytes, the shape that it reshapes to


def test_the_sums_are_those_of_the_cost_models(keyword_spotter: ModelFacts) -> None:
    cost, graph = model_cost(keyword_spotter, LINUX), lower(keyword_spotter)
    whole = flash.predict(LINUX, graph)
    assert cost.flash == whole
    assert sum(each.flash_bytes for each in cost.layers.values()) == flash.weight_bytes(graph)
    assert cost.peak_bytes == ram.peak_bytes(graph) == max(each.memory_bytes or 0 for each in cost.layers.values())
    assert cost.latency == latency.predict(LINUX, graph)
    assert sum(each.latency.value for each in cost.layers.values() if each.latency) == pytest.approx(cost.latency.value)


def test_a_layer_that_the_converter_merges_says_into_which(keyword_spotter: ModelFacts) -> None:
    layers = model_cost(keyword_spotter, LINUX).layers
    for name in ("first_norm", "first_relu", "drop"):
        assert (layers[name].merged_into, layers[name].memory_bytes, layers[name].latency) == ("first", None, None)
        assert layers[name].flash_bytes == 0
    assert layers["first"].merged_into is None
    assert layers["input"].merged_into is None


WORK = st.builds(
    Workload,
    macs=st.integers(0, 10**9),
    weight_bytes=st.integers(0, 10**7),
    activation_bytes=st.integers(0, 10**7),
    operators=st.just(1),
    dtype=st.sampled_from(["float32", "int8"]),
)


@given(st.lists(WORK, min_size=1, max_size=6), st.floats(1e-3, 1e3))
def test_the_parts_sum_to_the_whole_and_their_intervals_enclose_its_own(parts: list[Workload], value: float) -> None:
    whole = Estimate(value=value, low=value / 3, high=value * 5, source="")
    found = apportion(LINUX, whole, parts)
    assert sum(each.value for each in found) == pytest.approx(whole.value)
    assert sum(each.low for each in found) <= whole.low * (1 + 1e-9)
    assert sum(each.high for each in found) >= whole.high * (1 - 1e-9)
    assert all(0 <= each.low <= each.value <= each.high for each in found)
