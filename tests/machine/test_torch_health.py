"""Whether the PyTorch door is open, as `edgekit doctor` says it: versions, what is missing with its line, and a Python that is none."""

from __future__ import annotations

import sys

import pytest

from edgekit.machine import torch_python as where
from edgekit.machine.torch_health import torch_ability
from edgekit.machine.torch_python import VARIABLE

FIT = {"torch": "2.13.0+cpu", "onnx": "1.23.2", "onnxscript": "0.7.2", "msgspec": "0.23.0"}


@pytest.fixture
def here(monkeypatch):
    """This Python with distributions of such versions."""

    def have(versions: dict[str, str]) -> None:
        monkeypatch.delenv(VARIABLE, raising=False)
        monkeypatch.setattr(where, "is_installed", lambda package: package in versions)
        monkeypatch.setattr(where, "version_of", versions.get)

    return have


def test_an_open_door_tells_the_versions(here):
    here(FIT)
    found = torch_ability(1.0)
    assert (found.outcome, found.reason, found.install) == ("installed", "", "")
    assert found.title == "PyTorch 2.13.0+cpu, onnx 1.23.2, onnxscript 0.7.2" and "torch" not in sys.modules


def test_what_is_missing_or_too_old_has_its_line(here):
    here({"onnx": "1.23.2", "msgspec": "0.23.0"})
    found = torch_ability(1.0)
    assert found.outcome == "missing" and "torch and onnxscript" in found.reason and VARIABLE in found.reason
    assert found.install.endswith('-m pip install "edgekit-tflite[torch]"') and found.title == "PyTorch"
    here({**FIT, "torch": "2.3.1"})
    found = torch_ability(1.0)
    assert found.outcome == "missing" and "torch 2.3.1, where torch>=2.8 is needed" in found.reason
    assert found.install.endswith('-m pip install "edgekit-tflite[torch]"')


def test_another_python_is_asked_and_named(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("""#!/bin/sh\necho '{"python": "3.11.7", "torch": "2.13.0", "onnx": "1.23.2"}'\n""")
    python.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(python))
    found = torch_ability(20.0)
    assert found.outcome == "missing" and found.title == f"PyTorch 2.13.0, onnx 1.23.2 in {python}"
    assert "onnxscript and msgspec" in found.reason and found.install.startswith(f"{python} -m pip install")


def test_one_that_is_no_python_is_broken(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/no/such/python")
    found = torch_ability(1.0)
    assert found.outcome == "broken" and "/no/such/python" in found.title and f"correct {VARIABLE}" in found.reason
