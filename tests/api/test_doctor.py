"""`edgekit doctor`: what works is seen by running it, what is broken is a problem, what is missing has its line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from edgekit.api import doctor as diagnosis
from edgekit.api.doctor import ADDED, PARTS, examine
from edgekit.boards.emulator.sysroot import MANIFEST
from edgekit.devices.bundled import profile_ids
from edgekit.documents.health import Health
from edgekit.emit.schema import schema_text
from edgekit.machine.torch_python import VARIABLE
from edgekit.values import from_json, to_json


@pytest.fixture(scope="module")
def health(tmp_path_factory) -> Health:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_CACHE", str(tmp_path_factory.mktemp("cache") / "not" / "yet"))
        patch.delenv(VARIABLE, raising=False)
        return examine()


def ability(health: Health, name: str):
    return next(each for each in health.abilities if each.name == name)


def test_this_installation_works_and_litert_was_seen_to(health):
    assert (health.outcome, health.problems, health.deep) == ("works", (), False)
    assert ability(health, "litert").outcome == "works"
    assert "LiteRT" in ability(health, "litert").title
    assert ability(health, "tensorflow").outcome in ("installed", "missing")  # not started, so never 'works'


def test_it_is_by_its_schema(health):
    jsonschema.Draft202012Validator(json.loads(schema_text("doctor.schema.json"))).validate(json.loads(to_json(health)))
    assert from_json(to_json(health), Health) == health


def test_every_device_and_every_part_is_in_it(health):
    assert [device.device for device in health.devices] == list(profile_ids())
    assert {each.name for each in health.abilities} == {*PARTS, *ADDED, "tensorflow", "torch", "emulator"}
    assert health.machine.cores >= 1 and health.machine.memory_bytes > health.machine.free_memory_bytes > 0


def test_a_device_that_cannot_run_any_file_is_limited(health):
    by_id = {device.device: device.limited for device in health.devices}
    assert "no runtime" in by_id["rpi-zero-w"]
    assert by_id["rpi4"] == "" == by_id["host"]


def test_a_cache_that_is_not_there_is_not_made(health):
    assert not Path(health.cache.path).exists()
    assert (health.cache.used_bytes, health.cache.problem) == (0, "") and health.cache.free_bytes > 0


def test_a_cache_that_is_a_file_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(diagnosis, "PARTS", {})
    monkeypatch.setattr(diagnosis, "_runtimes", list)
    found = examine()
    assert found.outcome == "broken" and "cache" in found.problems[0]


def test_a_python_that_is_named_for_pytorch_and_is_none_is_a_problem(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/bin/true")
    monkeypatch.setattr(diagnosis, "_runtimes", list)
    found = examine()
    (problem,) = [one for one in found.problems if VARIABLE in one]
    assert found.outcome == "broken" and problem.startswith("PyTorch in /bin/true does not work")


def broken_module(folder: Path, body: str) -> None:
    """A `tflite_micro` that is found before the real one, and what pip would have written of it."""
    (folder / "tflite_micro").mkdir()
    (folder / "tflite_micro" / "__init__.py").write_text(body)
    info = folder / "tflite_micro-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tflite-micro\nVersion: 9.9\n")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise ImportError('a library is too old')", "a library is too old"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_is_installed_and_fails_is_broken_and_says_how(monkeypatch, tmp_path, body, says):
    broken_module(tmp_path, body)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = diagnosis._runtime("tflite_micro")
    assert found.outcome == "broken" and says in found.reason
    assert 'pip install "edgekit-tflite[micro]"' in found.install


def test_what_is_not_installed_is_missing_with_its_line(monkeypatch):
    monkeypatch.setattr(diagnosis, "version_of", lambda name: None)
    found = diagnosis._runtime("tflite_micro")
    assert (found.outcome, found.reason) == ("missing", "tflite-micro is not installed")
    for name, extra in (
        ("images", "images"),
        ("onnx", "onnx"),
        ("onnxruntime", "onnx"),
        ("vela", "npu"),
        ("cluster", "cluster"),
    ):
        added = diagnosis._added(name)
        assert added.outcome == "missing" and added.install.endswith(f'pip install "edgekit-tflite[{extra}]"')


def executable(path: Path) -> None:
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)


def test_what_emulation_needs_is_looked_for_and_not_started(monkeypatch, tmp_path):
    (sysroot := tmp_path / "sysroots" / "aarch64").mkdir(parents=True)
    (commands := tmp_path / "bin").mkdir()
    monkeypatch.setenv("EDGEKIT_SYSROOTS", str(sysroot.parent))
    monkeypatch.setenv("PATH", str(commands))
    found = diagnosis._emulator()
    assert found.outcome == "missing" and "aarch64: no qemu-aarch64 and no sysroot; armv7l: no qemu-arm" in found.reason
    qemu, sysroot_line = found.install.split(" && ")
    assert qemu == "apt-get install qemu-user" and sysroot_line.endswith("make_sysroot --arch aarch64")
    executable(commands / "qemu-aarch64")
    found = diagnosis._emulator()
    assert found.outcome == "missing" and "aarch64: no sysroot;" in found.reason and "apt-get" not in found.install
    (sysroot / MANIFEST).write_text("")
    found = diagnosis._emulator()
    assert (found.outcome, found.install) == ("installed", "") and "aarch64" in found.title
    (commands / "qemu-aarch64").unlink()
    found = diagnosis._emulator()
    assert (found.outcome, found.install) == ("missing", "apt-get install qemu-user")


def test_a_lacking_base_is_a_problem_and_a_lacking_extra_is_none(monkeypatch, health):
    packages = {package.name: package for package in health.packages}
    gone = [
        type(package)(**{**_fields(package), "version": None, "outcome": "missing"}) for package in packages.values()
    ]
    lacking = [package for package in gone if package.name in ("msgspec", "tflite-micro")]
    problems = diagnosis._problems(tuple(lacking), (), health.cache)
    assert problems == ("msgspec is not installed",)


def _fields(value):
    return {name: getattr(value, name) for name in value.__struct_fields__}


@pytest.mark.tf
@pytest.mark.slow
def test_deep_starts_tensorflow_and_runs_what_it_converts(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    found = diagnosis._tensorflow(diagnosis.packages(), deep=True, progress=lambda *_: None)
    assert (found.outcome, found.reason) == ("works", "") and "TFMOT" in found.title


def test_a_tensorflow_that_fails_is_broken(monkeypatch):
    monkeypatch.setattr(diagnosis, "_ask", lambda *_, **__: "the process ended with signal SIGILL")
    found = diagnosis._tensorflow(diagnosis.packages(), deep=True, progress=lambda *_: None)
    if found.outcome != "missing":
        assert (found.outcome, found.reason) == ("broken", "the process ended with signal SIGILL")
