"""The version of edgekit, and where its own files lie."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"
PACKAGE = Path(__file__).parent
"""The folder of the package."""
BESIDE = (PACKAGE, PACKAGE.parent)
"""Where the folders lie that a wheel carries in the package and a checkout has beside it."""
