"""The limits of a call: one value whatever they were given as, and an error that names the option that is wrong."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edgekit.api.build import build
from edgekit.api.check import check
from edgekit.api.plan import plan
from edgekit.errors import ProjectError
from edgekit.project.limits import limits_given

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def test_text_and_numbers_are_the_same_limits():
    said = limits_given(max_drop=1, max_flash="1KiB", max_download="1kB", max_ram="2KiB", max_latency="20us")
    assert said == limits_given(max_drop=1.0, max_flash=1024, max_download=1000, max_ram=2048.0, max_latency=0.02)
    assert said.values == {"flash": 1024.0, "download": 1000.0, "ram": 2048.0, "latency": 0.02, "accuracy_drop": 1.0}
    assert {limit.origin for limit in said.deciding.values()} == {"user"} and not said.defaults


def test_what_is_not_given_is_no_limit():
    assert limits_given().values == {} and limits_given(max_drop=0).values == {"accuracy_drop": 0.0}


@pytest.mark.parametrize("option", ["max_flash", "max_download", "max_ram", "max_latency"])
@pytest.mark.parametrize("given", ["soon", "5", 0, -1, math.nan, math.inf, True, [1]])
def test_a_wrong_limit_names_its_option(option, given):
    with pytest.raises(ProjectError) as caught:
        limits_given(**{option: given})
    assert caught.value.where == f"--{option.replace('_', '-')}"


@pytest.mark.parametrize("given", ["much", -1, math.nan, math.inf, [1]])
def test_a_wrong_number_of_points(given):
    with pytest.raises(ProjectError) as caught:
        limits_given(max_drop=given)
    assert caught.value.where == "--max-drop"


def test_build_plan_and_check_say_the_same_of_a_wrong_limit():
    calls = (
        lambda **given: build("m.keras", "d.npz", device="rpi4", **given),
        lambda **given: plan("m.keras", device="rpi4", **given),
        lambda **given: check(GOLDEN / "int8.tflite", device="rpi4", **given),
    )
    said = set()
    for call in calls:
        with pytest.raises(ProjectError) as caught:
            call(max_ram="plenty")
        said.add(str(caught.value))
    assert len(said) == 1 and "--max-ram" in said.pop()
