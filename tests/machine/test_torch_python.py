"""Where PyTorch is: another environment's Python by a variable, and one line for what is missing, with exit code 3."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.errors import MissingExtraError
from edgekit.machine import torch_python as where
from edgekit.machine.installed import CHECKOUT
from edgekit.machine.torch_python import VARIABLE, torch_versions

FIT = {"torch": "2.13.0+cpu", "onnx": "1.23.2", "onnxscript": "0.7.2", "msgspec": "0.23.0"}


@pytest.fixture(autouse=True)
def asked_anew():
    where._versions_in.cache_clear()


@pytest.fixture
def named(monkeypatch, tmp_path) -> Callable[[str], Path]:
    """Names a program by the variable: a shell script of such a text."""

    def write(text: str) -> Path:
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{text}\n")
        python.chmod(0o755)
        monkeypatch.setenv(VARIABLE, str(python))
        return python

    return write


@pytest.fixture
def installed(named, tmp_path) -> Callable[[dict[str, str]], Path]:
    """Names a Python that has distributions of such versions, and no others."""

    def write(versions: dict[str, str]) -> Path:
        for name, version in versions.items():
            (folder := tmp_path / "packages" / f"{name}-{version}.dist-info").mkdir(parents=True)
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        return named(f'PYTHONPATH="{tmp_path}/packages" exec "{sys.executable}" -S "$@"')

    return write


def refusal() -> MissingExtraError:
    with pytest.raises(MissingExtraError) as caught:
        torch_versions()
    assert caught.value.exit_code == 3
    return caught.value


def test_a_python_without_pytorch_is_told_what_to_install(installed):
    python = installed({})
    found = refusal()
    assert "needs torch and onnx and onnxscript and msgspec" in found.what and VARIABLE in found.what
    assert found.where == str(python) and found.next_step.startswith(f"{python} -m pip install torch")


def test_a_python_that_has_it_tells_the_versions(installed):
    installed(FIT)
    found = torch_versions()
    assert found.pop("python").startswith("3.") and found == FIT


def test_a_pytorch_that_is_too_old_is_named_with_what_is_allowed_and_the_line(installed):
    python = installed({**FIT, "torch": "2.3.1", "onnxscript": "0.1.0"})
    found = refusal()
    assert "other versions" in found.what and found.where == str(python)
    assert (found.received, found.allowed) == ("torch 2.3.1, onnxscript 0.1.0", "torch>=2.8, onnxscript>=0.5")
    assert found.next_step.startswith(f'{python} -m pip install --upgrade "torch>=2.8" "onnxscript>=0.5"')


def test_a_pytorch_of_this_python_that_is_too_old_is_named_too(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(where, "is_installed", lambda package: True)
    monkeypatch.setattr(where, "version_of", {**FIT, "torch": "2.7.1"}.get)
    found = refusal()
    assert found.received == "torch 2.7.1" and found.next_step.startswith(f"{sys.executable} -m pip install")


def test_a_python_that_is_too_old_for_edgekit_is_named_by_its_version(named):
    """As Python 2.7 answers, which has no importlib.metadata."""
    named("""echo '{"python": "2.7.18"}'""")
    found = refusal()
    assert "too old" in found.what and (found.received, found.allowed) == ("Python 2.7.18", "Python 3.10 or later")


def test_the_oldest_python_is_that_of_the_package():
    assert f'requires-python = ">={where.OLDEST_PYTHON[0]}.{where.OLDEST_PYTHON[1]},' in CHECKOUT.read_text()


NO_PYTHON = {
    "ends": ("exit 0", "exit code 0, and wrote nothing"),
    "echoes": ('echo "$@"', "exit code 0, and wrote last: torch onnx onnxscript msgspec"),
    "complains": ("echo 'SyntaxError: invalid syntax' >&2; exit 1", "exit code 1, and wrote last: SyntaxError"),
    "dies": ("kill -9 $$", "signal 9"),
    "answers otherwise": ("echo '[1]'; echo 3", "exit code 0, and wrote last: 3"),
    "hangs": ("sleep 100", "did not end within 0.3 s"),
    "never ends": ("while :; do echo more; done", "it wrote without end"),
}


@pytest.mark.parametrize("kind", NO_PYTHON)
def test_what_starts_and_is_no_python_is_told_without_words_of_ours(named, monkeypatch, kind):
    text, said = NO_PYTHON[kind]
    python = named(text)
    monkeypatch.setattr(where.found_versions, "__defaults__", (0.3 if kind == "hangs" else 20.0,))
    found = refusal()
    assert "does not answer as a Python does" in found.what and found.where == str(python)
    assert said in found.received and VARIABLE in found.next_step and found.allowed
    assert not any(word in str(found) for word in ("JSON", "CalledProcess", "Traceback", "import json"))


def test_a_home_folder_may_be_written_as_in_a_shell(installed, monkeypatch):
    python = installed(FIT)
    monkeypatch.setenv("HOME", str(python.parent))
    monkeypatch.setenv(VARIABLE, f"~/{python.name}")
    assert where.torch_python() == str(python) and torch_versions()["torch"] == FIT["torch"]


def test_a_folder_is_told_where_its_python_is(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    found = refusal()
    assert found.received == "a folder" and found.next_step.endswith(f"{tmp_path}/bin/python")


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
