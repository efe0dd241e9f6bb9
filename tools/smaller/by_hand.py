"""Cells of recipes written by hand: made in a process of its own by `hand_recipes.py`, put on the same diet, judged by `edgekit.check` on the same test split."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import edgekit
from edgekit.errors import EdgekitError
from smaller.building import Figures, missed, taken
from smaller.settings import DROP, project_text
from smaller.tasks import LINUX, MICRO, Prepared

RECIPES = ("pruning_50", "pruning_75", "clustering_32", "clustering_16", "qat", "pqat_50", "cqat_16")
"""Those that `hand_recipes.py` has; it cannot be imported here, for it imports TensorFlow."""
FILES = {LINUX: "float_ends", MICRO: "int8_ends"}
"""The file of each device: with the inputs and outputs that edgekit gives it too."""


def by_hand(made: Prepared, recipe: str, seed: int = 0) -> dict[str, Figures]:
    """The cell of a recipe on each device."""
    out = made.folder / "by_hand" / recipe
    if not (out / "int8_ends.tflite").is_file():
        command = [sys.executable, "hand_recipes.py", recipe, *_network(made), "--out", str(out), "--seed", str(seed)]
        settings = {"loss": made.task.loss, "epochs": made.epochs, "batch-size": made.task.batch_size}
        command += [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        done = subprocess.run(command, cwd=made.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            return {device: {"failed": lines[-1][:200]} for device in FILES}
    return {device: _judged(made, device, out, name) for device, name in FILES.items()}


def _network(made: Prepared) -> list[str]:
    return ["--saved", made.model] if made.task.saved else ["--network", f"{made.task.module}:network"]


def _judged(made: Prepared, device: str, out: Any, name: str) -> Figures:
    """The figures of a file after its diet; the drop is counted from the float32 file of the same weights."""
    (made.folder / "edgekit.toml").write_text(project_text(made, ()), encoding="utf-8")
    smaller = out / f"{name}_diet.tflite"
    asked = {"metric": made.task.metric, "direction": "higher"} if made.task.metric else {}
    try:
        dieted = edgekit.diet(out / f"{name}.tflite", out=smaller)
        report = edgekit.check(
            smaller, device=device, data=str(made.data), reference=out / "float32.tflite", max_drop=DROP, project=made.folder, **asked
        )  # fmt: skip
    except EdgekitError as problem:
        return {"failed": str(problem)[:200]}
    assert report.chosen is not None
    return taken(made, report.chosen.metrics) | {"before_diet": dieted.flash_before, "missed": missed(report.checks)}
