"""What `build` returns for one device: the report as it was written, and the paths of its files on this machine."""

from __future__ import annotations

from pathlib import Path

from edgekit.documents.report import Report
from edgekit.documents.shown import Shown


class BuildResult(Shown):
    """The result of a build for one device: the report as written, the folder, and the model in it (None: no file).

    `report.outcome` decides whether the model fits; one that does not is written too, so that it can be examined.
    `folder` is `out/<device>`, and `path` its `model.tflite`, whose SHA-256 is `report.chosen.sha256`; both are
    relative where `out` is. `lock` is the lock file that the result was written to, or was compared with.
    """

    report: Report
    folder: Path
    path: Path | None
    lock: Path | None = None
