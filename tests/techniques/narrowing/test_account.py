"""The budget of narrower groups is weighed without making them, and is what the narrower model is counted to hold."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from edgekit.cost.work_time import WorkTime
from edgekit.keras_graph.flat_graph import model_of
from edgekit.passes.channels.groups import left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.techniques.narrowing.account import Account
from edgekit.techniques.narrowing.counted import of_model

pytestmark = pytest.mark.tf
TIME = WorkTime(inference_ns=0, operator_ns=0, mac_ns=10, byte_ns=20, weight_bytes=1, activation_bytes=1)


@pytest.mark.parametrize("budget", ["parameters", "macs", "activations", "latency"])
@pytest.mark.parametrize("name", ["flattened", "residual", "mobile", "joined", "recurrent", "shuffled", "attention"])
def test_what_is_weighed_is_what_the_narrower_model_holds(tools, network, state, name, budget):
    found = state(network(name))
    account = Account(*found, budget, TIME if budget == "latency" else None)
    assert account.whole == pytest.approx(of_model(network(name), budget, TIME), abs=1)
    generator = np.random.default_rng(1)
    gone = {
        place: generator.permutation(group.size) >= generator.integers(1, group.size)
        for place, group in enumerate(found.groups)
    }
    after = narrowed(tools, found.graph, found.channels, left_out(found.groups, gone))
    stays = np.array([1 - gone[place].mean() for place in range(len(found.groups))])
    assert account.held(stays).max() == pytest.approx(of_model(model_of(tools, after), budget, TIME), abs=1)
    assert 0 < account.held(stays).max() < account.whole


def test_the_budgets_are_the_sums_that_one_writes_down(network):
    """8x8x3 -> 12 filters of 3x3, stride 2 (3x3x12) -> 108 -> 16 -> 2."""
    model = network("flattened")
    assert of_model(model, "parameters") == 3 * 3 * 3 * 12 + 108 * 16 + 16 * 2
    assert of_model(model, "macs") == 3 * 3 * (3 * 3 * 3 * 12) + 108 * 16 + 16 * 2
    assert of_model(model, "activations") == 8 * 8 * 3 + 3 * 3 * 12, "input and output of the convolution"


def test_the_weights_of_a_unit_are_its_columns_and_its_row_in_every_gate(network, state):
    """8 steps of 24 -> 32 channels -> 8 units in both directions -> 12 units -> 2; each weight but the head's is used in each step."""
    model, steps, head = network("recurrent"), 3 * 24 * 32, 12 * 2
    both, last = 2 * 3 * 8 * (32 + 8), 4 * 12 * (16 + 12)
    assert of_model(model, "parameters") == steps + both + last + head
    assert of_model(model, "macs") == 8 * (steps + both + last) + head
    found = state(model)
    half = np.array([0.5 if group.makers[0].name == "both" else 1.0 for group in found.groups])
    both, last = 2 * 3 * 4 * (32 + 4), 4 * 12 * (8 + 12)
    assert Account(*found, "parameters").held(half).max() == steps + both + last + head


def test_the_time_of_the_work_is_that_of_the_slower_side_of_the_roofline(network, state):
    """3x3x12 and 16 and 2 numbers are written, each moved twice; the flatten writes its input again."""
    model, moved = network("flattened"), 3 * 3 * 3 * 12 + 108 * 16 + 16 * 2 + 2 * (2 * 108 + 16 + 2)
    assert of_model(model, "latency", replace(TIME, mac_ns=100)) == 100 * of_model(model, "macs")
    slow = replace(TIME, byte_ns=1000)
    assert of_model(model, "latency", slow) == 1000 * moved
    assert Account(*state(model), "latency", slow).whole == 1000 * moved


def test_many_widths_are_weighed_at_once(network, state):
    account = Account(*state(network("residual")), "parameters")
    rows = np.array([[1.0, 1.0], [0.5, 1.0], [1.0, 0.5]])
    assert account.held(rows).shape == (3, 1)
    np.testing.assert_allclose(account.excess(rows, 100.0), [account.excess(row, 100.0) for row in rows])
    assert account.excess(np.zeros(2), account.whole) == 0
