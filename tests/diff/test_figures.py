"""Metrics, checks and notes of two sides: the change, and why there is none."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.api.compare import compare
from edgekit.documents.report import Check, Metric


def metric(value, unit="B", basis="measured", source="the same", **rest):
    return Metric(value=value, unit=unit, basis=basis, source=source, **rest)


@pytest.fixture
def change(result):
    """The change of one metric between two reports that differ in it."""

    def of(name, a, b):
        found = compare(result("a", metrics={name: a}), result("b", metrics={name: b}))
        return next(each for each in found.metrics if each.name == name)

    return of


def test_a_share_changes_in_points(change):
    found = change("accuracy", metric(0.98, "fraction"), metric(0.9745, "fraction"))
    assert found.points == pytest.approx(-0.55) and found.change == pytest.approx(-0.0055)
    assert found.percent == pytest.approx(-0.5612, abs=1e-4)


def test_a_size_changes_in_percent_which_are_its_points(change):
    found = change("flash", metric(1000), metric(1030))
    assert (found.change, found.percent, found.points) == (30, 3.0, 3.0)


def test_points_are_points(change):
    found = change("accuracy_drop", metric(0.5, "points"), metric(0.75, "points"))
    assert (found.change, found.points, found.percent) == (0.25, 0.25, 50.0)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (metric(1), metric(2, "ms"), "A is in B, B in ms"),
        (metric(1), metric(2, basis="predicted"), "A is measured, B predicted"),
        (metric(1, basis="predicted"), metric(2, basis="predicted", source="other"), "different sources"),
        (metric(1, basis="declared"), metric(2, basis="declared"), "no evidence"),
        (metric(1, basis=None), metric(2), "A is of no basis, B measured"),
        (metric(1, split="test"), metric(2, split="validation"), "the split test, B on validation"),
        (metric(1, runtime="litert"), metric(2, runtime="tflite_micro"), "with litert, B with tflite_micro"),
        (metric(-1.7e308), metric(1.7e308), "not a number"),
        (metric(None, basis=None, reason="no board"), metric(2), "A: no board"),
        (metric(2), metric(None, basis=None), "B: the report has no value and no reason"),
    ],
)
def test_what_cannot_be_compared_says_why(change, a, b, told):
    found = change("ram", a, b)
    assert told in found.reason
    assert (found.change, found.percent, found.points) == (None, None, None)


def test_predictions_of_one_source_and_measured_beside_simulated_are_compared(change):
    assert change("ram", metric(10, basis="predicted"), metric(12, basis="predicted")).percent == 20.0
    assert metric(1).basis == "measured"


def test_measured_beside_simulated(change):
    assert change("accuracy", metric(0.5, "fraction"), metric(0.4, "fraction", "simulated")).points == pytest.approx(
        -10
    )


def test_a_bare_model_has_no_accuracy_and_says_so(result, int8_model):
    found = compare(result("a"), int8_model)
    by_name = {each.name: each for each in found.metrics}
    assert by_name["flash"].change == 0
    for name in ("accuracy", "latency"):
        assert by_name[name].b.value is None and "edgekit check" in by_name[name].b.reason
    both = {each.name: each for each in compare(int8_model, int8_model).metrics}
    assert both["accuracy"].reason.startswith("A and B: ") and both["flash"].percent == 0


def test_a_report_and_a_model_are_compared_operator_by_operator_in_either_order(result, int8_model):
    folder = result("a", golden="float32")
    forth, back = compare(folder, int8_model), compare(int8_model, folder)
    assert forth.file.flash.total_bytes == -back.file.flash.total_bytes == 5384 - 8188
    assert len(forth.file.operators) == len(back.file.operators) == 6
    assert (forth.a.kind, forth.b.kind, back.a.kind) == ("report", "tflite", "tflite")
    (folder / "model.tflite").unlink()
    without = compare(folder, int8_model)
    assert without.file is None and without.file_reason == "A: model.tflite is not beside report.json"


def test_a_report_that_chose_nothing(result):
    found = compare(result("a"), result("b", chosen=None, outcome="fail"))
    assert all("no candidate of the report gave a file" in each.reason for each in found.metrics if each.a.value)
    assert found.file is None and "no candidate" in found.file_reason


def test_the_checks_that_changed(result, sample_report):
    first, *rest = sample_report.checks
    stricter = msgspec.structs.replace(first, limit=1000, outcome="fail")
    new = Check(name="download", outcome="pass", limit=9000)
    found = compare(result("a"), result("b", checks=(stricter, *rest[:-1], new)))
    assert {each.name: (each.a is None, each.b is None) for each in found.checks} == {
        "flash": (False, False), "operators": (False, True), "download": (True, False),
    }  # fmt: skip


def test_what_makes_a_comparison_doubtful_is_noted(result):
    a = result("a", data={"samples": {"test": 360}})
    b = result("b", device="esp32-s3", edgekit_version="0.0.9", data={"samples": {"test": 100}})
    said = " ".join(compare(a, b).notes)
    assert "devices differ: A rpi4, B esp32-s3" in said and "B 0.0.9" in said and "A test 360, B test 100" in said
    assert compare(a, a).notes == ()
