"""Damaged programs: a thousand of them are read or refused, and nothing else comes of one."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

from edgekit.errors import ModelError, TrustError
from edgekit.torch_file.program import require_program

from .conftest import members, program, zipped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archives(monkeypatch):
    """The tool's own damage of archives."""
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "fuzz"))
    return importlib.import_module("archives")


def test_a_damaged_file_is_a_program_or_an_error_of_the_users_input(archives, tmp_path):
    files = [zipped(members()), zipped(members(program(batch="s77", guards_code=["L['x'].size()[0] >= 2"])))]
    path, outcomes = tmp_path / "net.pt2", {"read": 0, "refused": 0}
    for number in range(1000):
        rng = random.Random(number)
        path.write_bytes(archives.stored(rng.choice(files), rng, files))
        try:
            assert require_program(path, trust=False).torch_version is not None
            outcomes["read"] += 1
        except (ModelError, TrustError) as problem:
            assert problem.where and problem.what
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50, outcomes
