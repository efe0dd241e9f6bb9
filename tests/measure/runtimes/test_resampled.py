"""A user's own metric on resamples is computed once a file: the drop of every candidate takes the baseline's as it was kept."""

from __future__ import annotations

import numpy as np

from edgekit.ingest.spool import spool_result
from edgekit.measure.runtimes.handlers import score
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins
from edgekit.verdict.metric_spec import MetricSpec

COUNTED = """
calls = 0

def metric(y_true, y_pred):
    global calls
    calls += 1
    return float(abs(y_true - y_pred[:, 0]).mean())
"""


def test_the_drops_of_two_candidates_compute_the_metric_on_no_resample(tmp_path, monkeypatch):
    (tmp_path / "counted_metric.py").write_text(COUNTED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import counted_metric

    generator = np.random.default_rng(0)
    arrays = {
        f"{name}_{split}": generator.random(30).astype("float32") for name in "xy" for split in ("train", "val", "test")
    }
    (tmp_path / "data").mkdir()
    options = to_builtins(DataTable(source="data"))
    dataset = spool_result(arrays, tmp_path / "data", names=("x",), options=options, seed=0, progress=no_progress)
    spec = to_builtins(MetricSpec(name="counted_metric:metric", higher_is_better=False))
    job = {"metric": spec, "root": str(tmp_path), "dataset": str(dataset.root), "split": "test"}
    files = []
    for name in ("baseline", "one", "other"):
        (tmp_path / name).mkdir()
        files.append(str(tmp_path / name / "test-output-0.npy"))
        np.save(files[-1], generator.random((30, 1)).astype("float32"))

    def drop(place: int) -> object:
        return score({**job, "baseline": [files[0]], "scores": [files[place]]}, no_progress)

    without = [drop(1), drop(2)]
    assert counted_metric.calls == 2 * 2 * 1001
    for file in files:
        score({**job, "scores": [file]}, no_progress)
    counted_metric.calls = 0
    assert [drop(1), drop(2)] == without, "to the bit"
    assert counted_metric.calls == 2 * 2, "the values themselves"
