"""What a schedule needs is said in the plan, and in the report where the training is shorter."""

from __future__ import annotations

from edgekit.documents.candidate import Step
from edgekit.planner.planner import Planner, outline
from edgekit.planner.schedules import schedule_notes


def test_a_plan_says_what_a_schedule_needs_and_a_report_only_where_that_is_not_there(task):
    asked = task(chains=((Step(technique="l1", settings={"sparsity": 0.8}),), (Step(technique="pruning"),)))
    (note,) = (one for one in outline(asked).notes if "schedule" in one)
    assert note.startswith(
        "own_1:l1_80+int8: the schedule of l1 needs 200 steps of training, and a training has epochs x"
    )
    assert not any("schedule" in one for one in outline(task()).notes)
    waiting = Planner(asked).waiting
    (warning,) = schedule_notes(waiting, 36)
    assert (
        warning.startswith("warning: own_1:l1_80+int8")
        and "needs 200 steps of training, and the training has 36;" in warning
    )
    assert list(schedule_notes(waiting, 200)) == []


def test_the_later_the_zeros_are_complete_the_fewer_steps_are_needed(task):
    late = task(chains=((Step(technique="l1", settings={"end": 1.0}),),))
    lasso = task(chains=((Step(technique="structured_pruning", settings={"criterion": "group_lasso"}),),))
    assert "needs 100 steps" in next(schedule_notes(Planner(late).waiting))
    assert "needs 313 steps" in next(schedule_notes(Planner(lasso).waiting))
