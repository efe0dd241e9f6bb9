"""The benchmark of PyTorch beside Keras: who is within what is wanted, what its table says, and what both trainings are fed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from smaller.marked import PAGE
from smaller.results import Results
from smaller.tasks import LINUX, PROJECTS
from torch_resnet.building import CARRIED, KERAS, TORCH
from torch_resnet.images import split
from torch_resnet.table import HEADS, row, table, verdict


def file(score: float, flash: int = 1000, **more: Any) -> dict[str, Any]:
    return {"score": score, "flash": flash, "drop": 0.5, "hashes": [f"{score} {flash}"], **more}


def cells(torch_scores: tuple[float, float] = (0.702, 0.695), torch_flash: int = 1000) -> dict[str, Any]:
    keras = {row("int8", seed): file(score) for seed, score in enumerate((0.70, 0.70))}
    torch = {row("int8", seed): file(score, torch_flash) for seed, score in enumerate(torch_scores)}
    keras[row("training", 0)], torch[row("training", 0)] = {"losses": [2.0, 1.5]}, {"losses": [2.0001, 1.25]}
    return {KERAS: keras, TORCH: torch, CARRIED: {row("int8", 0): file(0.70)}}


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PROJECTS))
    import torch_resnet.recipe

    yield torch_resnet.recipe
    for name in ("torch_resnet.recipe", "shifted"):
        sys.modules.pop(name, None)


def test_the_means_decide_and_either_way_counts():
    keras = [file(0.70), file(0.70)]
    found = verdict(keras, [file(0.702), file(0.695)])
    assert (round(found.points, 6), round(found.error or 0, 6), found.share) == (-0.15, 0.35, 0) and found.holds
    assert str(found) == "-0.15 points (standard error 0.35) and +0.00% of the bytes: held"
    assert verdict(keras, [file(0.706), file(0.70)]).holds, "0.6 points with one seed, 0.3 in the mean"
    for apart in ([file(0.704), file(0.703)], [file(0.69), file(0.70)], [file(0.70, 1021), file(0.70, 1021)]):
        assert not verdict(keras, apart).holds
    assert not verdict(keras, [file(0.70, 979), file(0.70, 979)]).holds, "smaller files are another network too"
    assert "**missed**" in str(verdict(keras[:1], [file(0.71)])) and verdict(keras[:1], keras[:1]).error is None
    with pytest.raises(ValueError, match="zip"):
        verdict(keras, keras[:1])


def test_the_table_has_the_means_of_the_seeds_and_each_of_them():
    lines = table(cells()).splitlines()
    (ours,) = (line for line in lines if line.startswith("| int8 | PyTorch |"))
    found = [cell.strip() for cell in ours.strip("|").split("|")]
    assert found == ["int8", "PyTorch", "69.85%", "69.50% to 70.20%", "70.20, 69.50", "1,000", "1,000"]
    assert len(found) == len(HEADS)
    assert "| float32 | Keras | 70.50% | 70.50% | 70.50, 70.50 |  |  |" in lines, "by what int8 lost of it"
    assert "- int8: -0.15 points (standard error 0.35) and +0.00% of the bytes: held." in lines
    assert "- quantization-aware training, int8: not both made." in lines
    assert "- Carried weights, int8, seed 0: the same file, bit for bit." in lines
    assert lines[-1].endswith("by seed: 2.0000 and 2.0001; of the last of 2: 1.5000 and 1.2500.")


def test_a_miss_and_a_failure_are_told():
    assert "- int8: +0.60 points (standard error 0.10) and +3.00% of the bytes: **missed**." in table(
        cells((0.705, 0.707), 1030)
    )
    failed = cells()
    failed[TORCH][row("int8", 1)] = {"failed": "no\nkernel"}
    failed[CARRIED][row("int8", 0)] = file(0.71)
    text = table(failed)
    assert "| int8 | PyTorch | no file: no kernel |" in text and "- int8: not both made." in text
    assert "- Carried weights, int8, seed 0: +1.00 points and +0.00% of the bytes: **missed**." in text


def test_figures_of_other_settings_are_not_mixed(tmp_path):
    import benchmark_pytorch as tool

    results = Results(tmp_path / "results.json")
    tool.require_alike(results, {"epochs": 10})
    tool.require_alike(Results(tmp_path / "results.json"), {"epochs": 10})
    with pytest.raises(SystemExit, match="figures of"):
        tool.require_alike(Results(tmp_path / "results.json"), {"epochs": 2})
    assert results.rows(KERAS, LINUX) == {}
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- pytorch: {end} -->" in text for end in ("begin", "end"))


def test_both_are_fed_the_same_and_another_seed_something_else(recipe):
    x, y = np.random.default_rng(0).random((130, 32, 32, 3), np.float32), np.arange(130)
    once, again, other = (list(recipe.epochs_of(x, y, epochs=2, seed=seed)) for seed in (1, 1, 2))
    assert [len(classes) for _, classes in once] == [128, 128] and recipe.steps_of(130, 2) == 4
    for epoch in range(2):
        assert np.array_equal(once[epoch][0], again[epoch][0]) and np.array_equal(once[epoch][1], again[epoch][1])
    assert not np.array_equal(once[0][1], other[0][1]) and not np.array_equal(once[0][1], once[1][1])
    assert [recipe.rate(step, 4) for step in (0, 2)] == [0.002, 0.001]


def test_images_that_no_network_saw_are_the_test():
    y, parts = np.arange(200) % 10, ("train", "val", "test")
    data = {f"y_{part}": y for part in parts}
    data |= {f"x_{part}": np.arange(200) + first for part, first in zip(parts, (0, 1000, 2000), strict=True)}
    found = split(data, 100)
    assert [len(found[f"x_{part}"]) for part in ("train", "val", "test")] == [90, 10, 200 + 110 + 190]
    assert [np.bincount(found[f"y_{part}"]).tolist() for part in ("train", "val")] == [[9] * 10, [1] * 10]
    seen = np.concatenate([found[f"x_{part}"] for part in ("train", "val", "test")])
    assert len(set(seen.tolist())) == 600
