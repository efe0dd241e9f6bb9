"""Damaged files: two thousand of them are read or refused, and nothing else comes of one."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.onnx_file.beside import require_sound

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mutate(monkeypatch):
    """The tool's own damage."""
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "fuzz"))
    return importlib.import_module("mutate")


def test_a_damaged_file_is_an_outline_or_a_model_error(mutate, tmp_path, written):
    branch = written.message((6, written.graph((5, written.tensor("v", 4, raw=bytes(16))))))
    small = written.model(
        (1, written.node("If", branch)), (11, written.port("x", "batch", 3, 8, 8)), (12, written.port("y", 1, 10)),
        (5, written.tensor("w", 2, location="w.bin")),
    )  # fmt: skip
    (tmp_path / "w.bin").write_bytes(bytes(8))
    files = [small, (ROOT / "examples" / "onnx" / "digits.onnx").read_bytes()]
    path, outcomes = tmp_path / "net.onnx", {"read": 0, "refused": 0}
    for number in range(2000):
        rng = random.Random(number)
        path.write_bytes(mutate.several(rng.choice(files), rng, files, mutate.PROTOBUF))
        try:
            assert require_sound(path).operators
            outcomes["read"] += 1
        except ModelError as problem:
            assert problem.where and problem.what
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 200, outcomes
