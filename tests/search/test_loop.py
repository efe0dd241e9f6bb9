"""The search: asked ahead, told in the order asked, cut by time, and stopped without another word to the planner."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import msgspec
import pytest

from edgekit.documents.candidate import Step
from edgekit.errors import InterruptedBuild
from edgekit.measure.measure import Watch
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.search.fleet import SearchContext
from edgekit.search.loop import search
from edgekit.search.trials import Finished
from edgekit.techniques.steps import typed


class Asked:
    """A planner with a list: it remembers what it was told, and whether it was asked alone."""

    def __init__(self, names: list[str]) -> None:
        self.left, self.told, self.alone, self.skipped = list(names), [], [], []

    def ask(self, *, alone: bool) -> Proposal | None:
        self.alone.append(alone)
        return Proposal(name=name, steps=(typed(Step(technique="float32")),)) if (name := next_of(self.left)) else None

    def tell(self, trial: Trial) -> bool:
        self.told.append(trial.candidate.name)
        return trial.candidate.name != "twin"

    def watch(self, candidate: Proposal) -> Watch:
        told = len(self.told)
        return lambda metrics, checks: f"asked after {told} were told" if candidate.name == "unwanted" else None

    def skip(self, candidate: Proposal, reason: str) -> None:
        self.skipped.append((candidate.name, reason))

    def stop(self) -> list[str]:
        left, self.left = self.left, []
        return left


def next_of(names: list[str]) -> str | None:
    return names.pop(0) if names else None


class Slow:
    """A runner whose earlier candidates take longer, so that later ones end first."""

    def __init__(self, seconds: dict[str, float], *, together: tuple[str, ...] = ()) -> None:
        self.seconds, self.together, self.running, self.most = seconds, together, 0, 0
        self._all_here = threading.Barrier(max(1, len(together)), timeout=20)
        self._lock = threading.Lock()

    def run(self, candidate, *, progress, deadline, watch) -> Finished:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        if candidate.name in self.together:
            self._all_here.wait()
        time.sleep(self.seconds.get(candidate.name, 0.0))
        with self._lock:
            self.running -= 1
        return Finished(trial=Trial(candidate=candidate, seconds=0.0), skipped=watch({}, ()))


def context(executor: ThreadPoolExecutor, *, ahead: int, left_s: float = 60.0) -> SearchContext:
    return SearchContext(executor=executor, ahead=ahead, deadline=time.monotonic() + left_s, stopped=threading.Event())


def quiet(phase: str, done: int, total: int) -> None: ...


def test_told_in_the_order_asked_whoever_ends_first():
    planner, runner = Asked(["baseline", "a", "b", "c", "d"]), Slow({"a": 0.2, "c": 0.05}, together=("a", "b", "c"))
    with ThreadPoolExecutor(8) as executor:
        found = search(planner, runner, context(executor, ahead=3), quiet)
    assert planner.told == ["baseline", "a", "b", "c", "d"] == [one.trial.candidate.name for one in found.finished]
    assert runner.most == 3, "the baseline alone, then so many as the context allows and no more"
    assert found.not_tried == ()


def test_a_trial_that_is_not_wanted_any_more_and_one_of_the_same_file_are_no_trials():
    planner = Asked(["baseline", "a", "unwanted", "twin", "b"])
    with ThreadPoolExecutor(4) as executor:
        found = search(planner, Slow({"a": 0.1}), context(executor, ahead=4), quiet)
    assert [one.trial.candidate.name for one in found.finished] == ["baseline", "a", "b"]
    assert planner.skipped == [("unwanted", "asked after 1 were told")], "by what was known when it was asked for"
    assert planner.told == ["baseline", "a", "twin", "b"]


def test_time_that_is_up_leaves_the_baseline_and_names_the_rest():
    planner = Asked(["baseline", "a", "b"])
    with ThreadPoolExecutor(1) as executor:
        found = search(planner, Slow({}), context(executor, ahead=1, left_s=-1.0), quiet)
    assert planner.told == ["baseline"] and found.not_tried == ("a", "b")


@pytest.mark.parametrize("timed_out", [False, True])
def test_a_trial_that_failed_behind_the_time_is_one_that_was_tried_and_none_that_was_not(timed_out):
    """Whatever it failed by; only where time was lacking it is named as unfinished."""

    class Fails(Slow):
        def run(self, candidate, *, progress, deadline, watch) -> Finished:
            done = super().run(candidate, progress=progress, deadline=deadline, watch=watch)
            failed = candidate.name == "own_1:pruning_50+int8"
            mine.deadline = -math.inf if failed else math.inf  # the time is over while it is tried
            trial = msgspec.structs.replace(done.trial, failure="no proof of pruning" if failed else None)
            return msgspec.structs.replace(done, trial=trial, timed_out=failed and timed_out)

    planner = Asked(["baseline", "own_1:pruning_50+int8", "b"])
    with ThreadPoolExecutor(1) as executor:
        given = context(executor, ahead=1)
        mine = SimpleNamespace(
            executor=executor, ahead=1, deadline=math.inf, stopped=given.stopped, require_running=given.require_running
        )
        found = search(planner, Fails({}), mine, quiet)
    assert [one.trial.candidate.name for one in found.finished] == ["baseline", "own_1:pruning_50+int8"]
    assert found.not_tried == ("b",) and found.unfinished == ("own_1:pruning_50+int8",) * timed_out


def test_a_build_that_is_stopped_tells_the_planner_nothing_more():
    """What fails after the stop failed by the stop, and must not become a reason in a report."""
    planner = Asked(["baseline", "a", "b"])
    with ThreadPoolExecutor(2) as executor:
        mine = context(executor, ahead=2)
        runner = Slow({"a": 0.2})
        threading.Timer(0.1, mine.stopped.set).start()
        with pytest.raises(InterruptedBuild):
            search(planner, runner, mine, quiet)
    assert planner.told == ["baseline"]
