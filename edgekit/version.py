"""The version of edgekit, and where its own files are."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"
PACKAGE = Path(__file__).parent
"""The folder of the package."""
BESIDE = (PACKAGE, PACKAGE.parent)
"""Where the data folders are: a wheel has them inside the package, a checkout beside it."""
