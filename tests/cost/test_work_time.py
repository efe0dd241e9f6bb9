"""The time of work beside the cost model whose roofline it holds."""

from __future__ import annotations

import pytest

from edgekit.cost import latency
from edgekit.cost.budgets import held
from edgekit.cost.lowering import lower
from edgekit.cost.work_time import work_time
from edgekit.devices.profile import load_profile
from edgekit.documents.facts import ModelFacts
from edgekit.techniques.integer import integer


@pytest.mark.parametrize("device", ["nucleo-l4r5zi", "rpi4", "rp2040"])
@pytest.mark.parametrize("arithmetic", ["float32", "int8"])
def test_it_is_what_is_predicted_of_the_graph_in_that_arithmetic(golden_facts: ModelFacts, device, arithmetic):
    profile, graph = load_profile(device), lower(golden_facts)
    stored = integer(graph) if arithmetic == "int8" else graph
    found = work_time(profile, arithmetic).of_graph(graph)
    assert found == pytest.approx(1e6 * latency.predict(profile, stored).value)


def test_the_latency_is_not_known_without_a_device(golden_facts: ModelFacts):
    with pytest.raises(ValueError, match="time of work"):
        held(lower(golden_facts), "latency")
