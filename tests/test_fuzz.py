"""The short form of `tools/fuzz`: damaged files of every kind, each refused with a clear error or read, and no harm done.

docs/trust.md has the counts of a long run.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
TOOL = TOOLS / "fuzz"


@pytest.fixture
def kinds(monkeypatch):
    """The tool's own table of kinds."""
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.syspath_prepend(str(TOOL))
    return importlib.import_module("kinds")


def test_the_same_seed_makes_the_same_inputs_and_another_seed_others(kinds, tmp_path):
    corpus = {"profile": [b'id = "a"\nram = "1MB"\n' * 20], "tflite": [bytes(range(256)) * 8]}
    chosen = [(kind, number) for kind, number in kinds.numbered(300) if kind.name in corpus]
    assert {kind.name for kind, _ in chosen} == set(corpus)
    made = {}
    for turn, seed in (("first", 0), ("again", 0), ("other", 1)):
        contents = []
        for kind, number in chosen:
            folder = tmp_path / f"{turn}-{kind.name}-{number}"
            folder.mkdir()
            contents.append(kinds.write(kind, number, seed, folder, corpus, tmp_path)[0].read_bytes())
        made[turn] = contents
    assert made["first"] == made["again"] != made["other"]


def test_a_full_run_has_ten_thousand_inputs_at_least_and_every_kind_in_its_share(kinds):
    names = [kind.name for kind, _ in kinds.numbered(kinds.FULL)]
    assert len(names) == kinds.FULL >= 10_000
    assert {kind.name: names.count(kind.name) for kind in kinds.KINDS} == {
        kind.name: kind.share for kind in kinds.KINDS
    }


@pytest.mark.tf
@pytest.mark.slow
def test_a_few_hundred_damaged_files(tmp_path):
    command = [sys.executable, TOOL, "--inputs", "300", "--seed", "11", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    found = json.loads((tmp_path / "summary.json").read_text())
    assert done.returncode == 0 and found["findings"] == [], done.stderr
    assert 290 <= found["inputs"] <= 300, "as many of each kind"
    outcomes = [name for counts in found["routes"].values() for name in counts]
    assert set(outcomes) == {"accepted", "refused"}, "some get through, and some do not"
