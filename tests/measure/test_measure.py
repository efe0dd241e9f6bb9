"""A file on a device: figures with their basis, and crashes, refusals and limits as values."""

from __future__ import annotations

import os
import types
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgekit.devices.bundled import registry_folder
from edgekit.devices.profile import load_profile
from edgekit.errors import DataError, ModelError, ProjectError
from edgekit.jobs.worker import Failed
from edgekit.measure import children
from edgekit.measure.figures import micro_checks
from edgekit.measure.measure import Measured, basis_of, drop, drop_metric, measure
from edgekit.measure.runtimes.interface import Port
from edgekit.measure.runtimes.micro import Difference, Micro, difference
from edgekit.verdict.metric_spec import MetricSpec

pytest.importorskip("ai_edge_litert")
GOLDEN = Path(__file__).parents[1] / "golden"
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
        "sparsity": "measured", "nonzero_parameters": "measured", "coded": "measured", "not_weights": "measured",
        "peak_memory": "predicted", "ram": "simulated", "latency": "predicted", "accuracy": "simulated",
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
    assert outcomes(found)["runtime"] == "fail" and "DEQUANTIZE" in found.problem
    assert found.metrics["ram"].value is None and "DEQUANTIZE" in found.metrics["ram"].reason
    assert found.metrics["accuracy"].basis == "simulated" and np.load(found.scores[0]).shape == (300, 3)
    assert "tflite_micro" not in found.metrics["accuracy"].source and found.metrics["latency"].value > 0


def test_a_native_crash_keeps_what_the_bytes_say(crashing, dataset, tmp_path):
    found = run(crashing, "rpi4", dataset, tmp_path)
    assert outcomes(found)["runtime"] == "fail" and "SIGSEGV" in found.problem
    assert found.metrics["flash"].value == crashing.stat().st_size and found.inputs and found.outputs
    assert found.metrics["accuracy"].value is None and "SIGSEGV" in found.metrics["accuracy"].reason
    assert found.metrics["ram"].value is None and found.scores == ()
    fell = drop(ACCURACY, dataset, "test", found.scores, ("a.npy",))
    assert isinstance(fell, Failed) and "no outputs" in fell.reason


def test_a_refusal_is_a_failing_check(refused, tmp_path):
    found = run(refused, "rpi4", None, tmp_path)
    assert outcomes(found)["runtime"] == "fail" and "accuracy" not in found.metrics
    assert "LiteRT does not run it" in found.problem and "stride" in found.problem


def test_an_endless_loop_is_a_failing_check(endless, tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit.jobs.limits.FLOOR_S", 2.0)
    found = run(endless, "rpi4", None, tmp_path)
    assert outcomes(found)["runtime"] == "fail" and "time limit of 2 s" in found.problem
    assert found.metrics["flash"].value > 0


def test_what_would_take_too_long_is_not_begun(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit.measure.children.LONGEST_S", 1e-6)
    found = run("int8", "rpi4", dataset, tmp_path)
    assert outcomes(found)["runtime"] == "fail" and "300 samples would take longer" in found.problem
    assert found.metrics["ram"].value > 0 and found.metrics["accuracy"].value is None


def test_running_out_of_memory_is_no_verdict(tmp_path, monkeypatch):
    out = Failed(reason="ran out of the memory it was allowed")
    monkeypatch.setattr("edgekit.measure.children.Worker.run", lambda *_, **__: out)
    assert run("int8", "rpi4", None, tmp_path) == out


def test_a_copy_of_this_machines_profile_is_this_machine(tmp_path):
    text = (registry_folder() / "host.toml").read_text().replace('id = "host"', 'id = "mine"')
    (tmp_path / "mine.toml").write_text(text)
    assert load_profile(tmp_path / "mine.toml").is_this_machine and not load_profile("rpi4").is_this_machine
    found = run("int8", tmp_path / "mine.toml", None, tmp_path)
    assert found.metrics["latency"].basis == found.metrics["ram"].basis == "measured"
    assert basis_of(load_profile("host")) == "measured" and basis_of(load_profile("rpi4")) == "simulated"


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
    ranges = {facts.name: (facts.low, facts.high) for facts in (*found.inputs, *found.outputs)}
    for name, values in (
        ("left", left), ("right", right), ("product", np.load(found.scores[0])), ("total", np.load(found.scores[1]))
    ):  # fmt: skip
        assert ranges[name] == pytest.approx((values.min(), values.max()))
    wrong = tmp_path / "wrong.npy"
    np.save(wrong, generator.random((6, 1)))
    again = run(
        "two_inputs", "rpi4", data, tmp_path, metric=spec, reference=[Path(found.scores[0]), wrong],
        input_order=("right", "left"), output_order=("product", "total"),
    )  # fmt: skip
    assert outcomes(again)["agreement"] == "fail" and "'total'" in again.metrics["agreement"].source


def test_the_range_to_feed_is_that_of_the_training_data(images, tmp_path, make_dataset):
    data = make_dataset([images], [np.zeros(300, int)])
    test = data.splits["test"]
    wider = tuple(msgspec.structs.replace(array, low=-2.0, high=3.0) for array in test.inputs)
    data = msgspec.structs.replace(data, splits={**data.splits, "train": msgspec.structs.replace(test, inputs=wider)})
    (image,) = run("int8", "rpi4", data, tmp_path).inputs
    assert (image.low, image.high) == (-2.0, 3.0)


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
    assert drop_metric(same, "test", "measured").basis == "measured"


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


def test_a_time_limit_ends_it(dataset, tmp_path, monkeypatch):
    (tmp_path / "slow_metric_of_test.py").write_text(SLOW)
    spec = MetricSpec(name="slow_metric_of_test:wait", higher_is_better=True)
    now, job = 0.0, children.score_job

    def late(*arguments):
        nonlocal now
        now = 99.5
        return job(*arguments)

    monkeypatch.setattr(children, "time", types.SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(children, "score_job", late)
    found = run("int8", "rpi4", dataset, tmp_path, metric=spec, root=tmp_path, time_limit_s=100.0)
    assert found.metrics[spec.name].value is None
    assert "time limit of 1 s" in found.metrics[spec.name].reason, "what is left of it, and a second at the least"
    assert outcomes(found)["runtime"] == "pass" and len(found.scores) == 1, "the metric is not the file's fault"


@pytest.mark.parametrize(
    ("difference", "garbage"),
    [
        (Difference(same=1.0, largest_steps=255, equal=0.0), True),
        (Difference(same=1.0, largest_steps=2, equal=0.4, unrelated=True), False),
        (Difference(same=0.3, largest_steps=40, equal=0.1, unrelated=True), True),
        (Difference(same=0.9, largest_steps=20, equal=0.8), False),
        (Difference(same=1.0, largest_steps=0.4, equal=0.0, range_steps=0, unrelated=True), True),
    ],
)
def test_more_than_roundings_fail_the_comparison_with_the_board(difference, garbage):
    (check,) = micro_checks(Micro(runtime="micro", arena=None, samples=32, difference=difference))
    assert check.outcome == ("fail" if garbage else "pass")
    assert ("steps" in check.reason) == bool(difference.range_steps)


def test_a_single_value_that_has_nothing_to_do_with_litert_is_seen():
    port = Port(index=0, name="y", shape=(1, 1), dtype="int8", scale=0.1, zero_point=0)
    one = [np.array([[value]], np.int8) for value in range(-120, 121, 10)]
    assert not difference(one, [array + np.int8(1) for array in one], port).is_garbage
    assert difference(one, one[::-1], port).is_garbage
    real = [array.astype(np.float32) for array in one]
    floating = Port(index=0, name="y", shape=(1, 1), dtype="float32")
    assert not difference(real, [array * np.float32(1 + 1e-6) for array in real], floating).is_garbage
    assert difference(real, real[::-1], floating).is_garbage
