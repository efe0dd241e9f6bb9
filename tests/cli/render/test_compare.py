"""The comparison in the terminal: everything that counts is there, in 80 columns, without colour."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from edgekit.api.compare import compare
from edgekit.cli.render.compare import MOST_ROWS, change_text, print_comparison
from edgekit.documents.comparison import MetricChange
from edgekit.documents.report import Metric
from edgekit.values import to_json

GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def shown(found, width=80, **options) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
    print_comparison(found, console=console, **options)
    return stream.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def reports(sample_report, tmp_path):
    """Two reports that differ; their models are not beside them."""
    paths = []
    for name, flash in (("a", 1000), ("b", 1100)):
        metric = msgspec.structs.replace(sample_report.chosen.metrics["flash"], value=flash)
        chosen = msgspec.structs.replace(
            sample_report.chosen, metrics={**sample_report.chosen.metrics, "flash": metric}
        )
        checks = sample_report.checks if name == "a" else sample_report.checks[1:]
        report = msgspec.structs.replace(sample_report, chosen=chosen, checks=checks)
        path = tmp_path / f"{name}.json"
        path.write_text(to_json(report), encoding="utf-8")
        paths.append(path)
    return paths


def test_it_shows_every_part(reports):
    found = compare(*reports, fail_if=["flash>+2%", "ram>+1KiB", "accuracy<-0.5pt"])
    text = words(shown(found))
    for part in (
        "edgekit compare FAIL",
        "rpi4: int8 PASS int8 (io int8)",
        "flash>+2% FAIL flash changed by +10% (1000 B to 1.1 KiB), above +2%",
        "ram>+1KiB unknown the change of ram is not known: A and B: tflite_micro is not installed",
        "accuracy<-0.5pt PASS accuracy is the same, not below -0.5 points",
        "flash 1000 B 1.1 KiB +10% measured",
        "97.50% 97.50% same simulated",
        "ram not compared: A and B: tflite_micro is not installed",
        "flash PASS (limit 512.0 KiB) to not there",
        "Operators and weights not compared: A: model.tflite is not beside a.json; B: model.tflite is not beside b.json",
    ):
        assert part in text, part


def test_it_shows_operators_and_weights():
    found = compare(GOLDEN / "float32.tflite", GOLDEN / "float16.tflite")
    text = words(shown(found))
    assert f"Operators ({found.file.equal_operators} equal, {len(found.file.operators)} not)" in text
    assert "added: DEQUANTIZE" in text
    assert "hidden kernel float32 to float16, 4.5 KiB to 2.2 KiB" in text and "% apart" in text
    assert "Where the change of size lies" in text


def test_equal_files_are_a_line():
    text = words(shown(compare(GOLDEN / "int8.tflite", GOLDEN / "int8.tflite")))
    assert "the two files are the same, byte for byte" in text and "Where the change" not in text


@pytest.mark.parametrize("name", ["float16", "int8", "lstm", "two_inputs"])
@pytest.mark.parametrize("width", [80, 110])
def test_it_fits_the_terminal_without_colour(name, width):
    found = compare(GOLDEN / "float32.tflite", GOLDEN / f"{name}.tflite", fail_if=["flash>+2%", "auc<-1pt"])
    text = shown(found, width)
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= width


def test_what_is_long_is_cut_and_counted():
    found = compare(GOLDEN / "float32.tflite", GOLDEN / "int8.tflite")
    first = found.file.weights[0]
    many = tuple(msgspec.structs.replace(first, largest=float(index), distance=0.5) for index in range(40))
    text = shown(msgspec.structs.replace(found, file=msgspec.structs.replace(found.file, weights=many)))
    assert f"{40 - MOST_ROWS} more with smaller changes, in --json" in words(text)


@pytest.mark.parametrize(
    ("a", "b", "unit", "text"),
    [
        (0.98, 0.97, "fraction", "-1.00 points"),
        (1000, 1021, "B", "+2.1%"),
        (0.001, 2.88, "", "2,880x more"),
        (-0.5, 2.0, "", "+2.5"),
        (100_000, 100_001, "B", "+1 B"),
        (0, 10, "B", "+10 B"),
        (5, 5, "B", "same"),
    ],
)
def test_a_change_as_the_rules_count_it(a, b, unit, text):
    change = b - a
    percent = 100 * change / a if a else None
    figures = [Metric(value=value, unit=unit, basis="measured", source="") for value in (a, b)]
    points = 100 * change if unit == "fraction" else percent
    metric = MetricChange(
        name="x", unit=unit, a=figures[0], b=figures[1], change=change, percent=percent, points=points
    )  # fmt: skip
    assert change_text(metric) == text


def test_brief_is_the_rules(reports):
    found = compare(*reports, fail_if=["flash>+2%"])
    assert shown(found, brief=True) == "FAIL  flash>+2%  flash changed by +10% (1000 B to 1.1 KiB), above +2%\n"
