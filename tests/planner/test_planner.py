"""The search, asked and told: it ends, it never chooses what fails, and what it does not try has its reason."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.devices.bundled import profile_ids
from edgekit.documents.report import Check, Metric
from edgekit.planner.candidates import candidates
from edgekit.planner.correct import corrected
from edgekit.planner.planner import NOT_TRIED, Planner, Trial

CONTROL = "fine_tuning+float32"


def test_first_stops_when_nothing_smaller_is_predicted(task, search, reasons):
    planner = Planner(task("stm32mp157"))
    asked = search(planner)
    assert asked[0] == "float32" and "int8" in asked
    assert CONTROL not in asked, "nothing is trained once int8 fits"
    assert planner.best().candidate.name in ("int8", "int8_per_tensor")
    assert "predicted" in reasons(planner)["quantization_aware+int8"]


def test_all_does_not_stop(task, search):
    planner = Planner(task(search="all", currency="download"))
    asked = search(planner)
    assert {"float16", "int8", "quantization_aware+int8", "pruning_75+int8", "clustering_16+int8"} <= set(asked)


def test_the_control_comes_once_and_last_where_what_is_chosen_was_trained(task, search):
    planner = Planner(task(search="all", currency="download"))
    asked = search(planner)
    assert asked.count(CONTROL) == 1 and asked[-1] == CONTROL
    assert len(planner.best().candidate.steps) > 1


def test_no_control_is_trained_where_no_trained_candidate_stands(task, search):
    planner = Planner(task(search="all", currency="download"))
    trained = [one.name for one in planner.waiting if len(one.steps) > 1]
    asked = search(planner, {name: {"drop": 50.0} for name in trained})
    assert set(asked) & set(trained) and CONTROL not in asked
    assert planner.best().candidate.name == "int8"


def test_two_workers_wait_for_what_decides(task):
    """Nothing is told: a conversion, one setting of each technique, and no chain before its parts were tried."""
    planner = Planner(task(search="all", currency="download"))
    first = planner.ask()
    asked = [first.name]
    while (candidate := planner.ask(alone=False)) is not None:
        asked.append(candidate.name)
    assert len(asked) == len(set(asked))
    assert "int8_float_fallback" not in asked, "it is for where int8 fails"
    assert {"pruning_75+int8", "clustering_16+int8"} <= set(asked)
    assert not {"pruning_50+int8", "clustering_32+int8"} & set(asked), "they are for where the stronger ones lose"
    assert all(name.count("+") < 2 for name in asked)


def test_an_outlook_is_what_is_asked_if_nothing_changes_and_changes_nothing_itself(task):
    planner = Planner(task(search="all", currency="download"))
    expected, before = {one.name for one in planner.outlook()}, (list(planner.waiting), list(planner.declined))
    assert (planner.waiting, planner.declined) == before and len(expected) > 5
    asked = set[str]()
    while (candidate := planner.ask(alone=False)) is not None:
        asked.add(candidate.name)
        assert asked | {one.name for one in planner.outlook()} == expected
        assert asked.isdisjoint(one.name for one in planner.outlook())
    assert asked and asked < expected, "what depends on a trial waits for it, and stays in the outlook"


def test_an_accuracy_that_is_lost_leads_to_training(task, search):
    conversions = (
        "float16", "dynamic_range", "int8", "int8_per_tensor", "int16x8", "int8_float_fallback", "int8_mixed_5", "int8_mixed_20",
    )  # fmt: skip
    planner = Planner(task("stm32mp157"))
    asked = search(planner, {name: {"drop": 5.0} for name in conversions})
    assert asked[-2:] == ["quantization_aware+int8", CONTROL]
    assert planner.best().candidate.name == "quantization_aware+int8"


def test_stronger_settings_are_tried_while_they_leave_room(task, search, reasons):
    planner = Planner(task(search="all", currency="download"))
    asked = search(planner, {"pruning_95_global+int8": {"drop": 0.6}, "clustering_8+int8": {"drop": 3.0}})
    alone = [name for name in asked if name.count("+") == 1]
    assert [name for name in alone if "pruning" in name][:3] == [
        f"pruning_{one}+int8" for one in ("75", "90_global", "95_global")
    ]
    assert "pruning_98_global+int8" not in alone, "0.6 of 1 point left no room"
    assert "clustering_8+int8" in alone and "clustering_4+int8" not in alone
    assert "pruning_50+int8" in alone, "all was asked for"
    one = Planner(task(currency="download"))
    assert "pruning_50+int8" not in search(one), "a stronger one fits"
    assert "takes more away, fits" in reasons(one)["pruning_50+int8"]


def test_lighter_settings_are_tried_where_stronger_ones_lose_too_much(task, search, reasons):
    planner = Planner(task(currency="download"))
    asked = search(planner, {"pruning_75+int8": {"drop": 3.0}, "clustering_16+int8": {"drop": 3.0}})
    assert asked.index("pruning_75+int8") < asked.index("pruning_50+int8")
    assert not any("pruning_75" in name and name != "pruning_75+int8" for name in asked)
    assert reasons(planner)["pruning_75+clustering_16+int8"].startswith("pruning_75+int8, which is lighter")
    assert reasons(planner)["pruning_75+clustering_16+int8"].endswith("loses more than 1 point")


def test_a_lighter_one_whose_loss_is_not_known_lost_nothing_yet(task, search):
    planner = Planner(task(search="all", currency="download"))
    asked = search(planner, {"pruning_75+int8": {"drop": None}})
    assert any(name.startswith("pruning_75+clustering") for name in asked)
    assert "pruning_90_global+int8" not in asked, "nor is it known to leave room"


def test_the_fallback_is_tried_only_where_int8_gave_no_file(task, search, reasons):
    planner = Planner(task(search="all"))
    assert "int8_float_fallback" not in search(planner)
    assert "int8 converts every operator" in reasons(planner)["int8_float_fallback"]
    failed = Planner(task(search="all"))
    assert "int8_float_fallback" in search(failed, {"int8": {"failure": "an operator has no int8 kernel"}})


def test_kernels_stay_in_float_only_where_int8_loses_too_much(task, search, reasons):
    planner = Planner(task("stm32mp157", search="all"))
    assert not any(name.startswith("int8_mixed") for name in search(planner))
    assert "int8 loses no more than is allowed" in reasons(planner)["int8_mixed_20"]
    lossy = Planner(task("stm32mp157", search="all"))
    asked = search(lossy, {"int8": {"drop": 5.0}})
    assert asked.index("int8") < asked.index("int8_mixed_20")
    waiting = Planner(task("stm32mp157", search="all"))
    first = [waiting.ask().name]
    while (candidate := waiting.ask(alone=False)) is not None:
        first.append(candidate.name)
    assert "int8" in first and "int8_mixed_20" not in first, "whether int8 loses is not known yet"


def test_training_gets_another_conversion_where_its_own_gave_no_file(task, search, reasons):
    planner = Planner(task(search="all", currency="download"))
    asked = search(planner, {"int8": {"failure": "the process ended with signal SIGSEGV"}})
    pruned = [name for name in asked if name.startswith("pruning_50+")]
    assert len(pruned) == 1 and pruned[0] != "pruning_50+int8"
    assert pruned[0].split("+")[1] in asked, "a conversion that was seen to work"
    assert "quantization_aware+int8_float_fallback" in asked, "of those, one whose rounding is simulated"


def test_a_better_variant_stands_in_the_place_of_its_conversion_where_it_keeps_what_was_trained(task, search):
    planner = Planner(task(currency="download"))
    asked = search(planner, {"int8_per_tensor": {"download": 1000.0}})
    assert "pruning_75+int8_per_tensor" in asked and "pruning_75+int8" not in asked
    assert not any("clustering" in name and "per_tensor" in name for name in asked), "clusters are by channel"
    worse = search(Planner(task(currency="download")), {"int8_per_tensor": {"drop": 9.0}})
    assert "pruning_75+int8" in worse


def test_training_is_not_tried_for_a_limit_that_it_does_not_change(task, search, reasons):
    planner = Planner(task(search="all", currency="download", limits={"ram": 10**9}))
    search(planner, {"int8": {"ram": 2 * 10**9}})
    assert reasons(planner)["quantization_aware+int8"] == "int8 already misses ram, which training does not change"


def test_what_was_measured_corrects_what_was_estimated(task, search):
    """The same conversion after training has the size that was measured without: no reason to train for size."""
    planner = Planner(task(currency="flash"))
    asked = search(planner)
    flash = {trial.candidate.name: trial.metrics["flash"].value for trial in planner.trials}
    waiting = [found for found in candidates(planner.task)[0] if found.name == "quantization_aware+int8"]
    told = corrected(waiting[0], planner.trials).estimates["flash"]
    assert (told.low, told.value, told.high) == (flash["int8"],) * 3
    assert "quantization_aware+int8" not in asked


def test_a_limit_that_the_prediction_exceeds_is_named(task, search, reasons):
    planner = Planner(task(limits={"flash": 100.0}))
    asked = search(planner)
    assert asked[0] == "float32" and len(asked) == 2, "the baseline, and the closest conversion to show by how much"
    assert planner.best() is None and planner.closest() is not None
    assert "over the limit of 100 B" in reasons(planner)["float16"]


def test_the_best_is_the_smallest_in_the_currency_and_among_equals_the_more_accurate(task, search):
    planner = Planner(task("stm32mp157", search="all", currency="flash"))
    same = {name: {"flash": 1000.0} for name in ("int8", "dynamic_range")}
    search(planner, {**same, "int8": {"flash": 1000.0, "drop": 0.5}})
    assert planner.best().candidate.name == "dynamic_range"
    assert planner.best().metrics["flash"].value == 1000.0


def test_the_closest_misses_least(task, search):
    planner = Planner(task("stm32mp157", search="all", limits={"accuracy_drop": 1.0}))
    answers = {
        name: {"drop": 9.0}
        for name in (
            "float32",
            "float16",
            "dynamic_range",
            "int8_per_tensor",
            "int16x8",
            "int8_mixed_5",
            "int8_mixed_20",
            "quantization_aware+int8",
        )
    }
    search(planner, {**answers, "int8": {"drop": 1.5}})
    assert planner.best() is None and planner.closest().candidate.name == "int8"


def test_stopping_declines_the_rest_and_ends_the_search(task, trial, reasons):
    planner = Planner(task(search="all", currency="download"))
    first = planner.ask()
    planner.tell(trial(planner, first))
    names = planner.stop()
    assert {"int8", "pruning_50+int8"} <= set(names) and planner.ask() is None
    assert all(reasons(planner)[name] == NOT_TRIED for name in names)


def test_stopping_ends_a_search_in_which_nothing_fits(task, trial, reasons):
    planner = Planner(task(limits={"flash": 5000.0}))
    while "over the limit" not in "".join(reasons(planner).values()):
        planner.tell(trial(planner, planner.ask(), drop=5.0))
    planner.stop()
    assert planner.ask() is None


answer = st.fixed_dictionaries(
    {"drop": st.sampled_from([None, -1.0, 0.0, 0.5, 1.0, 1.01, 50.0]), "scale": st.sampled_from([0.5, 1.0, 3.0])},
    optional={"failure": st.just("it crashed")},
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(profile_ids()), st.sampled_from(["flash", "download", "ram", "latency"]),
    st.sampled_from(["first", "all"]), st.none() | st.floats(100, 1e5), st.lists(answer, min_size=1, max_size=20),
)  # fmt: skip
def test_every_search_ends_and_chooses_only_what_passes(task, trial, reasons, device, currency, how, download, answers):
    given_limits = {} if download is None else {"download": download}
    wanted = task(device, currency=currency, search=how, limits=given_limits)

    def run():
        planner, told, asked = Planner(wanted), itertools.cycle(answers), []
        names = [candidate.name for candidate in planner.waiting]
        while (candidate := planner.ask()) is not None:
            asked.append(candidate)
            planner.tell(trial(planner, candidate, **next(told)))
        return planner, asked, names

    planner, asked, names = run()
    asked_names = [candidate.name for candidate in asked]
    assert asked_names[0] == "float32" and len(asked_names) == len(set(asked_names))
    trainings = {name.split("+")[0] for name in (*asked_names, *reasons(planner))}  # the conversion may be another
    assert {name.split("+")[0] for name in names} <= trainings, "tried or declined"
    assert not set(asked_names) & set(reasons(planner)), "not both"
    assert all(reason for reason in reasons(planner).values())
    best = planner.best()
    if best is not None:
        assert best.passes and best.failure is None and best.candidate.role != "control"
        least = min(
            one.metrics[currency].value for one in planner.trials if one.passes and one.candidate.role != "control"
        )
        assert best.metrics[currency].value <= least * 1.005
    else:
        assert not any(one.passes for one in planner.trials if one.candidate.role != "control")
    again = run()
    assert (again[1], again[0].declined, again[0].best()) == (asked, planner.declined, best), "deterministic"


@pytest.mark.parametrize("device", profile_ids())
def test_the_first_question_is_the_baseline(task, device):
    assert Planner(task(device)).ask().role == "baseline"


def test_what_was_predicted_to_lose_too_much_counts_as_measured_and_is_never_the_closest(task, trial, reasons):
    planner = Planner(task(currency="download"))

    def told(candidate):
        drop = Metric(
            value=3.0, unit="points", basis="predicted", source="a test", low=2.0, high=4.0, split="validation"
        )
        checks = (Check(name="accuracy_drop", outcome="fail", limit=1.0, value=3.0, unit="points", reason="ended"),)
        return Trial(candidate=candidate, seconds=1.0, metrics={"accuracy_drop": drop}, checks=checks)

    asked = []
    while (candidate := planner.ask()) is not None:
        asked.append(candidate.name)
        trains = len(candidate.steps) > 1 and candidate.role == "candidate"
        planner.tell(
            told(candidate) if trains else trial(planner, candidate, drop=9.0 * (candidate.name == "int8_per_tensor"))
        )
    assert "pruning_75+int8" in asked and "pruning_50+int8" in asked
    assert reasons(planner)["pruning_75+clustering_16+int8"].endswith(
        "which is lighter, already loses more than 1 point"
    )
    planner.trials[:] = [one for one in planner.trials if one.is_predicted]
    assert planner.trials and planner.best() is None and planner.closest() is None, "there is no file of them"
