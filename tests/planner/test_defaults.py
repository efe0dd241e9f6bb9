"""A default of the profile that nobody asked for: it rules no candidate out and ends no search."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.documents.report import Metric
from edgekit.planner.planner import Planner, Trial, impossible, outline
from edgekit.techniques.interface import Task
from edgekit.verdict.checks import judge, warnings
from edgekit.verdict.limits import Limit, Limits


@pytest.fixture
def slow(task):
    """A task in which every candidate is predicted to take longer than the default by far."""
    made = task("nucleo-l4r5zi")
    deciding = {name: limit for name, limit in made.limits.deciding.items() if name != "latency"}
    limits = Limits(deciding=deciding, defaults={"latency": Limit(value=1e-6, origin="default")})
    return msgspec.structs.replace(made, limits=limits)


def told(task: Task, planner: Planner) -> list[str]:
    asked = []
    while (candidate := planner.ask()) is not None:
        asked.append(candidate.name)
        values = {name: estimate.value for name, estimate in candidate.estimates.items()}
        metrics = {name: Metric(value=value, unit="", basis="measured", source="") for name, value in values.items()}
        metrics["accuracy_drop"] = Metric(value=0.0, unit="points", basis="simulated", source="")
        checks = judge(task.limits.values, metrics, defaults=task.limits.default_values)
        planner.tell(Trial(candidate=candidate, seconds=1.0, metrics=metrics, checks=checks))
    return asked


def test_a_default_that_no_candidate_can_hold_ends_no_search(slow):
    planner = Planner(slow)
    asked = told(slow, planner)
    assert len(asked) > 1 and planner.best() is not None
    assert all([check.name for check in warnings(trial.checks)] == ["latency"] for trial in planner.trials)
    assert not any("latency" in one.reason for one in planner.declined)


def test_a_plan_says_it_and_is_possible(slow):
    plan = outline(slow)
    assert plan.outcome == "possible" and plan.defaults == {"latency": 1e-6} and "latency" not in plan.limits
    own = Limit(value=1e-6, origin="user")
    asked = msgspec.structs.replace(slow, limits=Limits(deciding={**slow.limits.deciding, "latency": own}))
    assert outline(asked).outcome == "impossible", "the same limit, of the user's own"
    assert all(impossible(slow, candidate) is None for candidate in Planner(slow).waiting)


def test_a_cost_with_a_default_counts_where_the_goal_weighs_all(slow):
    goal = msgspec.structs.replace(slow.goal, aim="balanced")
    balanced = msgspec.structs.replace(slow, goal=goal)
    without = msgspec.structs.replace(balanced, limits=msgspec.structs.replace(balanced.limits, defaults={}))
    assert balanced.counts("latency") and not without.counts("latency")
    assert not slow.counts("latency"), "who asks for one cost is asked nothing of another that no limit speaks of"
