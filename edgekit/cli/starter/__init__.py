"""What `edgekit init` finds in a folder: models, data, and what goes together; nothing of it is loaded, imported or run.

Files are a stranger's: every look is bounded, and what cannot be read is said and left alone.
"""

from __future__ import annotations

from edgekit.cli.starter.found import DataFound, Found, Missing, ModelFound, NearMiss
from edgekit.cli.starter.look import look

__all__ = ["DataFound", "Found", "Missing", "ModelFound", "NearMiss", "look"]
