"""Hold the runner's figures against a bare loop and against LiteRT's own Python benchmark, and print a table.

python tools/compare_runner.py [MODEL.tflite ...] [--pairs N] [--threads N] [--seconds T]

Without models it makes three of tf_keras's MobileNets, untrained, which takes TensorFlow. The overhead is the wall
time of one inference in the runner's timing loop against that in a loop of `interpreter.invoke()` alone, both in one
process on one interpreter, in turns. The agreement is the runner's median against that of
`ai_edge_litert.tools.benchmark_litert_model`, each in a process of its own, in turns, with as many threads and runs.
Which of two comes first changes from pair to pair. Given are medians over the pairs, and the lowest and the highest
(of the overhead, whose blocks are 20 ms long, the 10th and the 90th percentile).
The last column is what the loop takes around an inference that does nothing, also as a share of the runner's median:
other processes disturb it least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgekit.boards.runner import inputs, interpreter, timing  # noqa: E402
from edgekit.boards.runner_protocol import document  # noqa: E402 - this checkout's, installed or not
from edgekit.boards.transport import RUNNER  # noqa: E402

BLOCKS = 151  # short ones: what disturbs one of them does not move the median
_BLOCK_S = 0.02
T = TypeVar("T")
_EMPTY_RUNS = 100_000


def overhead(model: Path, threads: int) -> list[float]:
    """Ratios of the wall time of one inference: the runner's loop over the bare one, block by block."""
    session = interpreter.Session(interpreter.find("litert", (), lambda name: None), str(model), threads, "xnnpack")
    arrays = inputs.random(session.inputs, 0)
    session.prepare([array.shape for array in arrays])
    session.feed(arrays)
    invoke = session.interpreter.invoke
    timing.warm_up(invoke, longest=10, tick=lambda share: None)
    sample, _ = timing.timed(invoke, runs=20, seconds=0, longest=60, tick=lambda share: None)
    runs = max(5, round(_BLOCK_S * 1e9 / median(sample.kept)))

    def bare() -> float:
        began = time.perf_counter()
        for _ in range(runs):
            invoke()
        return time.perf_counter() - began

    def timed() -> float:
        began = time.perf_counter()
        timing.timed(invoke, runs=runs, seconds=0, longest=1e6, tick=lambda share: None)
        return time.perf_counter() - began

    return [timed_s / bare_s for timed_s, bare_s in (_pair(timed, bare, place) for place in range(BLOCKS))]


def loop_us() -> float:
    """Microseconds that the runner's loop itself takes for one inference: the least of some tries with an empty one."""

    def empty() -> None:
        return None

    def once() -> float:
        began = time.perf_counter()
        timing.timed(empty, runs=_EMPTY_RUNS, seconds=0, longest=1e6, tick=lambda share: None)
        whole = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(_EMPTY_RUNS):
            empty()
        return whole - (time.perf_counter() - began)

    return min(once() for _ in range(7)) / _EMPTY_RUNS * 1e6


def _pair(first: Callable[[], T], second: Callable[[], T], place: int) -> tuple[T, T]:
    """Both, the second one first in every other pair."""
    if place % 2:
        later = second()
        return first(), later
    return first(), second()


def runners(model: Path, threads: int, runs: int) -> tuple[float, float]:
    """The runner's median and minimum in milliseconds."""
    command = [sys.executable, str(RUNNER), str(model), "--threads", str(threads), "--runs", str(runs)]
    done = subprocess.run([*command, "--seconds", "0", "--no-memory"], stdout=subprocess.PIPE, check=True)
    found = document(done.stdout).latency
    assert found is not None
    return found.median_ms, found.min_ms


def litert(model: Path, threads: int, runs: int) -> tuple[float, float]:
    """Median and minimum in milliseconds of LiteRT's own tool, which rounds to a hundredth."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "ai_edge_litert.tools.benchmark_litert_model", f"--model={model}"]
        command += [f"--num_threads={threads}", f"--num_runs={runs}", "--warmup_runs=30", f"--result_json={result}"]
        subprocess.run(command, capture_output=True, check=True)
        latency = json.loads(result.read_text())["latency"]
        return float(latency["median_ms"]), float(latency["min_ms"])


def made(folder: Path) -> list[Path]:
    """Three untrained float models of some milliseconds."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    makers = {
        "mobilenet_v1_1.0_160": lambda: tf_keras.applications.MobileNet((160, 160, 3), weights=None),
        "mobilenet_v2_1.0_160": lambda: tf_keras.applications.MobileNetV2((160, 160, 3), weights=None),
        "mobilenet_v3_large_224": lambda: tf_keras.applications.MobileNetV3Large((224, 224, 3), weights=None),
    }
    paths = []
    for name, make in makers.items():
        paths.append(folder / f"{name}.tflite")
        paths[-1].write_bytes(tf.lite.TFLiteConverter.from_keras_model(make()).convert())
    return paths


def row(model: Path, threads: int, pairs: int, seconds: float) -> str:
    """One line of the table."""
    loops = overhead(model, threads)
    first = runners(model, threads, 50)[0]
    runs = max(50, round(seconds * 1e3 / first))
    both = [
        _pair(lambda: runners(model, threads, runs), lambda: litert(model, threads, runs), place)
        for place in range(pairs)
    ]
    around = loop_us()
    ratios = [ours[0] / theirs[0] for ours, theirs in both]
    least = [ours[1] / theirs[1] for ours, theirs in both]
    middle = median(ours[0] for ours, _ in both)
    cells = [
        model.stem,
        str(threads),
        f"{middle:.3f} ms",
        f"{median(theirs[0] for _, theirs in both):.2f} ms",
        _range(ratios, ".3f"),
        _range(least, ".3f"),
        _range([ratio - 1 for ratio in sorted(loops)[len(loops) // 10 : -len(loops) // 10]], "+.2%"),
        f"{around:.2f} us ({around / 1e3 / middle:.3%})",
    ]
    return f"| {' | '.join(cells)} |"


def _range(values: list[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement (3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = options.models or made(Path(folder))
        print(
            "| model | threads | runner, median | LiteRT's tool, median | ratio (range) | ratio of minima | overhead per inference (range) | "
            "the loop alone |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for model in models:
            print(row(model, options.threads, options.pairs, options.seconds), flush=True)


if __name__ == "__main__":
    main()
