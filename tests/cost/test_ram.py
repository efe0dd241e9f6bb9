"""Memory by the lifetimes of activations, held against what tflite-micro's allocator reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.cost import ram
from edgekit.cost.graph import Graph, Node
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Step
from edgekit.documents.facts import ModelFacts
from edgekit.techniques.integer import integer
from edgekit.techniques.steps import effect, typed

BOARD, LINUX = load_profile("nucleo-l4r5zi"), load_profile("rpi4")
# Arena totals that tflite-micro 0.dev20261023 (64-bit) reports for tests/golden and for kws_ref_model.tflite.
ARENAS = {"int8": 2496, "float32": 3200, "int16x8": 4864}
KEYWORD_SPOTTER_ARENA = 24_272


def lowered(facts: ModelFacts, steps: tuple[Step, ...]) -> Graph:
    """The graph that the steps make of a model."""
    return effect(lower(facts), map(typed, steps))[0]


def in_bytes(graph: Graph, width: int) -> Graph:
    """A graph whose activations take so many bytes an element."""
    return integer(graph, activation_bytes=width)


def int8() -> tuple[Step, ...]:
    return (Step(technique="int8"),)


def node(name: str, elements: int, *inputs: str) -> Node:
    return Node(name=name, inputs=inputs, elements=elements)


def test_a_chain_holds_two_tensors_at_a_time() -> None:
    graph = Graph(inputs={"x": 64}, nodes=(node("a", 32, "x"), node("b", 128, "a"), node("c", 16, "b")), outputs=("c",))
    assert ram.peak_bytes(in_bytes(graph, 1)) == 32 + 128
    assert ram.peak_bytes(in_bytes(graph, 4)) == 4 * (32 + 128)


def test_a_skip_connection_keeps_its_tensor_alive() -> None:
    nodes = (node("a", 64, "x"), node("b", 64, "a"), node("c", 64, "b"), node("sum", 64, "c", "a"))
    graph = Graph(inputs={"x": 16}, nodes=nodes, outputs=("sum",))
    assert ram.peak_bytes(in_bytes(graph, 1)) == 3 * 64


def test_tensors_are_rounded_up_to_16_bytes() -> None:
    graph = Graph(inputs={"x": 1}, nodes=(node("a", 17, "x"),), outputs=("a",))
    assert ram.peak_bytes(in_bytes(graph, 1)) == 16 + 32


def test_a_models_first_output_lives_to_the_end() -> None:
    nodes = (node("early", 160, "x"), node("b", 16, "x"), node("c", 16, "b"))
    graph = Graph(inputs={"x": 16}, nodes=nodes, outputs=("early", "c"))
    assert ram.peak_bytes(in_bytes(graph, 1)) == 160 + 16 + 16


def test_the_keyword_spotters_peak_is_the_arenas_head(keyword_spotter: ModelFacts) -> None:
    assert (
        ram.peak_bytes(in_bytes(lower(keyword_spotter), 1)) == 2 * 25 * 5 * 64
    )  # 'head' in the allocator's report: 16000


@pytest.mark.parametrize("name", ARENAS)
def test_reported_arenas_of_golden_files_lie_in_the_interval(name: str, golden_facts: ModelFacts) -> None:
    found = ram.predict(BOARD, lowered(golden_facts, (Step(technique=name),)))
    assert found.low <= ARENAS[name] <= found.high
    assert found.value == pytest.approx(ARENAS[name], rel=0.25)


def test_the_keyword_spotters_arena_is_near(keyword_spotter: ModelFacts) -> None:
    found = ram.predict(BOARD, lowered(keyword_spotter, int8()))
    assert found.low <= KEYWORD_SPOTTER_ARENA <= found.high
    assert found.value == pytest.approx(KEYWORD_SPOTTER_ARENA, rel=0.05)


def test_weights_are_in_ram_on_linux_and_in_flash_on_a_microcontroller(keyword_spotter: ModelFacts) -> None:
    float32, quantized = (Step(technique="float32"),), int8()
    saved_on_linux = (
        ram.predict(LINUX, lowered(keyword_spotter, float32)).value
        - ram.predict(LINUX, lowered(keyword_spotter, quantized)).value
    )
    saved_on_board = (
        ram.predict(BOARD, lowered(keyword_spotter, float32)).value
        - ram.predict(BOARD, lowered(keyword_spotter, quantized)).value
    )
    peak = ram.peak_bytes(in_bytes(lower(keyword_spotter), 1))
    assert saved_on_board <= 3 * peak
    assert saved_on_linux > saved_on_board + 2 * 3 * lower(keyword_spotter).weights * 0.9


@given(name=st.sampled_from(["float32", "float16", "dynamic_range", "int8", "int8_float_fallback", "int16x8"]))
def test_low_value_high_are_in_order(name: str, golden_facts: ModelFacts, keyword_spotter: ModelFacts) -> None:
    for profile in (BOARD, LINUX):
        for facts in (golden_facts, keyword_spotter):
            found = ram.predict(profile, lowered(facts, (Step(technique=name),)))
            assert 0 < found.low <= found.value <= found.high


sizes = st.lists(st.integers(1, 5000), min_size=1, max_size=8)


@given(sizes=sizes, first=st.integers(1, 5000))
def test_fewer_bits_never_hold_more(sizes: list[int], first: int) -> None:
    graph = chain(first, sizes)
    assert (
        ram.peak_bytes(in_bytes(graph, 1)) <= ram.peak_bytes(in_bytes(graph, 2)) <= ram.peak_bytes(in_bytes(graph, 4))
    )


@given(sizes=sizes, first=st.integers(1, 5000))
def test_the_peak_is_at_least_the_largest_tensor_and_at_most_all(sizes: list[int], first: int) -> None:
    peak = ram.peak_bytes(in_bytes(chain(first, sizes), 1))
    assert max(first, *sizes) <= peak <= sum(-(-size // 16) * 16 for size in (first, *sizes))


def chain(first: int, sizes: list[int]) -> Graph:
    names = ["x", *(f"n{index}" for index in range(len(sizes)))]
    nodes = tuple(node(names[index + 1], size, names[index]) for index, size in enumerate(sizes))
    return Graph(inputs={"x": first}, nodes=nodes, outputs=(names[-1],))
