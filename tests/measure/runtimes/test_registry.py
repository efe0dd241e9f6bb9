"""Devices that nothing is published for, and NPUs whose compiler comes first: said clearly, and never a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from edgekit.cost import ram
from edgekit.cost.lowering import lower
from edgekit.devices.profile import list_profiles, load_profile
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.errors import InputError, MissingExtraError
from edgekit.measure.runtimes import registry
from edgekit.measure.runtimes.registry import require_runtimes, runtime, runtime_check
from edgekit.measure.static import TITLES

GOLDEN = Path(__file__).parents[2] / "golden"
HINDERED = [profile.id for profile in list_profiles() if profile.obstacle]


def test_every_kind_of_a_profile_has_a_title_and_all_but_none_an_implementation():
    assert set(TITLES) == {profile.runtime.kind for profile in list_profiles()}
    for kind in set(TITLES) - {"none"}:
        assert runtime(kind).name == kind
    with pytest.raises(InputError, match="unknown runtime"):
        runtime("none")


@pytest.mark.parametrize(
    ("devices", "there", "extras"),
    [
        (["corstone-300"], {"tflite_micro"}, "[npu]"),
        (["corstone-300"], {"ethosu"}, "[micro]"),
        (["corstone-300"], set(), "[npu,micro]"),
        (["rpi4", "imx93"], set(), "[npu]"),
        (["imx93", "esp32-s3"], {"tensorflow"}, "[npu,micro]"),
        (["esp32-s3"], {"ethosu"}, "[micro]"),
    ],
)
def test_what_a_build_cannot_pass_without_is_asked_for_in_one_line(monkeypatch, devices, there, extras):
    monkeypatch.setattr(registry, "is_installed", there.__contains__)
    with pytest.raises(MissingExtraError, match="cannot pass without") as raised:
        require_runtimes([load_profile(device) for device in devices])
    assert raised.value.exit_code == 3 and raised.value.next_step.endswith(f'"edgekit-tflite{extras}"')
    assert devices[-1] in raised.value.what and "rpi4" not in raised.value.what


def test_what_a_device_does_not_need_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda package: False)
    require_runtimes([load_profile(device) for device in ("rpi4", "host", "coral-dev-board")], also=("build",))
    with pytest.raises(MissingExtraError) as raised:
        require_runtimes([load_profile("corstone-300")], also=("build",))
    assert '"edgekit-tflite[build,npu,micro]"' in raised.value.next_step
    monkeypatch.setattr(registry, "is_installed", lambda package: True)
    require_runtimes([load_profile("corstone-300")])


def test_a_build_without_the_compiler_of_its_npu_ends_before_any_work(monkeypatch, tiny_project):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tiny_project / "cache"))
    monkeypatch.setattr(registry, "is_installed", lambda package: package != "ethosu")
    said = []
    with pytest.raises(MissingExtraError, match="corstone-300 cannot pass without Vela"):
        edgekit.build(
            project=tiny_project, device=["rpi4", "corstone-300"], out=tiny_project / "out",
            progress=lambda *step: said.append(step),
        )  # fmt: skip
    assert said == [] and not (tiny_project / "out").exists() and not (tiny_project / "cache").exists()


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
    assert ram.predict(load_profile("corstone-300"), lower(facts)).source == ram.ARENA_SOURCE
    assert ram.predict(load_profile("coral-dev-board"), lower(facts)).source == ram.PROCESS_SOURCE
