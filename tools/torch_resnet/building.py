"""The networks trained, each in a child, and the files that edgekit builds of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from smaller.building import Figures, again
from smaller.tasks import LINUX, PROJECTS, TASKS, Prepared

from edgekit.documents.candidate import Step

HERE = Path(__file__).resolve().parent
KERAS, TORCH, CARRIED = "keras", "pytorch", "carried"
"""Trained in Keras, trained in PyTorch, and the weights of the training in Keras put into the module of PyTorch."""
INT8 = Step(technique="int8")
CHAINS = {"int8": (INT8,), "quantization_aware": (Step(technique="quantization_aware"), INT8)}
FINE_TUNE_EPOCHS = 2
WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""PyTorch's threads wait without spinning: beside other work that took five times the processor."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """The folder of the project, the Python that has PyTorch, and how long a training is."""

    folder: Path
    torch_python: str
    epochs: int
    quick: bool

    def make_images(self, images: int) -> None:
        """Write `data.npz`, if it is not there."""
        if not (self.folder / "data.npz").is_file():
            quick = ["--quick"] if self.quick else []
            self._run(sys.executable, "images.py", "--images", str(images), *quick)

    def trained(self, side: str, seed: int) -> Figures:
        """Train a network, and write its model; returns the mean loss of each epoch, and the seconds."""
        out = self._out(side, seed)
        out.mkdir(parents=True, exist_ok=True)
        told = ["--out", str(out), "--seed", str(seed), "--epochs", str(0 if side == CARRIED else self.epochs)]
        if side == KERAS:
            self._run(sys.executable, "train_keras.py", *told)
        else:
            weights = "weights.npz" if side == CARRIED else "initial.npz"
            self._run(self.torch_python, "train_torch.py", "--weights", str(self._out(KERAS, seed) / weights), *told)
        found: Figures = json.loads((out / "training.json").read_text(encoding="utf-8"))
        return found

    def built(self, side: str, chain: str, seed: int) -> Figures:
        """The figures of the file that edgekit makes of a network by a chain, and the hash of its bytes."""
        model = self._out(side, seed) / ("model.keras" if side == KERAS else "model.pt2")
        made = Prepared(
            task=TASKS["resnet8"], folder=self.folder, model=str(model), epochs=1 if self.quick else FINE_TUNE_EPOCHS, quick=self.quick
        )  # fmt: skip
        found = again(made, LINUX, CHAINS[chain], seed)
        files = list((self.folder / "builds" / LINUX / f"seed-{seed}").rglob("model.tflite"))
        return found | {"hashes": [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]}

    def _out(self, side: str, seed: int) -> Path:
        return self.folder / f"{side}-{seed}"

    def _run(self, python: str, script: str, *arguments: str) -> None:
        """Run a child in the folder; ends the tool where it fails, after what it said."""
        environment = os.environ | {"PYTHONPATH": str(PROJECTS), **WAITING}
        command = [python, str(HERE / script), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, stdout=sys.stderr, check=False)
        if done.returncode:
            raise SystemExit(f"{script} ended with {done.returncode}")
