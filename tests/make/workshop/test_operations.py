"""Each operation of keras.ops that has a TFLite operator, in a model of its own: loaded, its facts, predicted, converted, run.

The whole table runs with `-m slow`; the default suite takes some of each kind.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.litert import LiteRt
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
from coverage_table.families.operations import OPERATIONS, SHAPE, STEPPED, model_of

pytestmark = pytest.mark.tf
FLOAT, INT8 = {"technique": "float32", "settings": {}}, {"technique": "int8_float_fallback", "settings": {}}
FLOAT_TOLERANCE, INT8_TOLERANCE = 1e-5, 0.15
CLIPPED = {"celu"}
"""The converter gives the range of min(x, 0) to x itself, so that int8 loses what is positive; a build sees it where it compares outputs."""
FAST = ("inverted", "multiply", "log1p", "gelu", "argmax", "pad", "where", "einsum")


def samples(count: int = 8) -> np.ndarray:
    """Inputs from -1 to 1; those of `POSITIVE` are moved by the model itself."""
    return np.random.default_rng(0).uniform(-0.95, 0.95, (count, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    x, y = samples(16), np.zeros(16, np.int64)
    arrays = {f"{kind}_{split}": array for split in ("train", "val", "test") for kind, array in (("x", x), ("y", y))}
    options = to_builtins(DataTable(source="data"))
    folder = tmp_path_factory.mktemp("data")
    return spool_result(arrays, folder, names=("x",), options=options, seed=0, progress=no_progress)


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in FAST else pytest.mark.slow) for one in OPERATIONS]
)
def test_it_is_taken_and_the_file_answers_as_keras_did(tools, dataset, tmp_path, name):
    from edgekit.make.workshop.model_facts import take_facts
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.predict import predict

    tools.fresh(0)
    own = model_of(tools.keras3, name)
    expected = np.asarray(own(samples(16), training=False), np.float32)
    job = {
        "source": name,
        "imports": [],
        "root": str(tmp_path),
        "model": str(tmp_path),
        "seed": 0,
        "target": str(tmp_path),
    }
    normal = normalise(tools, own, tmp_path, job)
    facts = take_facts(tools, normal.model, sha256="", kind="", losses=(None,), error=normal.error)
    assert facts.inputs[0].shape == SHAPE
    assert facts.outputs[0].shape == expected.shape[1:]
    predict({**job, "dataset": str(dataset.root), "split": "test"}, no_progress)
    np.testing.assert_allclose(np.load(tmp_path / "output_0.npy"), expected, atol=1e-5)
    scale = max(float(abs(expected).max()), 1e-6)
    assert abs(converted(job, dataset, FLOAT) - expected).max() < FLOAT_TOLERANCE * scale
    rounded = abs(converted(job, dataset, INT8) - expected).max()
    assert name in STEPPED | CLIPPED or rounded < INT8_TOLERANCE * scale


def converted(job: dict[str, Any], dataset: Dataset, step: dict[str, Any]) -> np.ndarray:
    """The outputs of the file that a conversion makes, one sample at a time."""
    from edgekit.make.workshop.convert import convert

    more = {"steps": [step], "dataset": str(dataset.root), "samples": 16, "inputs": ["x"], "outputs": ["y"]}
    convert({**job, **more}, no_progress)
    session = LiteRt().open(Path(job["target"]) / "model.tflite")
    assert not isinstance(session, Refused), session
    return np.stack([session.run([one[None]])[0][0] for one in samples(16)])
