"""What leaving out dead channels saves in the bytes of an int8 file: the table of docs/passes.md.

    python tools/measure_dead_channels.py [MODEL.h5] [--most 0.9]

Without a model, the network has the shape of MobileNetV1 at a quarter of its width for 96 x 96 colour images and two classes, as MLPerf Tiny's visual wake words has it, and random
weights. Filters are made dead as weight decay leaves them: their weights are 1e-20, and the offset after them is below zero. Their share rises with the square of the depth from
none in the first layer to `--most` in the last, as in trained networks, where it is the deep layers that die. Nothing about accuracy can be told from it.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from edgekit.make.workshop.convert import convert
from edgekit.make.workshop.door import door
from edgekit.make.workshop.load import load
from edgekit.passes import passes
from edgekit.passes.dead_channels import DeadChannels
from edgekit.passes.run import run_passes
from edgekit.progress import no_progress

SAMPLES, SHAPE, LAYERS = 8, (96, 96, 3), 13


def main() -> None:
    """Print the table, and what loading says of the channels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a trained model of one image (a network made here)")
    parser.add_argument("--most", type=float, default=0.9, help="the share of dead filters of the last layer (0.9)")
    options = parser.parse_args()
    tools = door()
    tools.fresh(0)
    with tempfile.TemporaryDirectory() as folder:
        source = options.model
        if source is None:
            source = Path(folder) / "model.keras"
            _dying(tools, options.most).save(source)
        sys.stdout.write("\n".join([*_report(tools, Path(folder), source), ""]))


def _report(tools: Any, root: Path, source: Path) -> list[str]:
    """The table, and what loading says: once as it loads a model, once without the pass."""
    job = {"imports": [], "root": str(root), "trust": False, "seed": 0, "sha256": "", "is_function": False}
    others = [one for one in passes() if one.name != DeadChannels.name]
    lines, notes, data = ["| | parameters | int8 file, bytes |", "|---|---:|---:|"], [], None
    for name, chosen in (("as it is", others), ("without dead channels", None)):
        loaded = root / name
        loaded.mkdir()
        with mock.patch("edgekit.make.workshop.flatten.run_passes", functools.partial(run_passes, which=chosen)):
            facts = load({**job, "source": str(source), "target": str(loaded)}, no_progress)
        data = data or _data(root, facts)
        parameters = tools.keras3.saving.load_model(loaded / "model.keras").count_params()
        content = _int8({**job, "model": str(loaded), "dataset": data}, facts, root / f"int8 {name}")
        lines.append(f"| {name} | {parameters:,} | {len(content):,} |")
        notes += [f"{name}: {one}" for one in (*facts["passes"], f"float outputs within {facts['rebuilt_error']:.2g}")]
    return [*lines, "", *notes]


def _dying(tools: Any, most: float) -> Any:
    """The network, with dead filters in each pointwise convolution."""
    model = tools.keras3.applications.MobileNet(
        weights=None, alpha=0.25, input_shape=SHAPE, classes=2, classifier_activation=None
    )
    generator = np.random.default_rng(0)
    for index in range(1, LAYERS + 1):
        conv, norm = model.get_layer(f"conv_pw_{index}"), model.get_layer(f"conv_pw_{index}_bn")
        filters = conv.filters
        dead = generator.permutation(filters)[: round(filters * most * (index / LAYERS) ** 2)]
        kernel, beta = np.asarray(conv.kernel).copy(), generator.uniform(0.0, 0.5, filters)
        kernel[..., dead], beta[dead] = 1e-20, -0.2
        conv.kernel.assign(kernel)
        norm.beta.assign(beta)
    for layer in model.layers:
        layer.momentum = 0.0  # of a batch normalization: then one batch gives it its mean and variance
    model(generator.uniform(-1, 1, (SAMPLES, *SHAPE)).astype("float32"), training=True)
    return model


def _data(root: Path, facts: dict[str, Any]) -> str:
    from edgekit.ingest.spool import spool_result
    from edgekit.project.project_file import DataTable
    from edgekit.values import to_builtins

    generator = np.random.default_rng(0)
    shape = [size for size in facts["inputs"][0]["shape"] if size and size > 0]
    samples = generator.uniform(-1, 1, (SAMPLES, *shape)).astype("float32"), np.arange(SAMPLES) % 2
    (root / "data").mkdir()
    names, outputs = ([one["name"] for one in facts[key]] for key in ("inputs", "outputs"))
    return str(
        spool_result(
            dict.fromkeys(("train", "validation", "test"), samples), root / "data", names=tuple(names), output_names=tuple(outputs),
            options=to_builtins(DataTable(source="data")), seed=0, progress=no_progress,
        ).root
    )  # fmt: skip


def _int8(job: dict[str, Any], facts: dict[str, Any], target: Path) -> bytes:
    target.mkdir()
    names = {key: [one["name"] for one in facts[key]] for key in ("inputs", "outputs")}
    step = {"technique": "int8", "settings": {"io": "int8"}}
    convert({**job, **names, "samples": SAMPLES, "steps": [step], "target": str(target)}, no_progress)
    return (target / "model.tflite").read_bytes()


if __name__ == "__main__":
    main()
