"""The costs of a model with fewer channels, and the widths that meet a budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edgekit.cost import ram
from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.cost.narrower import Budget, narrower, uniform
from edgekit.documents.facts import ChannelGroup, LayerFacts, ModelFacts

BUDGETS: tuple[Budget, ...] = ("parameters", "macs", "activations")


@pytest.fixture(scope="session")
def grouped_facts(golden_facts: ModelFacts) -> ModelFacts:
    """The golden network with its groups: four filters that a depthwise convolution and a flatten hand on, and eight of the dense layer."""
    groups = (
        ChannelGroup(size=4, layers={"convolution": 4, "depthwise": 4, "flat": 144}, reads={"hidden": 144}),
        ChannelGroup(size=8, layers={"hidden": 8}, reads={"classes": 8}),
    )
    return replace(golden_facts, groups=groups)


def chained(widths: list[int]) -> Graph:
    """A chain of 1x1 convolutions over 4x4 places of such widths, from three channels to two."""
    layers = [LayerFacts(name="x", kind="InputLayer", output_shape=(4, 4, 3))]
    groups: list[ChannelGroup] = []
    before = 3
    for index, width in enumerate([*widths, 2]):
        layers.append(
            LayerFacts(
                name=f"conv_{index}", kind="Conv2D", inputs=(layers[-1].name,), output_shape=(4, 4, width), parameters=before * width + width,
                macs=16 * before * width, kernel=(1, 1, before, width),
            )
        )  # fmt: skip
        if index < len(widths):
            name, reader = f"conv_{index}", f"conv_{index + 1}"
            groups.append(ChannelGroup(size=width, layers={name: width}, reads={reader: width}))
        before = width
    return lower(
        ModelFacts(
            sha256="", format="", inputs=(), outputs=(), layers=tuple(layers), output_kinds=(), groups=tuple(groups)
        )
    )


def total(graph: Graph, budget: Budget) -> int:
    return {"parameters": graph.weights, "macs": graph.macs, "activations": ram.peak_bytes(graph)}[budget]


def test_each_operator_has_the_share_of_what_it_makes_and_reads(grouped_facts: ModelFacts) -> None:
    convolution, depthwise, flat, hidden, classes = narrower(lower(grouped_facts), (3, 5)).nodes
    assert (convolution.weights, convolution.biases, convolution.macs) == (9 * 3, 3, 36 * 9 * 3)
    assert (depthwise.weights, depthwise.biases, depthwise.macs) == (9 * 3, 3, 36 * 9 * 3)
    assert (convolution.elements, depthwise.elements, flat.elements) == (36 * 3,) * 3
    assert (hidden.weights, hidden.biases, hidden.macs, hidden.window) == (36 * 3 * 5, 5, 36 * 3 * 5, 36 * 3)
    assert (classes.weights, classes.biases, classes.channels, classes.window) == (5 * 3, 3, 3, 5)


def test_a_narrower_graph_can_be_narrowed_again(grouped_facts: ModelFacts) -> None:
    graph = lower(grouped_facts)
    assert narrower(narrower(graph, (3, 6)), (2, 4)) == narrower(graph, (2, 4))
    assert narrower(graph, (4, 8)) == graph


@given(
    st.lists(st.integers(1, 70), min_size=1, max_size=4),
    st.floats(0.05, 1.0),
    st.sampled_from(BUDGETS),
    st.sampled_from((1, 4, 8)),
)
def test_widths_meet_the_budget_and_no_layer_dies(
    widths: list[int], left: float, budget: Budget, multiple: int
) -> None:
    graph = chained(widths)
    found = uniform(graph, budget=budget, left=left, multiple=multiple)
    for width, size in zip(found, widths, strict=True):
        assert max(1, size / 8) <= width <= size
        assert width == size or size < 2 * multiple or width % multiple == 0
    least = uniform(graph, budget=budget, left=0.0, multiple=multiple)
    assert found == least or total(narrower(graph, found), budget) <= left * total(graph, budget)
    more = uniform(graph, budget=budget, left=min(1.0, left + 0.1), multiple=multiple)
    assert all(one <= other for one, other in zip(found, more, strict=True))
    assert list(uniform(graph, budget=budget, left=1.0, multiple=multiple)) == widths


def test_the_widths_are_the_largest_of_one_share() -> None:
    """Half of the multiply-accumulates of 48 to 48 to 32 channels: 40, 40 and 24 would be 60%."""
    graph = chained([48, 48, 32])
    macs = [16 * (3 * a + a * b + b * c + 2 * c) for a, b, c in ((48, 48, 32), (40, 40, 24), (32, 32, 24))]
    assert macs[2] <= 0.5 * macs[0] < macs[1]
    assert uniform(graph, budget="macs", left=0.5, multiple=8) == (32, 32, 24)
    assert narrower(graph, (32, 32, 24)).macs == macs[2]


def test_a_graph_without_groups_stays(golden_facts: ModelFacts) -> None:
    graph = lower(golden_facts)
    assert uniform(graph, budget="macs", left=0.5, multiple=8) == ()
    assert narrower(graph, ()) == graph
