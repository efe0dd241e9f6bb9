"""Where PyTorch is: another environment's Python by a variable, and one line for what is missing, with exit code 3."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgekit.errors import MissingExtraError
from edgekit.machine import torch_python as where
from edgekit.machine.torch_python import VARIABLE, torch_versions


@pytest.fixture(autouse=True)
def asked_anew():
    where._versions_in.cache_clear()


def test_a_python_without_pytorch_is_told_what_to_install(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')  # without installed packages
    python.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(python))
    with pytest.raises(MissingExtraError, match="needs torch and onnx and onnxscript and msgspec") as caught:
        torch_versions()
    assert caught.value.exit_code == 3 and VARIABLE in caught.value.what
    assert caught.value.next_step.startswith(f"{python} -m pip install torch")


def test_a_python_that_has_it_tells_the_versions(monkeypatch, tmp_path):
    for name in where.PACKAGES:
        (tmp_path / f"{name}-9.9.dist-info").mkdir()
        (tmp_path / f"{name}-9.9.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n"
        )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(python))
    found = torch_versions()
    assert found["torch"] == "9.9" and found["python"].startswith("3.")


@pytest.mark.parametrize("kind", ["missing", "no program", "not executable"])
def test_a_python_that_cannot_be_started_is_named(monkeypatch, tmp_path, kind):
    python = tmp_path / "python"
    if kind != "missing":
        python.write_text("junk" if kind == "no program" else "#!/bin/sh\n")
        python.chmod(0o755 if kind == "no program" else 0o644)
    monkeypatch.setenv(VARIABLE, str(python))
    with pytest.raises(MissingExtraError, match="cannot be started") as caught:
        torch_versions()
    assert caught.value.where == str(python) and caught.value.received and VARIABLE in caught.value.next_step


def test_without_the_variable_the_extra_of_this_python_is_asked_for(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(where, "is_installed", lambda package: package not in ("torch", "onnxscript"))
    with pytest.raises(
        MissingExtraError, match="a model of PyTorch needs torch and onnxscript, which are not installed"
    ) as caught:
        torch_versions()
    assert 'pip install "edgekit-tflite[torch]"' in caught.value.next_step and "small build" in caught.value.next_step
    assert Path("docs/pytorch.md").name in caught.value.next_step
