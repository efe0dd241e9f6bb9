"""Devices that nothing is published for, and NPUs whose compiler comes first: said clearly, and never a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from edgekit.cost import ram
from edgekit.errors import InputError
from edgekit.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.profile import list_profiles, load_profile
from edgekit.runtimes.registry import runtime, runtime_check
from edgekit.runtimes.static import TITLES

GOLDEN = Path(__file__).parent.parent / "golden"
HINDERED = [profile.id for profile in list_profiles() if profile.obstacle]


def test_every_kind_of_a_profile_has_a_title_and_all_but_none_an_implementation():
    assert set(TITLES) == {profile.runtime.kind for profile in list_profiles()}
    for kind in set(TITLES) - {"none"}:
        assert runtime(kind).name == kind
    with pytest.raises(InputError, match="unknown runtime"):
        runtime("none")


@pytest.mark.parametrize("device", HINDERED)
def test_a_file_that_runs_here_is_unknown_there_and_one_that_does_not_fails(device):
    profile = load_profile(device)
    ran = runtime_check(profile, "LiteRT", None, basis="simulated")
    assert (ran.outcome, ran.basis) == ("unknown", None)
    assert ran.reason.startswith(str(profile.obstacle)) and "here it loads and runs" in ran.reason
    failed = runtime_check(profile, "LiteRT", "it crashed", basis="simulated")
    assert (failed.outcome, failed.reason) == ("fail", "it crashed")
    assert runtime_check(load_profile("rpi4"), "LiteRT", None, basis="simulated").outcome == "pass"


@pytest.mark.parametrize("device", HINDERED)
def test_check_says_what_is_missing_and_does_not_pass(device):
    report = edgekit.check(GOLDEN / "int8.tflite", device=device, cache=False)
    checks = {check.name: check for check in report.checks}
    assert report.outcome == "fail"
    assert checks["runtime"].outcome == "unknown" and str(load_profile(device).obstacle) in checks["runtime"].reason
    assert checks["ram"].outcome == checks["latency"].outcome == "pass", "what can be known is known all the same"
    assert checks["operators"].outcome == ("unknown" if device == "rpi-zero-w" else "pass")


def test_a_float_file_is_refused_by_the_ends_of_an_npu():
    report = edgekit.check(GOLDEN / "float32.tflite", device="coral-dev-board", cache=False)
    assert {check.name for check in report.checks if check.outcome == "fail"} >= {"input_dtype", "output_dtype"}


def test_memory_is_an_arena_where_tflite_micro_runs_whatever_the_class():
    image = TensorFacts(name="image", shape=(8, 8, 1), dtype="float32")
    layer = LayerFacts(
        name="dense", kind="Dense", inputs=("image",), output_shape=(10,), parameters=650, kernel=(64, 10)
    )
    facts = ModelFacts(
        sha256="0", format="t", inputs=(image,), outputs=(image,), layers=(layer,), output_kinds=("softmax",)
    )
    assert load_profile("corstone-300").kind == "npu"
    assert ram.predict(load_profile("corstone-300"), facts, ()).source == ram.ARENA_SOURCE
    assert ram.predict(load_profile("coral-dev-board"), facts, ()).source == ram.PROCESS_SOURCE
