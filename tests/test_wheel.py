"""The installed wheel, used from an empty folder: it carries the device profiles and the schemas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.cli.starter.example import copy_example
from edgekit.devices.bundled import profile_ids
from edgekit.emit.schema import DOCUMENTS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that the wheel alone is installed in."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("edgekit_tflite-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


@pytest.mark.slow
def test_it_lists_its_devices_from_an_empty_folder(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "devices", "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [profile["id"] for profile in json.loads(done.stdout)] == list(profile_ids())


@pytest.mark.slow
def test_it_carries_types_schemas_and_the_licence(installed):
    assert (installed / "edgekit" / "py.typed").exists()
    assert {path.name for path in (installed / "edgekit" / "schemas").iterdir()} == set(DOCUMENTS)
    (licence,) = installed.glob("edgekit_tflite-*.dist-info/licenses/LICENSE")
    assert licence.read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (installed / "edgekit" / "cli" / "edgekit.toml.template").exists()
    for carried in (Path("edgekit", "boards", "edgekit-bench.pyz"), Path("edgekit", "tflite", "flat", "tables.txt")):
        assert (installed / carried).read_bytes() == (ROOT / carried).read_bytes()


@pytest.mark.slow
def test_it_carries_the_example(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "edgekit", "init", "--example"]
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    there = {path.name: path.read_bytes() for path in (tmp_path / "digits").iterdir()}
    assert there == {path.name: path.read_bytes() for path in copy_example(tmp_path / "expected")}
