"""What a build's report says of a search that was cut for lack of time."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec

from edgekit.documents.report import Check
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.search.findings import findings_of_search
from edgekit.search.loop import Search
from edgekit.search.summary import cut_short
from edgekit.search.trials import Finished


def finished(name: str) -> Finished:
    checks = (Check(name="ram", outcome="pass"),)
    return Finished(trial=Trial(candidate=Proposal(name=name, steps=()), seconds=1, checks=checks))


def test_each_candidate_that_time_cut_is_counted_once():
    over, short, failed = (finished(name) for name in ("own_1:l1_50+int8", "pruning_50+int8", "own_2:int8"))
    over = msgspec.structs.replace(over, timed_out=True)
    short = msgspec.structs.replace(short, cut=("pruning was stopped at step 9 of 20",))
    found = Search(finished=(over, short, failed), not_tried=("int8",))
    assert cut_short(found) == (
        "; the time budget cut the search: 1 not tried, 1 ended without a file, 1 trained for less time"
    )
    (told,) = findings_of_search(found, None, SimpleNamespace(goal=SimpleNamespace(max_drop_points=1.0)))
    assert "1 candidate was not tried (int8); pruning_50+int8: pruning was stopped" in told.what
    assert told.what.count("own_1:l1_50+int8") == 1 and "own_2" not in told.what
    assert cut_short(Search(finished=(failed,), not_tried=())) == ""
