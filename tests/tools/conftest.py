"""Puts the folder of the tools on the path: they are no package."""

from __future__ import annotations

import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path[:0] = [str(TOOLS)] * (str(TOOLS) not in sys.path)
