"""onnxruntime writes nothing to the user's home, as it does by default to send what it was used for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
from edgekit.onnx_graph.runtime import open_session
assert open_session(sys.argv[1], sys.argv[1]).get_inputs()
"""


def test_the_home_stays_empty(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "CI", "XDG_"))}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CHILD, str(ROOT / "examples" / "onnx" / "digits.onnx")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
