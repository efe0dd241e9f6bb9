"""What a report notes beside its verdict: the choice held against what it was chosen from."""

from __future__ import annotations

import pytest

from edgekit.documents.report import Check, Metric
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.search.notes import trade
from edgekit.search.trials import Finished


def finished(
    name: str, flash: float | None, ram: float | None, latency: float = 1.0, outcome: str = "pass"
) -> Finished:
    metrics = {
        key: Metric(value=value, unit=unit, basis="measured", source="a test")
        for key, value, unit in (("flash", flash, "B"), ("ram", ram, "B"), ("latency", latency, "ms"))
    }
    candidate = Proposal(name=name, steps=(), role="baseline" if name == "float32" else "candidate")
    return Finished(
        trial=Trial(candidate=candidate, seconds=1, metrics=metrics, checks=(Check(name="ram", outcome=outcome),))
    )


PACKED = finished("tables", 30_000, 36_000, latency=3.0)


def test_a_choice_that_takes_twice_the_ram_of_another_says_so():
    every = [finished("float32", 99_000, 1_000), PACKED, finished("int8", 45_056, 6_144)]
    (note,) = trade(every, PACKED.trial, "flash")
    assert note == (
        "tables was chosen by its flash, 29.3 KiB, and takes 35.2 KiB of ram; int8 passes too, with 6.0 KiB of ram and "
        "44.0 KiB of flash"
    )
    assert "3 ms" in trade(every, PACKED.trial, "latency")[0]


@pytest.mark.parametrize(
    "other",
    [finished("int8", 45_000, 18_001), finished("int8", 45_000, 6_000, outcome="fail"), finished("int8", 45_000, None)],
    ids=["nearly as much", "fails", "unknown"],
)
def test_it_says_nothing_where_there_is_nothing_to_say(other):
    assert trade([PACKED, other], PACKED.trial, "flash") == []
    assert trade([PACKED, finished("int8", 45_000, 6_000)], None, "flash") == []
    assert trade([PACKED, finished("int8", 45_000, 6_000)], PACKED.trial, "ram") == []
