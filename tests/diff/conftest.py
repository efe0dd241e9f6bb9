"""Result folders to compare: a report with the model that it is of beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edgekit.documents.report import Metric, Report
from edgekit.values import to_json

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.fixture
def result(tmp_path: Path, sample_report: Report) -> Callable[..., Path]:
    """Writes a folder with a report and a golden model; metrics and fields are replaced as asked for."""

    def write(name: str, golden: str = "int8", metrics: dict[str, Metric] | None = None, **changes: object) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        content = (GOLDEN / f"{golden}.tflite").read_bytes()
        (folder / "model.tflite").write_bytes(content)
        chosen = msgspec.structs.replace(
            sample_report.chosen,
            sha256=hashlib.sha256(content).hexdigest(),
            metrics={**sample_report.chosen.metrics, **(metrics or {})},
        )
        report = msgspec.structs.replace(sample_report, **{"chosen": chosen, **changes})
        (folder / "report.json").write_text(to_json(report), encoding="utf-8")
        return folder

    return write
