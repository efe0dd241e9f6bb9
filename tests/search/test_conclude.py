"""What a report says beside its verdict: the choice held against what it was chosen from."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from edgekit.documents.report import Check, Metric
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.search.conclude import _cut_short, _search_findings, _trade
from edgekit.search.loop import Search
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
    (note,) = _trade(every, PACKED.trial, "flash")
    assert note == (
        "tables was chosen by its flash, 29.3 KiB, and takes 35.2 KiB of ram; int8 passes too, with 6.0 KiB of ram and "
        "44.0 KiB of flash"
    )
    assert "3 ms" in _trade(every, PACKED.trial, "latency")[0]


@pytest.mark.parametrize(
    "other",
    [finished("int8", 45_000, 18_001), finished("int8", 45_000, 6_000, outcome="fail"), finished("int8", 45_000, None)],
    ids=["nearly as much", "fails", "unknown"],
)
def test_it_says_nothing_where_there_is_nothing_to_say(other):
    assert _trade([PACKED, other], PACKED.trial, "flash") == []
    assert _trade([PACKED, finished("int8", 45_000, 6_000)], None, "flash") == []
    assert _trade([PACKED, finished("int8", 45_000, 6_000)], PACKED.trial, "ram") == []


def test_each_candidate_that_time_cut_is_counted_once():
    over, short, failed = (finished(name, None, None) for name in ("own_1:l1_50+int8", "pruning_50+int8", "own_2:int8"))
    over = msgspec.structs.replace(over, timed_out=True)
    short = msgspec.structs.replace(short, cut=("pruning was stopped at step 9 of 20",))
    found = Search(finished=(over, short, failed), not_tried=("int8",))
    assert _cut_short(found) == (
        "; the time budget cut the search: 1 not tried, 1 ended without a file, 1 trained for less time"
    )
    (told,) = _search_findings(found, None, SimpleNamespace(goal=SimpleNamespace(max_drop_points=1.0)))
    assert "1 candidate was not tried (int8); pruning_50+int8: pruning was stopped" in told.what
    assert told.what.count("own_1:l1_50+int8") == 1 and "own_2" not in told.what
    assert _cut_short(Search(finished=(failed,), not_tried=())) == ""
