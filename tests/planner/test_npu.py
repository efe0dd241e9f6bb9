"""NPUs: what pays where the compiler codes the weights, and a search that what is unknown of all does not stop."""

from __future__ import annotations

import msgspec

from edgekit.documents.report import Check
from edgekit.planner.planner import Planner
from edgekit.verdict.limits import Limit, Limits

UNKNOWN = Check(name="runtime", outcome="unknown", reason="its compiler cannot be had")

ONE_POINT = Limits(deciding={"accuracy_drop": Limit(value=1.0, origin="user")})


def names(planner):
    return {candidate.name for candidate in planner.waiting}


def answered(planner, trial, **answers):
    """Asks and tells until the end, with one more check for every file."""
    asked = []
    while (candidate := planner.ask()) is not None:
        asked.append(candidate.name)
        found = trial(planner, candidate, **answers.get(candidate.name, {}))
        planner.tell(msgspec.structs.replace(found, checks=(*found.checks, UNKNOWN)))
        assert len(asked) < 100
    return asked


def test_pruning_and_clustering_pay_where_vela_codes_the_weights(task):
    for device in ("corstone-300", "imx93"):
        found = names(Planner(task(device)))
        assert {"pruning_50+int8", "pruning_75+int8", "clustering_16+int8"} <= found
    declined = {one.technique for one in Planner(task("nucleo-l4r5zi")).declined}
    assert "pruning" in declined, "on a microcontroller zeros take their byte"


def test_flash_and_latency_are_what_they_pay_in(task):
    ram = task("corstone-300", currency="ram")
    found = msgspec.structs.replace(ram, limits=ONE_POINT)
    declined = {one.technique: one.reason for one in Planner(found).declined}
    assert {"pruning", "clustering"} <= set(declined)
    for currency in ("flash", "latency"):
        paid = msgspec.structs.replace(task("corstone-300", currency=currency), limits=ONE_POINT)
        assert "pruning_75+int8" in names(Planner(paid))


def test_zeros_and_clusters_are_predicted_to_shrink_the_flash(task):
    found = {one.name: one.estimates["flash"] for one in Planner(task("corstone-300", filters=64)).waiting}
    plain, half, most = (found[name] for name in ("int8", "pruning_50+int8", "pruning_75+int8"))
    assert most.value < half.value < plain.value
    assert all(one.low < one.value < one.high for one in (plain, half, most))
    elsewhere = {one.name: one.estimates["flash"] for one in Planner(task("rpi4", limits={"download": 1e9})).waiting}
    same = {
        one.value
        for name, one in elsewhere.items()
        if name.startswith("pruning") and name.count("+") == 1 and name.endswith("+int8")
    }
    assert len(same) == 1, "the raw file does not shrink"


def test_a_limit_that_int8_misses_may_be_met_by_zeros(task, search):
    planner = Planner(task("corstone-300", filters=64))
    int8 = next(one for one in planner.waiting if one.name == "int8").estimates["flash"].value
    tight = task("corstone-300", filters=64, limits={"flash": int8 * 0.9})
    asked = search(Planner(tight), {"int8": {"flash": int8}})
    assert any(name.startswith("pruning_") for name in asked)
    fixed = task("stm32mp157", filters=64, limits={"flash": int8 * 0.9, "download": 1e9})
    assert not any(name.startswith("pruning_") for name in search(Planner(fixed), {"int8": {"flash": int8}}))
    micro = task("nucleo-l4r5zi", filters=64, limits={"flash": int8 * 0.9, "download": 1e9})
    zeros = [name for name in search(Planner(micro), {"int8": {"flash": int8}}) if name.startswith("pruning_")]
    assert zeros and all(name.endswith("int8_coded") for name in zeros), "there the file must code them"


def test_what_is_measured_of_int8_scales_the_prediction_and_does_not_replace_it(task, trial):
    planner = Planner(task("corstone-300", filters=64))
    for name in ("float32", "int8"):
        candidate = planner.ask()
        assert candidate.name == name
        planner.tell(trial(planner, candidate, **({"flash": 30_000, "latency": 4.0} if name == "int8" else {})))
    asked = []
    while (candidate := planner.ask()) is not None and len(asked) < 5:
        asked.append(candidate)
        planner.tell(trial(planner, candidate, flash=1e6))
    pruned = next(one for one in asked if one.name.startswith("pruning"))
    assert pruned.estimates["flash"].value < 30_000
    assert pruned.estimates["latency"].low < pruned.estimates["latency"].value < 4.0


def test_what_is_unknown_of_every_file_does_not_stop_the_search(task, trial, reasons):
    for device in ("coral-dev-board", "corstone-300"):
        planner = Planner(task(device, currency="download"))
        asked = answered(planner, trial)
        assert any(len(name.split("+")) == 2 and name.startswith("pruning") for name in asked), asked
        assert not [why for why in reasons(planner).values() if "already misses runtime" in why]
        assert planner.best() is None and planner.closest() is not None, "unknown is never a pass"


def test_what_no_file_passes_is_no_reason_to_try_all(task, trial, reasons):
    planner = Planner(task("coral-dev-board"))
    asked = answered(planner, trial, int8={"flash": 10.0})
    assert asked == ["float32", "int8"], "nothing is predicted smaller than what misses nothing else"
    assert "int8 fits with 10 B" in " ".join(reasons(planner).values())


def test_a_check_that_another_file_passes_still_stops_what_cannot_mend_it(task, trial, reasons):
    planner = Planner(task("corstone-300"))
    while (candidate := planner.ask()) is not None:
        found = trial(planner, candidate)
        word = "pass" if candidate.name == "float32" else "unknown"
        own = msgspec.structs.replace(UNKNOWN, outcome=word)
        planner.tell(msgspec.structs.replace(found, checks=(*found.checks, own)))
    assert any("already misses runtime" in why for why in reasons(planner).values())
