"""How well the end of a fine-tune is predicted from its first epochs: the table of docs/benchmarks.md.

    python tools/measure_outlook.py [--data FOLDER] [--epochs 8 4] [--seeds 0 1] [--curves FILE.json]

Each candidate trains to its end with nothing stopped, on the bundled digits and, where FOLDER holds `mnist.npz`, on 3,000 images of MNIST; then the rule of
`edgekit/verdict/outlook.py` is asked after each epoch, for several losses allowed. The learning rate is fixed, and channels are cut at once.
FILE.json keeps the curves: those that it holds are not made again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgekit.documents.candidate import Step
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.make.workshop.curve import Curve
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.fit import Fit
from edgekit.make.workshop.load import load
from edgekit.make.workshop.store import open_model
from edgekit.make.workshop.training_batches import TrainingBatches
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.techniques.steps import training_of, typed
from edgekit.values import to_builtins
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.outlook import Lost, hopeless

DIGITS = Path(__file__).resolve().parent.parent / "examples" / "digits"
IMAGES = {"train": (0, 3000), "val": (3000, 4000), "test": (4000, 4100)}
ALLOWED = (0.5, 1.0, 2.0, 5.0)
STEPS = (
    *(Step(technique="structured_pruning", settings={"left": left, "rounds": 1}) for left in (0.5, 0.25, 0.12, 0.06)),
    *(Step(technique="low_rank", settings={"left": left}) for left in (0.25, 0.15)),
    *(Step(technique="pruning", settings={"sparsity": share}) for share in (0.9, 0.97)),
)


class Subject(NamedTuple):
    """A trained model (opened anew by `opened`), its data, and its outputs by split."""

    opened: Callable[[], Any]
    dataset: Dataset
    outputs: dict[str, list[str]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[8, 4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--curves", type=Path)
    options = parser.parse_args()
    kept = options.curves is not None and options.curves.exists()
    found: list[dict[str, Any]] = json.loads(options.curves.read_text(encoding="utf-8")) if kept else []
    names = ["digits", *(["mnist"] if options.data else [])]
    tools = door()
    with tempfile.TemporaryDirectory() as scratch:
        subjects = {name: _subject(tools, name, options.data, Path(scratch) / name) for name in names}
        for epochs, seed, name, step in itertools.product(options.epochs, options.seeds, names, STEPS):
            which = {
                "data": name,
                "epochs": epochs,
                "seed": seed,
                "candidate": f"{step.technique} {next(iter(step.settings.values())):g}",
            }
            if not any(which.items() <= one.items() for one in found):
                found.append({**which, **_curve(tools, subjects[name], step, epochs, seed)})
            if options.curves:
                options.curves.write_text(json.dumps(found), encoding="utf-8")
    print_table(found)


def _subject(tools: Door, name: str, data: Path | None, scratch: Path) -> Subject:
    """The model trained, stored as edgekit loads it, and asked."""
    tools.fresh(0)
    for part in ("data", "model"):
        (scratch / part).mkdir(parents=True)
    if name == "digits":
        sys.path.insert(0, str(DIGITS))
        from digits import trained_model

        model = trained_model()
        with np.load(DIGITS / "digits.npz") as file:
            arrays = dict(file)
    else:
        arrays = _mnist(data)
        model = _network(tools)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(arrays["x_train"], arrays["y_train"], epochs=6, verbose=0)
    options = to_builtins(DataTable(source="data"))
    dataset = spool_result(arrays, scratch / "data", names=("x",), options=options, seed=0, progress=no_progress)
    model.save(scratch / "source.keras")
    common: dict[str, Any] = {"imports": [], "root": str(scratch), "seed": 0, "target": str(scratch / "model")}
    source = {"source": str(scratch / "source.keras"), "is_function": False, "sha256": "0" * 64, "trust": False}
    load({**common, **source}, no_progress)

    def opened() -> Any:
        return open_model(tools, scratch / "model", (), common)

    for split in ("train", "validation"):
        inputs = np.asarray(dataset.inputs(split)[0][dataset.rows(split)]).astype("float32")
        np.save(scratch / f"{split}.npy", opened().predict(inputs, verbose=0))
    return Subject(opened, dataset, {split: [str(scratch / f"{split}.npy")] for split in ("train", "validation")})


def _mnist(folder: Path | None) -> dict[str, np.ndarray]:
    """Some images, pixels from 0 to 1; the file may be sorted by class."""
    assert folder is not None
    with np.load(folder / "mnist.npz") as file:
        order = np.random.default_rng(0).permutation(len(file["y_train"]))
        pixels, labels = file["x_train"][order][..., None].astype(np.float32) / 255, file["y_train"][order]
    return {
        f"{kind}_{split}": array[first:end]
        for split, (first, end) in IMAGES.items()
        for kind, array in (("x", pixels), ("y", labels))
    }


def _network(tools: Door) -> Any:
    layers = tools.keras3.layers
    return tools.keras3.Sequential(
        [
            tools.keras3.Input((28, 28, 1)),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _curve(tools: Door, subject: Subject, step: Step, epochs: int, seed: int) -> dict[str, Any]:
    """What is lost after each epoch, and at the end with the best weights."""
    tools.fresh(seed)
    settings = {"epochs": epochs, "batch_size": 32, "learning_rate": 1e-3, "distillation": 0.5, "temperature": 4.0}
    job = {
        "training": settings, "losses": ["sparse_categorical_crossentropy"], "seed": seed, "teacher": subject.outputs,
    }  # fmt: skip
    asked = {"metric": to_builtins(MetricSpec()), "max_drop": math.inf, "reference": subject.outputs["validation"]}
    curve, last = Curve(subject.dataset, asked), Curve(subject.dataset, asked)
    fit = Fit(tools, subject.dataset, job, lambda model: (), no_progress, math.inf, curve)
    found = typed(step)
    trained = training_of(found).apply(tools, subject.opened(), found.settings, fit, ())
    last.see(TrainingBatches(tools, subject.dataset, trained, job), 1, 1)
    return {"final": last.lost[0].points, "curve": to_builtins(curve.lost)}


def print_table(found: Sequence[dict[str, Any]]) -> None:
    """For each length and loss allowed: how often the rule ended what fails, and what passes, and what that saved."""
    print(
        "| data | epochs | points allowed | pass | of them ended | fail | of them ended | epochs of failing ones saved |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, epochs in dict.fromkeys((one["data"], one["epochs"]) for one in found):
        for allowed in ALLOWED:
            group = [one for one in found if (one["data"], one["epochs"]) == (name, epochs)]
            left = {True: [], False: []}
            for one in group:
                left[one["final"] <= allowed].append(_left(one, allowed))
            ended = {passes: sum(share > 0 for share in shares) for passes, shares in left.items()}
            saved = sum(left[False]) / max(1, len(left[False]))
            print(
                f"| {name} | {epochs} | {allowed:g} | {len(left[True])} | {ended[True]} | {len(left[False])} | {ended[False]} | {saved:.0%} |"
            )


def _left(one: dict[str, Any], allowed: float) -> float:
    """The share of a training that the rule leaves out."""
    seen = [Lost(**point) for point in one["curve"]]
    ends = (now.at for count, now in enumerate(seen, start=1) if hopeless(seen[:count], allowed, epochs=one["epochs"]))
    return 1 - next(ends, 1.0)


if __name__ == "__main__":
    main()
