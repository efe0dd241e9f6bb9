"""Int8 files that the job `convert` makes of small models of Keras 3, and what LiteRT answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.values import to_builtins

SAMPLES = 32


@dataclasses.dataclass(frozen=True)
class Made:
    """A file, the samples that calibrated it, what Keras answers to them, and the notes on its quantization."""

    content: bytes
    x: np.ndarray
    expected: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def tflite(self) -> TfliteModel:
        return parse_tflite(self.content, where="the file")

    @property
    def operators(self) -> list[str]:
        return [one.name for one in self.tflite.operators]

    def answers(self) -> np.ndarray:
        """What LiteRT answers with its default delegate, sample by sample."""
        interpreter: Any = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=self.content)
        interpreter.allocate_tensors()
        found = []
        for sample in self.x:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
            interpreter.invoke()
            found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
        return np.stack(found)

    def signal_db(self) -> float:
        """The variance of what Keras answers against the mean square of the differences."""
        noise = np.mean((self.answers() - self.expected) ** 2)
        return float(10 * np.log10(self.expected.var() / max(noise, 1e-12)))


@pytest.fixture
def in_int8(tools: Any, tmp_path: Path) -> Callable[..., Made]:
    """Makes the file of what a function builds of Keras's layers and an input of a shape; its proof holds."""

    def make(
        build: Callable[[Any, Any], Any],
        shape: tuple[int, ...],
        *,
        x: np.ndarray | None = None,
        unrolled: bool = False,
        technique: str = "int8",
        **settings: Any,
    ) -> Made:
        from edgekit.make.workshop.convert import convert
        from edgekit.make.workshop.store import save_model

        tools.fresh(0)
        entry = tools.keras3.Input(shape)
        model = tools.keras3.Model(entry, build(tools.keras3.layers, entry))
        save_model(model, tmp_path)
        if x is None:
            x = np.random.default_rng(0).uniform(-1, 1, (SAMPLES, *shape)).astype("float32")
        job = {
            "model": str(tmp_path), "steps": [{"technique": technique, "settings": settings}], "dataset": str(spooled(tmp_path / f"data_{technique}_{len(list(tmp_path.iterdir()))}", x)),
            "samples": SAMPLES, "seed": 0, "root": str(tmp_path), "imports": [], "target": str(tmp_path), "inputs": ["x"], "outputs": ["y"],
            "unrolled": unrolled,
        }  # fmt: skip
        answer = convert(job, no_progress)
        (proof,) = answer["evidence"]
        assert proof["holds"], proof["detail"]
        return Made((tmp_path / "model.tflite").read_bytes(), x, np.asarray(model(x)), tuple(answer["quantization"]))

    return make


def spooled(folder: Path, x: np.ndarray) -> Path:
    """The folder of samples on disk; their targets are of no use."""
    folder.mkdir()
    splits = dict.fromkeys(("train", "validation", "test"), (x, np.zeros(len(x), "float32")))
    options = to_builtins(DataTable(source="data"))
    return spool_result(splits, folder, names=("x",), options=options, seed=0, progress=no_progress).root
