"""How long a model takes to be loaded, normalised and described, and to be converted beside a bare conversion: a table of docs/benchmarks.md.

    python tools/benchmark_loading.py [--model MobileNetV2 ...] [--runs 3]

Each run is a process of its own, and seconds count from where TensorFlow and Keras are imported. The models have random weights.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edgekit.progress import no_progress

MODELS = ("MobileNetV2", "NASNetMobile")
SIDE, SAMPLES = 224, 8


def main() -> None:
    """Print the table, or, as a child, the seconds of one run as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="a name of keras.applications (MobileNetV2, NASNetMobile)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median is shown (3)")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        sys.stdout.write(json.dumps(_run(*options.run)) + "\n")
        return
    heads = ("load, facts", "Keras alone reads it", "float32", "int8", "bare float32", "bare int8")
    lines = [f"| model | {' | '.join(f'{head}, s' for head in heads)} |", f"|---|{'---:|' * len(heads)}"]
    for name in options.model or MODELS:
        runs = [_child(name) for _ in range(options.runs)]
        medians = [statistics.median(run[head] for run in runs) for head in heads]
        lines.append(f"| {name} | {' | '.join(f'{one:.1f}' for one in medians)} |")
        sys.stdout.write("\n".join(lines[-1:]) + "\n")
        sys.stdout.flush()
    sys.stdout.write("\n".join(["", *lines, ""]))


def _child(name: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--run", name, folder], check=True, capture_output=True, text=True
        )
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def _run(name: str, folder: str) -> dict[str, float]:
    """The seconds of each step, by the table's heads."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.load import load

    tools, root = door(), Path(folder)
    made = getattr(tools.keras3.applications, name)(weights=None, input_shape=(SIDE, SIDE, 3), classes=10)
    made.save(root / "model.keras")
    tools.fresh(0)
    took: dict[str, float] = {}
    job: dict[str, Any] = {"imports": [], "root": folder, "trust": False, "seed": 0, "sha256": "", "is_function": False}
    loaded = root / "loaded"
    loaded.mkdir()
    with _timed(took, "load, facts"):
        facts = load({**job, "source": str(root / "model.keras"), "target": str(loaded)}, no_progress)
    with _timed(took, "Keras alone reads it"):
        model = tools.keras3.models.load_model(root / "model.keras")
    spooled = _data(root, facts)
    ports = {"inputs": [one["name"] for one in facts["inputs"]], "outputs": [one["name"] for one in facts["outputs"]]}
    for technique, settings in (("float32", {}), ("int8", {"io": "int8"})):
        target = root / technique
        target.mkdir()
        step = {"technique": technique, "settings": settings}
        with _timed(took, technique):
            convert(
                {**job, **ports, "model": str(loaded), "dataset": str(spooled), "samples": SAMPLES, "steps": [step], "target": str(target)},
                no_progress,
            )  # fmt: skip
        with _timed(took, f"bare {technique}"):
            _bare(tools, model, int8=technique == "int8")
    return took


def _data(root: Path, facts: dict[str, Any]) -> str | Path:
    """The folder of random samples on disk, as edgekit stores a user's."""
    import numpy as np

    from edgekit.ingest.spool import spool_result
    from edgekit.project.project_file import DataTable
    from edgekit.values import to_builtins

    draw = np.random.default_rng(0)
    samples = _images(draw), draw.integers(0, 10, SAMPLES)
    (root / "data").mkdir()
    names = tuple(one["name"] for one in facts["inputs"])
    return spool_result(
        dict.fromkeys(("train", "validation", "test"), samples), root / "data", names=names, output_names=tuple(one["name"] for one in facts["outputs"]),
        options=to_builtins(DataTable(source="data")), seed=0, progress=no_progress,
    ).root  # fmt: skip


def _images(draw: Any) -> Any:
    return draw.uniform(-1, 1, (SAMPLES, SIDE, SIDE, 3)).astype("float32")


def _bare(tools: Any, model: Any, *, int8: bool) -> None:
    """What the recipe of TensorFlow's guide does."""
    import numpy as np

    converter = tools.tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        images = _images(np.random.default_rng(0))
        converter.optimizations = [tools.tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([one[None]] for one in images)
        converter.target_spec.supported_ops = [tools.tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.convert()


class _timed:
    """Within the block, a clock runs; its seconds go into `took` under `name`."""

    def __init__(self, took: dict[str, float], name: str) -> None:
        self.took, self.name = took, name

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.took[self.name] = time.perf_counter() - self.began


if __name__ == "__main__":
    main()
