"""What is not worth a trial, or the rest of one: nothing is trained for what no longer counts, nothing evaluated that cannot win."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.documents.candidate import Step
from edgekit.documents.report import Check, Metric
from edgekit.planner.hope import no_hope
from edgekit.planner.planner import Planner, outline
from edgekit.planner.ranking import standing


def bytes_of(value):
    return Metric(value=value, unit="B", basis="measured", source="a test")


def tell_until(planner, trial, name, **answer):
    """Ask and tell until a candidate was told; its trial."""
    while (candidate := planner.ask()) is not None:
        lost = {"drop": 9.0} if candidate.name == "int8_per_tensor" else {}
        found = trial(planner, candidate, **(answer if candidate.name == name else lost))
        planner.tell(found)
        if candidate.name == name:
            return found
    raise AssertionError(f"{name} was not asked for")


def planned(task):
    return {candidate.name: candidate for candidate in outline(task).candidates}


def test_nobody_trains_to_save_what_no_longer_counts(task, search, reasons):
    """A download limit of 100 MB makes pruning a candidate; what it would save is no hundredth of that."""
    planner = Planner(task("rpi4", aim="balanced", limits={"download": 1e8}))
    asked = search(planner)
    assert not any("+" in name for name in asked) and "int8" in asked
    assert "which no longer counts" in reasons(planner)["pruning_75+int8"]
    tight = Planner(task("rpi4", aim="balanced", limits={"download": 9e3}))
    assert "pruning_75+int8" in search(tight), "of 9 kB it counts"


def test_balanced_is_content_with_int8_on_a_raspberry_pi(task, search, reasons):
    planner = Planner(task("rpi4", aim="balanced", filters=200))
    asked = search(planner)
    assert planner.best().candidate.name == "int8" and not any("+" in name for name in asked)
    assert "takes more time" in reasons(planner)["int16x8"] and "takes more" in reasons(planner)["float16"]


def test_a_trial_ends_when_its_bytes_say_that_it_cannot_win(task, trial):
    planner = Planner(task())
    tell_until(planner, trial, "int8", flash=4000.0)
    other = planned(task())["int16x8"]
    watch = planner.watch(other)
    assert watch({"flash": bytes_of(4600.0)}, ()) == "its flash is 4.5 KiB, int8 fits with 3.9 KiB"
    assert watch({"flash": bytes_of(3000.0)}, ()) is None
    assert watch({"flash": bytes_of(4010.0)}, ()) is None, "as small within half a percent: it may be more accurate"


def test_a_trial_ends_when_it_misses_a_limit_and_another_fits(task, trial):
    planner = Planner(task(limits={"ram": 50_000.0}))
    tell_until(planner, trial, "int8", flash=4000.0, ram=1000.0)
    watch = planner.watch(planned(task())["dynamic_range"])
    assert watch({"flash": bytes_of(3000.0), "ram": bytes_of(60_000)}, ()) == "ram: 20% over the limit, and int8 fits"
    refused = Check(name="operators", outcome="fail", reason="CONV_2D is not there")
    assert "CONV_2D is not there" in watch({"flash": bytes_of(3000.0)}, [refused])


def test_what_is_asked_for_is_measured_to_its_end(task, trial):
    larger = {"flash": bytes_of(1e9)}
    everything = Planner(task(search="all"))
    tell_until(everything, trial, "int8")
    assert everything.watch(planned(task())["int16x8"])(larger, ()) is None
    own = Planner(task(chains=((Step(technique="float16"),),)))
    (mine,) = [one for one in own.waiting if one.name == "own_1:float16"]
    tell_until(own, trial, "float32")
    assert own.watch(mine)(larger, ()) is None
    first = Planner(task(limits={"accuracy_drop": 0.0}))
    tell_until(first, trial, "int8", drop=3.0)
    first.trials[:] = [one for one in first.trials if one.candidate.name == "int8"]
    assert first.watch(planned(task())["int16x8"])(larger, ()) is None, "where nothing fits, all is measured"


def test_a_watch_knows_what_was_known_when_it_was_made(task, trial):
    planner = Planner(task())
    planner.tell(trial(planner, planner.ask()))
    before = planner.watch(planned(task())["int16x8"])
    tell_until(planner, trial, "int8", flash=10.0)
    assert before({"flash": bytes_of(4600.0)}, ()) is None
    assert planner.watch(planned(task())["int16x8"])({"flash": bytes_of(4600.0)}, ()) is not None


def test_a_trial_that_was_ended_is_declined_with_its_reason(task, trial, reasons):
    planner = Planner(task())
    tell_until(planner, trial, "int8")
    candidate = planner.ask()
    planner.skip(candidate, "its flash is 9 MiB")
    assert reasons(planner)[candidate.name] == "its flash is 9 MiB"
    assert candidate.name not in {one.candidate.name for one in planner.trials}


@pytest.mark.parametrize("name", ["int8_per_tensor", "int8_float_fallback", "own_1:int8"])
def test_two_names_of_the_same_bytes_are_one_trial(task, trial, reasons, name):
    steps = (Step(technique="int8", settings={"io": "int8"}),)
    planner = Planner(task("esp32-s3", search="all", chains=(steps,) if "own" in name else ()))
    names = []
    while (candidate := planner.ask()) is not None:
        found = trial(planner, candidate)
        if candidate.name in ("int8", name):
            found = msgspec.structs.replace(found, sha256="5" * 64)
        names += [candidate.name] if planner.tell(found) else []
    same = [one for one in names if one in ("int8", name)]
    assert len(same) == 1
    twin = {"int8", name} - set(same)
    if "own" in name:
        assert reasons(planner)["int8"] == "it has the same steps and settings as own_1:int8: one trial"
    elif name == "int8_float_fallback":
        assert "this would be the same file" in reasons(planner)[name]
    else:
        assert reasons(planner)[twin.pop()] == f"it is the same file as {same[0]}, byte for byte: one trial"


def test_a_chain_of_the_project_gets_the_settings_that_the_device_needs(task):
    for steps in ((Step(technique="int8"),), (Step(technique="pruning"), Step(technique="int8_per_tensor"))):
        (mine,) = [
            one for one in Planner(task("nucleo-l4r5zi", chains=(steps,))).waiting if one.name.startswith("own_1")
        ]
        assert mine.steps[-1].settings.io == "int8"
        said = Step(technique=steps[-1].technique, settings={"io": "float32"})
        (own,) = [
            one for one in Planner(task("nucleo-l4r5zi", chains=((said,),))).waiting if one.name.startswith("own_1")
        ]
        assert own.steps[-1].settings.io == "float32", "what is said is as it is said"


def test_accurate_trains_nothing_where_nothing_is_lost(task, search, reasons, trial):
    planner = Planner(task("rpi4", aim="accurate", limits={"download": 1e5}))
    asked = search(planner)
    assert not any("+" in name for name in asked)
    assert "fits and loses nothing" in reasons(planner)["quantization_aware+int8"]
    best = standing(planner.best())
    assert (
        no_hope(planner.task, planned(task())["quantization_aware+int8"], msgspec.structs.replace(best, drop=0.2))
        is None
    )


def test_time_cuts_only_what_nothing_else_speaks_against(task, trial, reasons):
    planner = Planner(task(currency="download"))
    tell_until(planner, trial, "pruning_75+int8")
    cut = planner.stop()
    assert "pruning_90_global+int8" in cut, "it would have been next"
    assert "float16" not in cut and "predicted" in reasons(planner)["float16"]
    assert "fine_tuning+float32" in cut, "the best is trained, and its control is missing"
    assert planner.ask() is None
