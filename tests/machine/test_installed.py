"""Packages and extras: what pip wrote is read, versions are held to what is allowed, nothing is imported."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edgekit.machine import installed
from edgekit.machine.installed import BASE, TESTED, extras, line_for, packages, wanted

ROOT = Path(__file__).parents[2]

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout whose requirements the test chooses."""

    def write(base: list[str], **by_extra: list[str]) -> None:
        lines = ["[project]", 'name = "edgekit-tflite"', f"dependencies = {base}", "[project.optional-dependencies]"]
        lines += [f"{name} = {texts}" for name, texts in by_extra.items()]
        (tmp_path / "pyproject.toml").write_text("\n".join(lines))
        monkeypatch.setattr(installed, "CHECKOUT", tmp_path / "pyproject.toml")
        wanted.cache_clear()

    yield write
    wanted.cache_clear()


def test_every_requirement_of_the_project_is_listed_with_its_version():
    named = {package.name: package for package in packages()}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for part, texts in {BASE: declared["dependencies"], **declared["optional-dependencies"]}.items():
        for requirement in map(Requirement, texts):
            if requirement.marker is None or requirement.marker.evaluate():
                package = named[requirement.name.lower().replace("_", "-")]
                assert part in package.needed_by
    assert named["numpy"].version == importlib.metadata.version("numpy")
    assert named["msgspec"].outcome == "ok"


def test_the_tested_versions_are_allowed_ones():
    for package in packages():
        if package.name in TESTED and package.version and package.version.startswith(TESTED[package.name]):
            assert package.outcome == "ok", package


def test_a_missing_and_a_wrong_version_are_told_apart(project):
    project(["msgspec>=0.1"], build=["no-such-thing>=1", "msgspec>=999"], fine=["click"])
    named = {package.name: package for package in packages()}
    assert (named["no-such-thing"].outcome, named["no-such-thing"].version) == ("missing", None)
    assert named["msgspec"].outcome == "ok"  # the base allows it; the extra does not
    by_name = {extra.name: extra for extra in extras()}
    assert by_name["build"].missing == ("no-such-thing",)
    assert by_name["build"].outside == (f"msgspec {importlib.metadata.version('msgspec')}",)
    assert by_name["build"].install == f'{sys.executable} -m pip install "edgekit-tflite[build]"'
    assert by_name["fine"].complete and by_name["fine"].install == ""


def test_versions_outside_and_untested(project, monkeypatch):
    project(["click>=999", "rich"])
    monkeypatch.setitem(TESTED, "rich", "0.1")
    named = {package.name: package for package in packages()}
    assert (named["click"].outcome, named["rich"].outcome) == ("outside", "untested")


def test_what_does_not_apply_to_this_python_is_not_wanted(project):
    project(["click; python_version < '3'"], old=["tflite-runtime; python_version < '3'"])
    assert packages() == ()
    (old,) = extras()
    assert not old.complete and old.install == "" and line_for("old") == ""


def test_an_extra_that_would_break_the_rest_gets_its_own_environment():
    line = line_for("tflite-runtime")
    assert line == "" if sys.version_info >= (3, 12) else "-m venv" in line
    assert line_for(None) == f'{sys.executable} -m pip install "edgekit-tflite"'


def test_without_a_checkout_it_is_what_pip_wrote(monkeypatch, tmp_path):
    monkeypatch.setattr(installed, "CHECKOUT", tmp_path / "none.toml")
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: Metadata())
    monkeypatch.setattr(
        importlib.metadata,
        "requires",
        lambda name: ["click>=8", 'tensorflow>=2 ; extra == "build"', "gone; extra == 'other'"],
    )
    wanted.cache_clear()
    try:
        assert {part: [each.name for each in found] for part, found in wanted().items()} == {
            BASE: ["click"],
            "build": ["tensorflow"],
            "other": ["gone"],
        }
    finally:
        wanted.cache_clear()


class Metadata:
    def get_all(self, name):
        return ["build", "other"]


def test_nothing_is_imported_to_find_out():
    code = (
        "import sys; from edgekit.machine.installed import packages, extras; packages(); extras();"
        "heavy = {'tensorflow', 'numpy', 'keras', 'scipy', 'ai_edge_litert'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
