"""The benchmark of fine-tunes: its row, and both ways on a small network in one run."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import benchmark_engines
import benchmark_training as tool
import pytest

HERE = Path(__file__).parent


def test_a_row_has_the_median_of_the_pairs_and_not_the_ratio_of_medians():
    turns = [
        {"by hand": hand, "edgekit": ours, "distilled": 2 * hand} for hand, ours in ((1.0, 1.2), (2.0, 2.0), (4.0, 4.4))
    ]
    network = benchmark_engines.NETWORKS["mnist"]
    cells = [
        one.strip() for one in tool.row(network, turns, 1000, {"batch_size": 32, "epochs": 2}).strip("|").split("|")
    ]
    assert cells == ["MNIST", "1,000, 32, 2", "2.0", "2.0", "1.10", "1.00 to 1.20", "2.00", "yes"]
    assert len(cells) == len(tool.HEADS)
    slow = [{"by hand": 1.0, "edgekit": 1.2, "distilled": 1.2}]
    assert tool.row(network, slow, 1000, {"batch_size": 32, "epochs": 2}).endswith("| no |")


@pytest.mark.tf
@pytest.mark.slow
def test_both_ways_train_the_whole_length_on_the_same_samples(tmp_path, monkeypatch):
    small = _small_network()
    monkeypatch.setattr(benchmark_engines, "PROJECTS", tmp_path / "projects")
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "small.py").write_text(small.USER, encoding="utf-8")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    project = benchmark_engines.prepared(
        benchmark_engines.Network(title="small", module="small", needs=""), tmp_path / "small"
    )
    turns, samples = tool.taken(project, {"epochs": 2, "learning_rate": 1e-3, "batch_size": 8}, 1)
    assert samples == 32 and len(turns) == 1, "the first turn is not counted"
    assert turns[0].keys() == set(tool.WAYS) and all(seconds > 0 for seconds in turns[0].values())


def _small_network() -> ModuleType:
    spec = importlib.util.spec_from_file_location("small_network", HERE / "test_benchmark_engines.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
