"""What `edgekit init` finds in a folder: models, data, and which belong together; nothing of it is loaded, imported or run.

The files are not trusted: reading is always bounded, and files that cannot be read are reported and skipped.
"""

from __future__ import annotations

from edgekit.cli.starter.found import DataFound, Found, Missing, ModelFound, NearMiss
from edgekit.cli.starter.look import look

__all__ = ["DataFound", "Found", "Missing", "ModelFound", "NearMiss", "look"]
