"""What `build` returns for one device: the report as it was written, and where its files are on this machine."""

from __future__ import annotations

from pathlib import Path

from edgekit.documents.report import Report
from edgekit.documents.shown import Shown


class BuildResult(Shown):
    """What a build gave for one device: the report as written, the folder, and the model in it (None: no file).

    `report.outcome` decides: a model that does not fit is written too, for a look at it. `folder` is `out/<device>`, and
    `path` its `model.tflite`, whose SHA-256 is `report.chosen.sha256`; both are relative where `out` is.
    `lock` is the lock file that the result was written to, or is held to.
    """

    report: Report
    folder: Path
    path: Path | None
    lock: Path | None = None
