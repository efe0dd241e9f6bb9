"""Reports that try a page: many candidates, one without figures, a failed build, names that are long or hostile."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgekit.documents.candidate import Step
from edgekit.documents.compiled import Compiled, LayerCycles
from edgekit.documents.decisions import Changed, ClassShare, Decisions, Errors
from edgekit.documents.report import Baseline, CandidateReport, Check, Metric, Report
from edgekit.emit.manifest import Provenance
from edgekit.measure.thumbnails import png

HOSTILE = "\"'><script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)>\u202e\x00&amp;{{ 7*7 }}"
LONG = "mobilenet_v2_block_13_expand_depthwise_separable_convolution_with_batch_normalization_and_relu6_activation"
PROVENANCE = Provenance(
    inputs={"model": "ab" * 32, "data": "cd" * 32, "edgekit.toml": "ef" * 32},
    seed=7,
    versions={"python": "3.11.7", "edgekit": "0123456789abcdef", "tensorflow": "2.21.0", "numpy": "2.4.6"},
    processor="x86_64 a processor",
)
TRAINED = ("pruning_50", "pruning_80", "clustering_16", "quantization_aware", "pruning_50+clustering_16")
CONVERSIONS = ("int8", "int16x8", "float16", "dynamic_range")


def _figures(size: float, accuracy: float, split: str) -> dict[str, Metric]:
    def metric(value: float, unit: str, basis: str, **more: object) -> Metric:
        return Metric(value=value, unit=unit, basis=basis, source=f"{basis} somehow", **more)

    return {
        "accuracy": metric(
            accuracy, "fraction", "simulated", low=accuracy - 0.02, high=min(1.0, accuracy + 0.01), split=split
        ),
        "accuracy_drop": metric((0.95 - accuracy) * 100, "points", "simulated", low=-1.0, high=3.0, split=split),
        "flash": metric(round(size), "B", "measured"),
        "download": metric(round(size * 0.8), "B", "measured"),
        "ram": metric(round(size * 1.5), "B", "simulated"),
        "latency": metric(size / 1e5, "ms", "predicted", low=size / 3e5, high=size / 2e4, threads=4, runtime="litert"),
    }  # fmt: skip


def _candidate(index: int) -> CandidateReport:
    """One of many, spread over sizes and accuracies in a fixed way; some fail, some are controls."""
    trained, conversion = TRAINED[index % 5], CONVERSIONS[index % 4]
    outcome = ("pass", "pass", "fail", "pass", "control", "pass", "failed")[index % 7]
    size, accuracy = 20_000 + 6_500 * ((index * 7) % 25), 0.95 - 0.004 * ((index * 11) % 25)
    return CandidateReport(
        candidate=f"{trained}+{conversion}",
        steps=(
            Step(technique=trained.split("+")[0], settings={"sparsity": 0.5, "epochs": 3}),
            Step(technique=conversion),
        ),
        outcome=outcome,
        reason="" if outcome == "pass" else "accuracy_drop: loses 3.2 points where 1 may be lost",
        seconds=12.5 * index,
        metrics={} if outcome == "failed" else _figures(size, accuracy, "validation"),
        evidence=(
            f"{trained}, in the file: 4 of 4 kernels have 50% zeros",
            f"{conversion}, in the file: 4 of 4 kernels",
        ),
        training=("pruning: 3 epochs at learning rate 0.001, the best of 4 probes",),
        control="fine_tuning+int8" if outcome != "control" else None,
    )


@pytest.fixture
def many_candidates(sample_report: Report) -> Report:
    """25 candidates with a chosen one, limits on size and accuracy, and several reasons."""
    first = CandidateReport(
        candidate="float32", steps=(Step(technique="float32"),), outcome="pass", reason="fits", seconds=1.0,
        metrics=_figures(180_000, 0.95, "validation"),
    )  # fmt: skip
    candidates = (first, *(_candidate(index) for index in range(1, 25)))
    chosen = msgspec.structs.replace(sample_report.chosen, candidate=candidates[7].candidate)
    checks = (
        Check(name="flash", outcome="pass", limit=120_000.0, value=52_500, unit="B", basis="measured"),
        Check(
            name="accuracy_drop", outcome="pass", limit=1.0, value=0.4, unit="points", basis="simulated", low=-1, high=2
        ),
    )
    data = {"samples": {"train": 1150, "test": 360, "validation": 287}, "currency": "flash", "direction": "higher"}
    return msgspec.structs.replace(
        sample_report, candidates=candidates, chosen=chosen, checks=checks, data=data, outcome="pass",
        baseline=Baseline(metrics=_figures(180_000, 0.9778, "test"), sha256="0" * 64),
    )  # fmt: skip


@pytest.fixture
def one_unknown(sample_report: Report) -> Report:
    """One candidate whose figures cannot be had, a check that is unknown, and no data."""
    unknown = Metric(value=None, unit="B", basis=None, source="", reason="tflite_micro is not installed")
    one = msgspec.structs.replace(
        sample_report.candidates[0],
        metrics={"flash": sample_report.chosen.metrics["flash"], "ram": unknown},
        outcome="fail",
    )
    chosen = msgspec.structs.replace(sample_report.chosen, metrics={**sample_report.chosen.metrics, "ram": unknown})
    checks = (Check(name="ram", outcome="unknown", limit=65_536.0, unit="B", reason="tflite_micro is not installed"),)
    return msgspec.structs.replace(
        sample_report, candidates=(one,), chosen=chosen, checks=checks, outcome="fail", baseline=None, data={}, notes=(),
        summary="nothing fits: the memory is not known",
    )  # fmt: skip


@pytest.fixture
def nothing_made(sample_report: Report) -> Report:
    """A build in which no candidate gave a file."""
    failed = msgspec.structs.replace(sample_report.candidates[2], metrics={})
    return msgspec.structs.replace(
        sample_report, outcome="fail", chosen=None, baseline=None, checks=(), candidates=(failed, failed),
        summary="no candidate gave a file: " + failed.reason,
    )  # fmt: skip


@pytest.fixture
def hostile(sample_report: Report) -> Report:
    """Every text holds markup, a template's braces and signs that turn the direction of writing, or is very long."""

    def spoil(value: object) -> object:
        if isinstance(value, dict):
            return {key: spoil(item) for key, item in value.items()}
        if isinstance(value, list):
            return [spoil(item) for item in value]
        return value

    raw = msgspec.to_builtins(sample_report)
    raw |= {"device": HOSTILE, "summary": HOSTILE * 3, "notes": [HOSTILE, LONG * 5], "edgekit_version": HOSTILE}
    raw["chosen"] |= {"candidate": f"{LONG}+{HOSTILE}", "path": HOSTILE}
    raw["chosen"]["inputs"][0]["name"] = f"{LONG}{HOSTILE}{LONG}"
    raw["chosen"]["metrics"][HOSTILE] = raw["chosen"]["metrics"]["flash"]
    for candidate in raw["candidates"]:
        candidate |= {"candidate": LONG + HOSTILE + candidate["candidate"], "outcome": HOSTILE, "reason": HOSTILE}
        candidate |= {"evidence": [HOSTILE, LONG], "steps": [{"technique": HOSTILE, "settings": {HOSTILE: HOSTILE}}]}
    for check in raw["checks"]:
        check |= {"name": HOSTILE + check["name"], "reason": HOSTILE + LONG}
    hostile_picture = f"iVBORw0KGgo{HOSTILE}"
    raw["decisions"] = {
        "kind": "classes", "split": HOSTILE, "samples": 3, "labels": [HOSTILE, LONG], "confusion": [[1, 2], [0, 0]],
        "classes": [{"label": HOSTILE, "samples": -5, "after": 1e300, "before": 0.5, "points_lost": -1e300}],
        "errors": {"what": "output less target", "edges": [1.0, 0.0], "after": [3]},
        "changed": [{"sample": 0, "truth": HOSTILE, "before": HOSTILE, "after": LONG, "picture": hostile_picture}],
    }  # fmt: skip
    raw["declined"] = [{"technique": HOSTILE, "reason": HOSTILE}, {"technique": LONG, "reason": LONG * 3}]
    raw["data"] = {"samples": {HOSTILE: HOSTILE}, "currency": HOSTILE, "metric": HOSTILE, "direction": [HOSTILE]}
    return msgspec.convert(raw, Report)


NAMES = ("aeroplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", LONG)


def _decisions(labels: tuple[str, ...]) -> Decisions:
    """Some classes, each of which is taken for its neighbour now and then; two pictures and a row of values that changed."""
    number = len(labels)
    confusion = tuple(
        tuple(90 - at if at == to else at % 7 if to == (at + 1) % number else 0 for to in range(number))
        for at in range(number)
    )
    classes = tuple(
        ClassShare(label=label, samples=90, before=1.0, after=1 - at / 90, points_lost=at / 0.9)
        for at, label in enumerate(labels)
    )
    picture = base64.b64encode(png(np.arange(64, dtype=np.uint8).reshape(8, 8, 1))).decode()
    changed = tuple(
        Changed(sample=at * 37, truth=labels[0], before=labels[at % 2], after=labels[(at + 1) % 2], picture=picture)
        for at in range(20)
    )
    changed += (Changed(sample=999, truth=labels[2], before=labels[0], after=labels[1], values=(0.25, -1.5)),)
    return Decisions(
        kind="classes", split="test", samples=90 * number, labels=labels, confusion=confusion, classes=classes,
        changed=changed, changed_samples=41, lost=20, gained=20,
    )  # fmt: skip


@pytest.fixture
def with_decisions(sample_report: Report) -> Report:
    """Ten classes with names, the last of them very long, and samples with pictures."""
    return msgspec.structs.replace(sample_report, decisions=_decisions(NAMES))


@pytest.fixture
def with_many_classes(sample_report: Report) -> Report:
    """As many classes as a matrix is drawn for."""
    return msgspec.structs.replace(sample_report, decisions=_decisions(tuple(f"class {at}" for at in range(50))))


@pytest.fixture
def with_errors(sample_report: Report) -> Report:
    """A regression: errors of the file and of the baseline, and the outputs that moved furthest."""
    edges = tuple(round(-1.2 + 0.1 * at, 6) for at in range(25))
    errors = Errors(
        what="output less target", edges=edges, after=tuple(at % 9 for at in range(24)), before=tuple(range(24))
    )
    changed = (Changed(sample=3, truth=1.5, before=1.25, after=-0.75, values=(1.0, 2.0, 3.0)),)
    decisions = Decisions(
        kind="numbers", split="test", samples=276, errors=errors, changed=changed, changed_samples=200
    )
    return msgspec.structs.replace(sample_report, decisions=decisions)


@pytest.fixture
def on_npu(sample_report: Report) -> Report:
    """A file that an NPU's compiler compiled: its cycles are the latency of the verdict."""
    layers = (LayerCycles(name="conv", operator="CONV_2D", cycles=60_000, npu_cycles=60_000),
              LayerCycles(name="dense", operator="FULLY_CONNECTED", cycles=30_000, memory_cycles=30_000))  # fmt: skip
    compiled = Compiled(
        compiler="Vela 5.2.0", accelerator="ethos-u55-128", system_config="a", memory_mode="b", clock_hz=32e6,
        bytes=4000, sha256="a" * 64, operators=3, on_npu=3, cycles=94_400, npu_cycles=60_000, sram_bytes=9, dram_bytes=0,
        flash_bytes=9, weight_bytes=9, encoded_bytes=9, path="model_vela.tflite", layers=layers,
    )  # fmt: skip
    latency = Metric(value=2.95, unit="ms", basis="simulated", source="Vela", low=2.95, high=6.0)
    chosen = msgspec.structs.replace(
        sample_report.chosen, compiled=compiled, metrics={**sample_report.chosen.metrics, "latency": latency}
    )
    return msgspec.structs.replace(sample_report, chosen=chosen)


@pytest.fixture
def provenance() -> Provenance:
    return PROVENANCE


@pytest.fixture
def hostile_model(int8_model: Path) -> Callable[[], bytes]:
    """A `.tflite` whose tensors' names are markup: the names of the golden file overwritten, none made longer."""

    def make() -> bytes:
        from edgekit.tflite.reader import read_tflite

        content = bytearray(int8_model.read_bytes())
        for tensor in read_tflite(int8_model).tensors:
            name = tensor.name.encode()
            spoiled = (b"<script>x</script>\"'&" * 40)[: len(name)]
            at = content.find(name)
            while name and at >= 0:
                content[at : at + len(name)] = spoiled
                at = content.find(name, at + len(name))
        return bytes(content)

    return make
