"""Who set a limit: the user's word is the last, the board decides, and what nobody asked for warns."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.devices.profile import load_profile
from edgekit.documents.report import Metric
from edgekit.verdict.checks import check_default, judge, misses, outcome, shortfall, warnings
from edgekit.verdict.limits import limits_of

BOARD = {"flash": 1_048_576.0, "ram": 524_288.0}


def metric(value, unit="ms", **more):
    return Metric(value=value, unit=unit, basis="predicted", source="a test", **more)


def test_what_the_board_has_decides_and_what_its_profile_expects_does_not():
    found = limits_of(load_profile("nucleo-l4r5zi"), {"accuracy_drop": 1.0})
    assert found.values == {**BOARD, "accuracy_drop": 1.0} and found.default_values == {"latency": 500.0}
    assert {name: limit.origin for name, limit in found.deciding.items()} == {
        "flash": "board", "ram": "board", "accuracy_drop": "user",
    }  # fmt: skip
    assert all(limit.decides for limit in found.deciding.values())
    assert not any(limit.decides for limit in found.defaults.values())


def test_the_users_word_takes_the_place_of_both():
    given = {"latency": 100.0, "ram": 1000.0, "flash": None, "download": None}
    found = limits_of(load_profile("nucleo-l4r5zi"), given)
    assert found.values == {"flash": BOARD["flash"], "ram": 1000.0, "latency": 100.0}
    assert found.default_values == {} and found.deciding["latency"].origin == "user"


def test_a_default_on_memory_stands_beside_what_the_board_has():
    profile = load_profile("nucleo-l4r5zi")
    tight = msgspec.structs.replace(profile.memory.ram_for_model, value=1000.0)
    profile = msgspec.structs.replace(profile, budget=msgspec.structs.replace(profile.budget, ram=tight))
    found = limits_of(profile, {})
    assert (found.values["ram"], found.default_values["ram"]) == (BOARD["ram"], 1000.0)

    def ram(value: float) -> tuple[str, float]:
        arena = Metric(value=value, unit="B", basis="measured", source="a test")
        checks = judge(found.values, {"ram": arena}, defaults=found.default_values)
        return next((check.outcome, check.limit) for check in checks if check.name == "ram")

    assert ram(900) == ("pass", BOARD["ram"]) and ram(2000) == ("warn", 1000.0)
    assert ram(1e6) == ("fail", BOARD["ram"]), "what is warned of may fail all the same"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (metric(900, low=500, high=1000), "predicted 80% over the limit"),
        (metric(400, low=200, high=600), "its high end is 20% over it"),
        (metric(None, reason="it has a loop"), "it has a loop"),
        (None, "latency was not measured"),
    ],
)
def test_a_default_that_is_missed_warns_and_says_whose_it_is(found, said):
    check = check_default("latency", 500.0, found)
    assert check.outcome == "warn" and check.limit == 500.0 and said in check.reason
    assert "a default of the profile" in check.reason and "--max-latency 500ms" in check.reason
    assert outcome([check]) == "pass" and misses([check]) == () and warnings([check]) == (check,)
    assert shortfall(check) == 0.0


def test_a_default_that_holds_passes():
    check = check_default("latency", 500.0, metric(100, low=50, high=400))
    assert (check.outcome, check.limit) == ("pass", 500.0)


def test_a_limit_of_the_same_length_fails():
    late = {"latency": metric(900, low=500, high=1000)}
    asked = judge({"latency": 500.0}, late)
    assert outcome(asked) == "fail" and outcome(judge({}, late, defaults={"latency": 500.0})) == "pass"
