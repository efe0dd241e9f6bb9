"""A file on a device: figures with their basis, and crashes, refusals and limits as values."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import DataError, ModelError, ProjectError
from edgekit.jobs import Failed
from edgekit.metric_spec import MetricSpec
from edgekit.profile import load_profile
from edgekit.runtimes.measure import Measured, drop, drop_metric, measure

pytest.importorskip("ai_edge_litert")
GOLDEN = Path(__file__).parent.parent / "golden"
ACCURACY = MetricSpec()


def run(name, device, dataset, folder, **more):
    path = name if isinstance(name, Path) else GOLDEN / f"{name}.tflite"
    more = {"metric": ACCURACY, **more}
    return measure(path, load_profile(device), dataset=dataset, split="test", scratch=folder, **more)


def outcomes(found: Measured) -> dict[str, str]:
    return {check.name: check.outcome for check in found.checks}


def test_every_figure_of_another_device_says_its_basis(dataset, tmp_path):
    found = run("int8", "rpi4", dataset, tmp_path)
    bases = {name: metric.basis for name, metric in found.metrics.items()}
    assert bases == {
        "flash": "measured", "download": "measured", "macs": "measured", "parameters": "measured",
        "sparsity": "measured", "ram": "simulated", "latency": "predicted", "accuracy": "simulated",
    }  # fmt: skip
    assert found.metrics["flash"].value == (GOLDEN / "int8.tflite").stat().st_size
    assert found.metrics["latency"].low < found.metrics["latency"].value < found.metrics["latency"].high
    assert all(metric.source for metric in found.metrics.values())
    assert set(outcomes(found).values()) == {"pass"}
    (scores,) = found.scores
    assert np.load(scores).shape == (300, 3) and np.load(scores).dtype == np.float32


def test_this_machine_is_measured(tmp_path):
    found = run("int8", "host", None, tmp_path)
    assert found.metrics["latency"].basis == found.metrics["ram"].basis == "measured"
    assert 0 < found.metrics["latency"].low <= found.metrics["latency"].value <= found.metrics["latency"].high
    assert found.metrics["latency"].threads >= 1
    assert "accuracy" not in found.metrics and found.scores == ()


def test_the_accuracy_is_that_of_the_outputs(dataset, tmp_path):
    found = run("int8", "rpi4", dataset, tmp_path)
    right = np.load(found.scores[0]).argmax(1) == dataset.targets("test")[0]
    metric = found.metrics["accuracy"]
    assert metric.value == pytest.approx(right.mean())
    assert metric.low < metric.value < metric.high and metric.split == "test"


def test_inputs_and_outputs_have_their_range_and_quantization(dataset, tmp_path):
    found = run("int8", "rpi4", dataset, tmp_path)
    (image,), (classes,) = found.inputs, found.outputs
    assert (image.name, image.shape, image.dtype) == ("image", (1, 8, 8, 1), "int8")
    assert image.scale and image.zero_point is not None and 0 <= image.low < image.high <= 1
    assert classes.name == "classes" and classes.low < classes.high


def test_a_microcontroller_has_an_arena_and_a_sample_of_outputs(dataset, tmp_path):
    pytest.importorskip("tflite_micro")
    found = run("int8", "nucleo-l4r5zi", dataset, tmp_path)
    assert found.metrics["ram"].basis == "simulated" and 500 < found.metrics["ram"].value < 20_000
    assert "arena" in found.metrics["ram"].source
    assert outcomes(found)["micro_agreement"] == "pass"
    assert "32 of them tflite_micro" in found.metrics["accuracy"].source


def test_a_microcontroller_does_not_take_float_ends(dataset, tmp_path):
    pytest.importorskip("tflite_micro")
    assert outcomes(run("int8_float_io", "nucleo-l4r5zi", dataset, tmp_path))["input_dtype"] == "fail"


def test_what_a_microcontroller_cannot_run_is_a_value_with_its_reason(dataset, tmp_path):
    pytest.importorskip("tflite_micro")
    found = run("float16", "nucleo-l4r5zi", dataset, tmp_path)
    assert isinstance(found, Failed) and "DEQUANTIZE" in found.reason


def test_a_native_crash_is_a_value(crashing, tmp_path):
    found = run(crashing, "rpi4", None, tmp_path)
    assert isinstance(found, Failed) and "SIGSEGV" in found.reason


def test_a_refusal_is_a_value(refused, tmp_path):
    found = run(refused, "rpi4", None, tmp_path)
    assert isinstance(found, Failed) and "LiteRT does not run it" in found.reason and "stride" in found.reason


def test_a_file_that_is_no_model_is_an_error(tmp_path):
    path = tmp_path / "notes.tflite"
    path.write_text("not a model at all, but long enough to be read as one")
    with pytest.raises(ModelError):
        run(path, "rpi4", None, tmp_path)


def test_data_of_another_shape_is_an_error(tmp_path, make_dataset):
    data = make_dataset([np.zeros((4, 7, 7, 1), np.float32)], [np.zeros(4, int)])
    with pytest.raises(DataError, match="shapes"):
        run("int8", "rpi4", data, tmp_path)


def test_rows_make_a_split_of_a_part(images, tmp_path, make_dataset):
    rows = np.array([3, 10, 11, 250])
    data = make_dataset([images], [np.zeros(300, int)], rows)
    whole = make_dataset([images], [np.zeros(300, int)])
    (tmp_path / "a").mkdir()
    part = np.load(run("int8", "rpi4", data, tmp_path).scores[0])
    assert np.array_equal(part, np.load(run("int8", "rpi4", whole, tmp_path / "a").scores[0])[rows])


def test_inputs_are_fed_by_the_signatures_names(tmp_path, make_dataset):
    generator = np.random.default_rng(0)
    left, right = generator.random((6, 3, 4), np.float32), generator.random((6, 4, 2), np.float32)
    data = make_dataset([right, left], [np.zeros((6, 3, 2))])
    spec = MetricSpec(name="mae", higher_is_better=False)
    found = run(
        "two_inputs", "rpi4", data, tmp_path, metric=spec,
        input_order=("right", "left"), output_order=("product", "total"),
    )  # fmt: skip
    assert np.allclose(np.load(found.scores[0]), left @ right, rtol=1e-3)
    assert np.load(found.scores[1]).shape == (6, 1)
    assert found.metrics["mae"].value > 0


def test_agreement_with_a_reference_is_a_metric_and_a_check(dataset, tmp_path):
    first = run("float32", "rpi4", dataset, tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    found = run("int8", "rpi4", dataset, again, reference=[Path(path) for path in first.scores])
    assert 0.5 < found.metrics["agreement"].value <= 1.0
    assert outcomes(found)["agreement"] == "pass"
    nonsense = tmp_path / "nonsense.npy"
    np.save(nonsense, np.random.default_rng(5).permutation(np.eye(3)[np.arange(300) % 3]))
    assert outcomes(run("int8", "rpi4", dataset, again, reference=[nonsense]))["agreement"] == "fail"


def test_a_drop_is_paired_and_in_points(dataset, tmp_path):
    found = run("float32", "rpi4", dataset, tmp_path)
    same = drop(ACCURACY, dataset, "test", found.scores, found.scores)
    assert same.points == 0.0 and same.low < 0 < same.high
    metric = drop_metric(same, "test")
    assert (metric.value, metric.unit, metric.basis, metric.split) == (0.0, "points", "simulated", "test")


METRIC = """
import os

def hits(y_true, y_pred):
    return float((y_pred.argmax(1) == y_true).mean())

def pid(y_true, y_pred):
    return float(os.getpid())
"""


def test_the_users_metric_runs_in_the_child(dataset, tmp_path):
    (tmp_path / "my_metrics_of_test.py").write_text(METRIC)
    spec = MetricSpec(name="my_metrics_of_test:hits", higher_is_better=True)
    found = run("int8", "rpi4", dataset, tmp_path, metric=spec, root=tmp_path)
    right = np.load(found.scores[0]).argmax(1) == dataset.targets("test")[0]
    assert found.metrics[spec.name].value == pytest.approx(right.mean())
    fell = drop(spec, dataset, "test", found.scores, found.scores, root=tmp_path)
    assert (fell.points, fell.low, fell.high) == (0.0, 0.0, 0.0)
    elsewhere = MetricSpec(name="my_metrics_of_test:pid", higher_is_better=True)
    assert (
        run("int8", "rpi4", dataset, tmp_path, metric=elsewhere, root=tmp_path).metrics[elsewhere.name].value
        != os.getpid()
    )


def test_a_metric_that_is_not_there_is_an_error(dataset, tmp_path):
    spec = MetricSpec(name="no_such_module_of_mine:hits", higher_is_better=True)
    with pytest.raises(ProjectError, match="no module"):
        run("int8", "rpi4", dataset, tmp_path, metric=spec, root=tmp_path)


SLOW = """
import time

def wait(y_true, y_pred):
    time.sleep(60)
"""


def test_a_time_limit_ends_it(dataset, tmp_path):
    (tmp_path / "slow_metric_of_test.py").write_text(SLOW)
    spec = MetricSpec(name="slow_metric_of_test:wait", higher_is_better=True)
    began = time.monotonic()
    found = run("int8", "rpi4", dataset, tmp_path, metric=spec, root=tmp_path, time_limit_s=1.0)
    assert isinstance(found, Failed) and "time limit" in found.reason
    assert time.monotonic() - began < 20
