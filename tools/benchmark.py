"""Makes docs/benchmarks.md: baselines, every candidate and the choice, for four models on up to three devices.

    python tools/benchmark.py --data FOLDER [--cache DIR] [--only digits]

FOLDER holds `mnist.npz`, `cifar10_jpeg.tar.gz`, `kws01.npz` and `mlperf_tiny/kws_ref_model/`; a part whose data is missing
is left out, and the page says so. Speeds are ratios of paired runs on one machine; the page names it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import edgekit
from edgekit.documents.report import CandidateReport, Metrics, Report
from edgekit.ingest.model import open_data, open_model
from edgekit.jobs.cache import Cache, processor, versions
from edgekit.jobs.pool import Pool
from edgekit.jobs.worker import Done, Worker
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable, ModelTable
from edgekit.units import format_ms, format_size

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = Path(__file__).resolve().parent / "benchmark_projects"
PAGE = ROOT / "docs" / "benchmarks.md"
KEPT = "<!-- below: tables of other tools, which this one leaves as they are -->"
DEVICES = ("rpi4", "nucleo-l4r5zi", "host")
TITLES = {
    "digits": "The bundled example: handwritten digits, 8 x 8 pixels",
    "mnist": "MNIST, the network of TFMOT's guide (convolution 12 x 3x3, max-pool, dense 10; 4 epochs)",
    "cifar": "CIFAR-10 as JPEG (20,000 training images), the residual network of MLPerf Tiny trained from scratch",
    "keywords": "MLPerf Tiny's keyword spotter (DS-CNN), post-training only",
}
SETTINGS = {
    "digits": '[goal]\nmax_drop = 1.0\ncurrency = "download"\nsearch = "all"\n',
    "mnist": '[goal]\nmax_drop = 0.5\ncurrency = "download"\n',
    "cifar": (
        '[goal]\nmax_drop = 1.0\ncurrency = "download"\n[training]\nepochs = 6\nbatch_size = 64\n'
        '[[chain]]\nsteps = ["pruning", "clustering", "quantization_aware", "int8"]\n'
    ),
    "keywords": '[goal]\nmax_drop = 1.0\ncurrency = "download"\nsearch = "all"\n[training]\nepochs = 0\n',
}

TIME_BUDGETS = {"cifar": "30min"}


def main() -> None:
    """Run what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--only", choices=TITLES, action="append")
    options = parser.parse_args()
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    if options.cache:
        os.environ["EDGEKIT_CACHE"] = str(options.cache.resolve())
    parts = [_head()]
    with tempfile.TemporaryDirectory() as scratch:
        artifacts: dict[str, Path] = {}
        for name in options.only or TITLES:
            parts += [_model_part(name, options.data.resolve(), Path(scratch), artifacts)]
        for technique in ("float32", "int8"):
            artifacts[f"MobileNet 0.25, 96 x 96, {technique}"] = _mobilenet(technique, Path(scratch))
        parts += [_start_up(Path(scratch)), _throughput(artifacts)]
    if options.only:
        sys.stdout.write("\n".join(parts))
    else:
        kept = PAGE.read_text(encoding="utf-8").partition(KEPT)
        PAGE.write_text("\n".join(parts).rstrip("\n") + "\n\n" + "".join(kept[1:]), encoding="utf-8")


def _head() -> str:
    packages = ", ".join(f"{name} {number}" for name, number in versions().items() if name != "edgekit")
    return f"""# Benchmarks

Made by `python tools/benchmark.py --data FOLDER` on {processor()}, {os.cpu_count()} cores, no GPU; {packages}.

- Accuracies of candidates are those of the validation split, by which one is chosen; baseline and choice are judged on
  the test split. Figures for `rpi4` and `nucleo-l4r5zi` are simulated or predicted here, not measured on the device.
- "deflated" is zlib, level 9. RAM is the arena on the microcontroller, and what the model adds to a process elsewhere.
- Seconds are those of training, converting and measuring a candidate when it was first made. A stage that another
  device already trained is not trained again: it carries its first seconds.
- The currency is the download. With the digits and the keyword spotter every technique that the device takes is tried (`search = "all"`), to
  show them side by side; with MNIST and CIFAR-10 the search stops where nothing promises more, as it does by default.
- A trained candidate's control is the float model fine-tuned by the same rules, on the same data.
"""


def _model_part(name: str, data: Path, scratch: Path, artifacts: dict[str, Path]) -> str:
    missing = _missing(name, data)
    if missing:
        return f"## {TITLES[name]}\n\nNot run: {missing} was not there.\n"
    project = scratch / name
    shutil.copytree(ROOT / "examples" / "digits" if name == "digits" else PROJECTS, project)
    (project / "edgekit.toml").write_text(_project_text(name, data), encoding="utf-8")
    lines = [f"## {TITLES[name]}\n"]
    results = edgekit.build(
        device=DEVICES[:1] if name == "cifar" else DEVICES,
        project=project,
        out=scratch / "out" / name,
        time_budget=TIME_BUDGETS.get(name, "3h"),
        progress="auto",
    )
    for result in results:
        lines.append(_device_part(result.report))
        artifacts.setdefault(name, result.path)
    if name == "mnist":
        lines.append(_by_hand(project, results[0].report))
    return "\n".join(lines)


def _by_hand(project: Path, report: Report) -> str:
    """The chain that a user of TFMOT writes by hand, run beside."""
    done = subprocess.run([sys.executable, "hand_chain.py"], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"The chain written by hand failed: {done.stderr.strip().splitlines()[-1]}\n"
    found = json.loads(done.stdout.splitlines()[-1])
    lines = [
        "### Against a chain written by hand\n",
        "TFMOT as its guides use it, the constants its author's: pruning 50% (2 epochs), 16 clusters (1), quantization-aware training",
        "that preserves both (1); `tools/benchmark_projects/hand_chain.py`. Each against the float32 file of its own training.\n",
        "| | raw, B | deflated, B | accuracy on test | float32's | drop |",
        "|---|---|---|---|---|---|",
    ]
    chain, base = found["chain"], found["float32"]
    lines.append(_hand_row("by hand", chain["raw"], chain["deflated"], chain["accuracy"], base["accuracy"]))
    if report.chosen is not None and report.baseline is not None:
        ours = {name: float(metric.value or 0) for name, metric in report.chosen.metrics.items()}
        theirs = float(report.baseline.metrics["accuracy"].value or 0)
        lines.append(_hand_row(report.chosen.candidate, ours["flash"], ours["download"], ours["accuracy"], theirs))
    return "\n".join([*lines, ""])


def _hand_row(title: str, raw: float, deflated: float, accuracy: float, base: float) -> str:
    return f"| {title} | {raw:,.0f} | {deflated:,.0f} | {accuracy:.2%} | {base:.2%} | {(base - accuracy) * 100:.2f} |"


def _missing(name: str, data: Path) -> str | None:
    needed = {
        "digits": [ROOT / "examples" / "digits" / "digits.npz"],
        "mnist": [data / "mnist.npz"],
        "cifar": [data / "cifar10_jpeg.tar.gz"],
        "keywords": [data / "kws01.npz", data / "mlperf_tiny" / "kws_ref_model"],
    }
    return next((path.name for path in needed[name] if not path.exists()), None)


def _project_text(name: str, data: Path) -> str:
    """The `edgekit.toml` of a benchmark, whose modules stand beside it."""
    if name == "digits":
        return f'model = "digits:trained_model"\ndata = "digits.npz"\n{SETTINGS[name]}'
    if name in ("mnist", "cifar"):
        return f'model = "{name}:trained_model"\ndata = "{name}:arrays"\n{SETTINGS[name]}'
    model = data / "mlperf_tiny" / "kws_ref_model"
    return f'model = "{model}"\n[data]\nsource = "keywords:arrays"\nvalidation = 0.5\n{SETTINGS[name]}'


def _device_part(report: Report) -> str:
    chosen, baseline = report.chosen, report.baseline
    lines = [f"### `{report.device}`: {report.outcome}\n"]
    if chosen is not None and baseline is not None:
        rows = [("baseline (float32)", baseline.metrics), (f"chosen ({chosen.candidate})", chosen.metrics)]
        lines += ["| on test | accuracy | drop | raw | deflated | RAM | latency |", "|---|---|---|---|---|---|---|"]
        lines += [f"| {title} | {_accuracy(m)} | {_drop(m)} | {_sizes(m)} | {_latency(m)} |" for title, m in rows]
    lines += ["", "| candidate | validation accuracy | drop | control's drop | raw | deflated | RAM | seconds | |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    drops = {found.candidate: _drop(found.metrics) for found in report.candidates}
    lines += [_candidate_row(found, drops) for found in report.candidates]
    lines += ["", *(f"- not tried: {found.technique}: {found.reason}" for found in report.declined), ""]
    return "\n".join(lines)


def _candidate_row(found: CandidateReport, drops: dict[str, str]) -> str:
    m, control = found.metrics, drops.get(found.control or "", "")
    outcome = "**chosen**" if found.reason == "chosen" else found.outcome
    if found.outcome in ("fail", "failed"):
        outcome = f"{found.outcome}: {found.reason}"
    return f"| {found.candidate} | {_accuracy(m)} | {_drop(m)} | {control} | {_sizes(m)} | {found.seconds:.1f} | {outcome} |"


def _accuracy(metrics: Metrics) -> str:
    metric = metrics.get("accuracy")
    if metric is None or metric.value is None:
        return ""
    bounds = f" ({metric.low:.1%} to {metric.high:.1%})" if metric.low is not None and metric.high is not None else ""
    return f"{metric.value:.2%}{bounds}"


def _drop(metrics: Metrics) -> str:
    metric = metrics.get("accuracy_drop")
    return "" if metric is None or metric.value is None else f"{metric.value:.2f}"


def _sizes(metrics: Metrics) -> str:
    found = (metrics.get(name) for name in ("flash", "download", "ram"))
    return " | ".join("" if m is None or m.value is None else format_size(m.value) for m in found)


def _latency(metrics: Metrics) -> str:
    metric = metrics.get("latency")
    if metric is None or metric.value is None:
        return ""
    bounds = f" ({format_ms(metric.low)} to {format_ms(metric.high)})" if metric.low and metric.high else ""
    return f"{format_ms(metric.value)}{bounds}, {metric.basis}"


def _start_up(scratch: Path) -> str:
    """Seconds of each light command, as a ratio to importing click and numpy, in paired runs."""
    example = str(ROOT / "examples" / "digits")
    golden = str(ROOT / "tests" / "golden" / "int8.tflite")
    commands = {
        "--help": ["--help"],
        "devices": ["devices"],
        "devices rpi4": ["devices", "rpi4"],
        "plan (facts known)": ["plan", "--device", "rpi4", "--project", example],
        "check (a file of 3 KB)": ["check", golden, "--device", "rpi4"],
        "build (nothing changed)": ["build", "--device", "rpi4", "--project", example, "--out", str(scratch / "again")],
    }
    lines = ["## Start-up\n", 'Against `python -c "import click, numpy"`, medians of 9 paired runs.\n']
    lines += ["| `edgekit ...` | seconds | ratio |", "|---|---|---|"]
    for title, arguments in commands.items():
        command = [sys.executable, "-m", "edgekit", *arguments]
        _seconds(command)  # what is not in the cache yet is made here
        pairs = [(_seconds(command), _seconds([sys.executable, "-c", "import click, numpy"])) for _ in range(9)]
        ratio = statistics.median(mine / theirs for mine, theirs in pairs)
        lines.append(f"| `{title}` | {statistics.median(mine for mine, _ in pairs):.2f} | {ratio:.2f} |")
    return "\n".join([*lines, ""])


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def _mobilenet(technique: str, scratch: Path) -> Path:
    """A network that takes longer than 50 µs an image, converted as a build would."""
    folder = scratch / f"mobilenet-{technique}"
    folder.mkdir()
    with Cache() as cache, Pool(1, temporary=scratch) as pool:
        model = open_model(
            ModelTable(source="networks:mobilenet"),
            root=PROJECTS, cache=cache, pool=pool, seed=0, trust=False, progress=no_progress,
        )  # fmt: skip
        data = open_data(DataTable(source="networks:images"), root=PROJECTS, cache=cache, progress=no_progress)
        job = {
            "do": "convert", "model": model.folder, "steps": [{"technique": technique}], "dataset": data.root,
            "samples": 20, "inputs": ["image"], "outputs": ["scores"], "target": str(folder),
            "root": str(PROJECTS), "imports": [], "seed": 0,
        }  # fmt: skip
        answer = pool.run(job, progress=no_progress)
    if not isinstance(answer, Done):
        raise SystemExit(f"MobileNet could not be converted: {answer.reason}")
    return folder / "model.tflite"


def _throughput(artifacts: dict[str, Path]) -> str:
    """Images per second of the evaluation against a one-image loop on one thread."""
    lines = [
        "## Evaluation throughput\n",
        "Images per second of the evaluation against a loop of one image on one thread, start-up excluded, medians of",
        "paired runs. Below 50 µs an image the cost of Python's own loop is what is compared.\n",
        "| model | way | one-image loop, 1/s | evaluation, 1/s | ratio (lowest to highest of 15 pairs) | µs an image | bit-identical |",
        "|---|---|---|---|---|---|---|",
    ]
    with Worker("edgekit.measure.runtimes") as worker:
        for name, path in artifacts.items():
            job = {"do": "throughput", "runtime": "litert", "model": str(path), "count": 1000, "pairs": 15}
            answer = worker.run(job)
            if not isinstance(answer, Done) or "ratio" not in answer.value:
                lines.append(f"| {name} | not measured: {answer} | | | | | |")
                continue
            lines.append(f"| {name} | {_throughput_row(answer.value)} |")
    return "\n".join([*lines, ""])


def _throughput_row(found: dict[str, Any]) -> str:
    loop, ours = statistics.median(found["loop"]), statistics.median(found["evaluation"])
    ratios = [fast / slow for fast, slow in zip(found["evaluation"], found["loop"], strict=True)]
    spread = f"{found['ratio']:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    same = "yes" if found["identical"] else "no"
    return f"{found['how']} | {loop:,.0f} | {ours:,.0f} | {spread} | {found['image_us']:.0f} | {same}"


if __name__ == "__main__":
    main()
