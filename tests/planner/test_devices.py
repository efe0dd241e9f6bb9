"""What the planner finds to try on each bundled device: something, and never what the device cannot take."""

from __future__ import annotations

import pytest

from edgekit.devices.bundled import profile_ids
from edgekit.devices.profile import list_profiles, load_profile
from edgekit.planner.planner import outline
from edgekit.search.outlined import outlined

ALIVE = {"float32", "int8"}


@pytest.mark.parametrize("device", profile_ids())
def test_there_is_something_to_try_and_a_reason_for_the_rest(task, device):
    found = outline(task(device))
    names = {candidate.name for candidate in found.candidates}
    assert found.outcome == "possible" and names >= ALIVE
    assert all(len(declined.reason) > 20 for declined in found.declined)
    profile = load_profile(device)
    if profile.runtime.kind == "tflite_micro":
        assert not names & {"float16", "dynamic_range"}
    int8 = next(candidate for candidate in found.candidates if candidate.name == "int8")
    assert int8.steps[0].settings["io"] == profile.numerics.input_output[0]


@pytest.mark.parametrize("device", [one.id for one in list_profiles() if one.kind == "npu"])
def test_an_npu_gets_int8_and_nothing_else(task, device):
    found = outline(task(device))
    conversions = {candidate.steps[-1].technique for candidate in found.candidates}
    assert conversions == ALIVE
    assert {"float16", "dynamic_range", "int16x8", "int8_float_fallback"} <= {one.technique for one in found.declined}


def test_a_plan_says_what_is_missing_on_the_device(task):
    for profile in list_profiles():
        made = outlined(task(profile.id))
        assert made.outcome == "possible"
        assert made.reason == (profile.obstacle or "")
    impossible = outlined(task("rpi-zero-w", limits={"flash": 1.0}))
    assert impossible.outcome == "impossible" and "flash" in impossible.reason
