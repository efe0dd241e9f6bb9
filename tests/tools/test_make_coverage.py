"""The subset of the table, made as by the command: every column of it, and none of its cells is a defect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.longest]
TOOL = Path(__file__).resolve().parents[2] / "tools" / "make_coverage.py"


def test_no_cell_of_the_subset_is_a_defect(tmp_path):
    kept = tmp_path / "found.json"
    command = [sys.executable, TOOL, "--quick", "--results", kept]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    rows = {path: one["result"]["cells"] for path, one in json.loads(kept.read_text()).items()}
    faults = [
        f"{path}, {column}: {cell}"
        for path, cells in rows.items()
        for column, cell in cells.items()
        if cell["word"] == "defect"
    ]
    assert faults == [] and done.returncode == 0, done.stderr
    assert len(rows) >= 6 and all(cells["loads"]["word"] in ("works", "in part") for cells in rows.values())
    assert {"works"} <= {cells["chain"]["word"] for cells in rows.values()} | {
        cells["int8"]["word"] for cells in rows.values()
    }
