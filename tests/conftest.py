"""Values that several tests show, write or check: a report of a build that passed, and its plan."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from click.testing import CliRunner

from edgekit.cli.main import main
from edgekit.documents.candidate import Candidate, Declined, Estimate, Plan, Step
from edgekit.documents.report import Baseline, CandidateReport, Check, Chosen, InputFacts, Metric, Report

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).resolve().parent.parent
hypothesis.settings.register_profile("edgekit", deadline=None)
hypothesis.settings.load_profile("edgekit")  # a busy machine is no fault of the code
RUNTIME = "ai-edge-litert 2.3.0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests marked `longest` come first, the others stay in their order: two processes end at about the same time then."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


def figures(flash: int, accuracy: float, latency: float) -> dict[str, Metric]:
    return {
        "accuracy": Metric(
            value=accuracy, unit="fraction", basis="simulated", source=f"{RUNTIME} on this machine, 360 test samples",
            low=accuracy - 0.02, high=accuracy + 0.01, split="test",
        ),
        "flash": Metric(value=flash, unit="B", basis="measured", source="the file's size"),
        "download": Metric(value=round(flash * 0.8), unit="B", basis="measured", source="the file deflated at level 9"),
        "ram": Metric(value=None, unit="B", basis=None, source="", reason="tflite_micro is not installed"),
        "latency": Metric(
            value=latency, unit="ms", basis="predicted", source="roofline of the profile", low=latency / 2,
            high=latency * 3, runtime=RUNTIME, threads=4,
        ),
    }  # fmt: skip


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder that is made once in a run of the tests: the other processes of `pytest -n` wait for it."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], object] = lambda folder: None) -> Path:
        folder, done = common / f"shared-{name}", common / f"shared-{name}.done"
        with (common / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(autouse=True)
def no_devices_of_ones_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlays and measurements of whoever runs the tests have no part in them."""
    monkeypatch.setenv("EDGEKIT_DEVICES", str(tmp_path_factory.getbasetemp() / "no-devices"))


@pytest.fixture
def int8_model() -> Path:
    """A full-integer `.tflite`: image [1, 8, 8, 1] in, three classes out."""
    return GOLDEN / "int8.tflite"


@pytest.fixture
def sample_report(int8_model: Path) -> Report:
    """A build for rpi4 that passed with `int8_model`; its texts hold what a terminal could misread."""
    content = int8_model.read_bytes()
    return Report(
        edgekit_version="0.1.0",
        device="rpi4",
        outcome="pass",
        summary="int8 fits every limit and loses 0.28 of the 1 point that may be lost",
        baseline=Baseline(metrics=figures(93_184, 0.9778, 0.9), sha256="0" * 64),
        chosen=Chosen(
            candidate="int8",
            steps=(Step(technique="int8", settings={"io": "int8"}),),
            path="model.tflite",
            sha256=hashlib.sha256(content).hexdigest(),
            metrics=figures(len(content), 0.975, 0.41),
            inputs=(
                InputFacts(
                    name="serving_default_image:0", shape=(1, 8, 8, 1), dtype="int8", low=0.0, high=1.0,
                    scale=0.003918354399502277, zero_point=-128,
                ),
            ),
            outputs=(InputFacts(name="out", shape=(1, 3), dtype="int8", scale=0.00390625, zero_point=-128),),
        ),
        checks=(
            Check(name="flash", outcome="pass", limit=524_288, value=len(content), unit="B", basis="measured"),
            Check(name="ram", outcome="unknown", limit=65_536, unit="B", reason="tflite_micro is not installed"),
            Check(
                name="max_drop", outcome="fail", limit=1.0, value=1.4, unit="points", basis="simulated",
                reason="loses 1.4 points where 1 may be lost", low=0.2, high=2.6,
            ),
            Check(name="operators", outcome="not asked", reason="no [table] was given"),
        ),
        candidates=(
            CandidateReport(
                candidate="int8", steps=(Step(technique="int8", settings={"io": "int8"}),), outcome="pass", reason="",
                seconds=0.8, metrics=figures(len(content), 0.975, 0.41),
            ),
            CandidateReport(
                candidate="float16", steps=(Step(technique="float16"),), outcome="fail", seconds=1.25,
                reason="flash: 46.0 KiB is more than the 32.0 KiB allowed", metrics=figures(47_104, 0.9778, 0.9),
            ),
            CandidateReport(
                candidate="pruning_80+quantization_aware+int8",
                steps=(Step(technique="pruning", settings={"sparsity": 0.8}), Step(technique="int8")),
                outcome="failed", reason="the process ended with signal SIGSEGV", seconds=217.0,
            ),
        ),
        declined=(
            Declined(technique="clustering", reason="raw flash counts here, and nothing decodes a [table] on rpi4"),
        ),
        notes=("Keras's own score on the test split is 0.9778",),
    )  # fmt: skip


@pytest.fixture
def sample_plan() -> Plan:
    """A plan for rpi4 with two candidates and one technique declined."""
    flash = Estimate(value=24_000, low=22_000, high=26_000, source="parameters and tables")
    latency = Estimate(value=0.4, low=0.1, high=1.9, source="roofline")
    return Plan(
        schema_version=1,
        device="rpi4",
        outcome="possible",
        reason="",
        candidates=(
            Candidate(name="float32", steps=(Step(technique="float32"),), role="baseline"),
            Candidate(
                name="int8",
                steps=(Step(technique="int8", settings={"io": "int8"}),),
                estimates={"flash": flash, "latency": latency},
            ),
        ),
        declined=(Declined(technique="clustering", reason="raw flash counts here"),),
        limits={"latency": 100.0},
    )


@pytest.fixture
def edgekit_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m edgekit` as a user does, in a folder, with a cache of the test's own unless another is named."""

    def run(
        *arguments: object, folder: Path, cache: Path | None = None, timeout_s: float = 120, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(cache or tmp_path / "cache")}
        command = [sys.executable, "-m", "edgekit", *map(str, arguments)]
        return subprocess.run(
            command, cwd=folder, env={**environment, **variables}, capture_output=True, text=True, timeout=timeout_s
        )

    return run


@pytest.fixture
def edgekit_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The same command in the process of the test, for what does not depend on a process: a second less each."""

    def run(*arguments: object, folder: Path, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in arguments]
        with monkeypatch.context() as here:
            here.chdir(folder)
            here.setenv("EDGEKIT_CACHE", str(cache or tmp_path / "cache"))
            done = CliRunner().invoke(main, words, prog_name="edgekit")
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def tools() -> Any:
    """TensorFlow behind its door, in this process."""
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture
def layers(tools: Any) -> Any:
    """Keras 3's layers, with names and weights that are the same in every test."""
    tools.fresh(0)
    return tools.keras3.layers


@pytest.fixture(scope="session")
def torch_python() -> str:
    """The Python of an environment with PyTorch, which `EDGEKIT_TORCH_PYTHON` names; without one the test is skipped."""
    named = os.environ.get("EDGEKIT_TORCH_PYTHON")
    if not named:
        pytest.skip(
            "needs EDGEKIT_TORCH_PYTHON, the Python of an environment with torch==2.13.0, onnx, onnxscript and msgspec"
        )
    return named


@pytest.fixture
def tiny_project(tmp_path: Path) -> Path:
    """A project that builds in seconds: a network of two convolutions that is a function, 80 images of four classes."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "techniques" / "user" / "models.py", folder)
    generator, classes = np.random.default_rng(0), np.arange(80) % 4
    images = generator.random((80, 8, 8, 1), dtype=np.float32) / 2
    images[np.arange(80), classes * 2, :, 0] += 0.5
    np.savez(
        folder / "data.npz", x_train=images[:48], y_train=classes[:48], x_test=images[48:], y_test=classes[48:]
    )  # fmt: skip
    (folder / "edgekit.toml").write_text(
        'model = "models:plain"\ndata = "data.npz"\n[goal]\nmax_drop = 100\n[training]\nepochs = 1\n'
    )
    return folder
