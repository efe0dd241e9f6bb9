"""A build that is killed at any moment, workers and all, loses nothing that was finished and leaves nobody behind.

`tools/kill.py` does it and says what it found; docs/trust.md has the counts of a long run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tf, pytest.mark.slow]
TOOL = Path(__file__).resolve().parent.parent / "tools" / "kill.py"


def test_a_few_kills_of_a_build_that_trains(tmp_path):
    command = [sys.executable, TOOL, "--kills", "4", "--most", "4", "--seed", "7", "--out", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert done.returncode == 0 and found["findings"] == [], done.stderr
    assert found["kills"] == 4 and found["trained twice"] == 0
    assert found["trainings"] >= found["stages of a build"] > 0
