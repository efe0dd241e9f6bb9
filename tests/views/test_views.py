"""A value where somebody looks at it: a line, HTML of its own, a table, a picture; nothing of them is loaded before."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import msgspec
import pytest

import edgekit
from edgekit.documents.build_result import BuildResult
from edgekit.documents.report import Report
from edgekit.emit.html.fragment import OWN, rules_of, scoped_style
from edgekit.errors import InputError, MissingExtraError
from edgekit.views.frames import rows

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def values(sample_report, sample_plan) -> dict[str, object]:
    compared = edgekit.compare(GOLDEN / "float32.tflite", GOLDEN / "int8.tflite", fail_if=["flash>+2%"])
    return {
        "BuildResult": BuildResult(report=sample_report, folder=Path("build/rpi4"), path=None),
        "Report": sample_report,
        "Plan": sample_plan,
        "Inspection": edgekit.inspect(GOLDEN / "int8.tflite", device="rpi4"),
        "Comparison": compared,
    }


NAMES = ["BuildResult", "Report", "Plan", "Inspection", "Comparison"]


def test_each_is_a_line_with_its_key_figures(values):
    lines = {name: repr(value) for name, value in values.items()}
    assert lines["Report"] == "<Report rpi4 pass: int8, 5.3 KiB flash, 410 µs latency>"
    assert lines["BuildResult"] == "<BuildResult rpi4 pass: int8, 5.3 KiB flash, 410 µs latency; build/rpi4>"
    assert lines["Plan"].startswith("<Plan rpi4 possible: 2 candidates (float32, int8), ")
    assert re.match(r"<Inspection .*int8\.tflite on rpi4: \d+ operators, 5\.3 KiB flash, ", lines["Inspection"])
    assert re.match(r"<Comparison pass: .*float32\.tflite to .*int8\.tflite: flash \d", lines["Comparison"])
    assert all("\n" not in line and len(line) < 300 for line in lines.values())
    assert repr(Report(device="pico")) == "<Report pico fail: no file>"


@pytest.mark.parametrize("name", NAMES)
def test_each_is_html_that_needs_nothing_and_changes_nothing_around_it(values, name):
    markup = values[name]._repr_html_()
    assert markup.startswith('<div class="edgekit">') and markup.rstrip().endswith("</div>")
    assert not re.search(r"<(script|link|iframe|a|form|object|html|head|body)\b", markup)
    assert not re.search(r'(src|href)="(?!#)', markup) and "http" not in re.sub(r"<style>.*?</style>", "", markup)
    opened, closed = (re.findall(rf"<{mark}(section|table|tr|div|figure)\b", markup) for mark in ("", "/"))
    assert sorted(opened) == sorted(closed)
    style = re.search(r"<style>(.*?)</style>", markup, re.DOTALL)[1]
    assert style == scoped_style() and "url(" not in style


def test_every_rule_of_the_style_is_bound_to_the_frame():
    def selectors(style: str) -> list[str]:
        found = []
        for selector, body in rules_of(style):
            found += selectors(body) if selector.startswith("@media") else selector.split(",")
        return [each.strip() for each in found]

    bound = selectors(scoped_style())
    assert len(bound) > 100 and not [each for each in bound if not each.startswith((".edgekit", OWN))]
    assert "@page" not in scoped_style() and "print" not in scoped_style()


def test_a_report_shows_the_parts_of_its_page(values):
    markup = values["Report"]._repr_html_()
    assert "Baseline and result" in markup and "<h2>Checks</h2>" in markup and "raw flash counts here" in markup
    assert 'class="chart wide"' in markup and "Raspberry Pi 4 Model B" in markup


def test_a_name_that_is_markup_stays_text(sample_plan):
    candidate = msgspec.structs.replace(sample_plan.candidates[0], name="<script>alert(1)</script>")
    plan = msgspec.structs.replace(sample_plan, candidates=(candidate, *sample_plan.candidates[1:]))
    assert "<script" not in plan._repr_html_() and "&lt;script&gt;" in plan._repr_html_()
    assert "<script" not in plan.plot().svg


def test_a_table_has_a_row_for_each_candidate_operator_or_metric(values):
    report = rows(values["Report"])
    assert [(row["candidate"], row["outcome"], row["chosen"]) for row in report] == [
        ("int8", "pass", True), ("float16", "fail", False),
        ("pruning_80+quantization_aware+int8", "failed", False),
    ]  # fmt: skip
    assert report[1]["flash"] == 47_104 and report[0]["latency"] == 0.41 and rows(values["BuildResult"]) == report
    checked = msgspec.structs.replace(values["Report"], candidates=())
    assert [(row["candidate"], row["chosen"]) for row in rows(checked)] == [("int8", True)]
    plan = rows(values["Plan"])
    assert plan[1]["candidate"] == "int8" and plan[1]["flash_low"] <= plan[1]["flash"] <= plan[1]["flash_high"]
    operators = rows(values["Inspection"])
    assert len(operators) == len(values["Inspection"].operators) and operators[0]["flash_bytes"] > 0
    assert operators[0]["latency_low"] <= operators[0]["latency"]
    flash = next(row for row in rows(values["Comparison"]) if row["metric"] == "flash")
    assert flash["change"] == flash["b"] - flash["a"] < 0


def test_a_frame_is_of_pandas_and_says_how_to_get_it(values, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="needs pandas") as problem:
        values["Report"].to_frame()
    assert problem.value.next_step.endswith("-m pip install pandas") and problem.value.exit_code == 3


def test_a_frame_has_the_rows(values):
    pytest.importorskip("pandas", reason="pandas is not installed: it is no dependency of edgekit")
    for value in values.values():
        assert value.to_frame().to_dict("records") and len(value.to_frame()) == len(rows(value))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_picture_that_needs_nothing_else(values, name, tmp_path):
    picture = values[name].plot()
    tree = ElementTree.fromstring(picture.svg)
    assert tree.tag == f"{SVG}svg" and picture._repr_svg_() == picture._repr_html_() == picture.svg
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) and all(one.startswith("edgekit-") for one in ids)
    used = [each.get("href")[1:] for each in tree.iter(f"{SVG}use")]
    assert set(used) <= set(ids)
    drawn = {"Report": 2, "BuildResult": 2, "Plan": 1, "Comparison": 2, "Inspection": 0}
    assert len(used) == drawn[name]
    assert picture.save(tmp_path / "picture.svg").read_text(encoding="utf-8") == picture.svg
    assert repr(picture).startswith("<Picture ")


class Axes:
    """What of matplotlib's axes is used: it keeps what was drawn."""

    def __init__(self) -> None:
        self.points, self.titles, self.steps = [], [], []

    def scatter(self, x, y, marker):
        self.points.append((x[0], y[0], marker))

    def annotate(self, text, xy, **given):
        self.titles.append(text)

    def step(self, x, y, where):
        self.steps.append((x, y))

    def fill_between(self, x, y, **given):
        self.points += list(zip(x, y, strict=True))

    def set_xlabel(self, text):
        self.titles.append(text)

    set_ylabel = set_xlabel


def test_the_same_points_are_drawn_on_axes_that_are_given(values):
    axes = Axes()
    assert values["Report"].plot(axes) is axes
    assert [(x, y) for x, y, _ in axes.points] == [(5384, 0.975), (47_104, 0.9778)] and axes.points[0][2] == "*"
    assert axes.titles == ["int8", "float16", "flash, B", "accuracy"]
    memory = Axes()
    values["Inspection"].plot(memory)
    assert len(memory.points) == len(values["Inspection"].operators)


def test_nothing_to_draw_says_why(sample_report):
    with pytest.raises(InputError, match="nothing to draw") as problem:
        Report(device="rpi4").plot()
    assert "to_frame" in problem.value.next_step


def test_a_line_loads_no_template_and_no_numbers():
    said = (
        "import sys; from edgekit.documents.report import Report; assert 'edgekit.views' not in sys.modules; repr(Report(device='a'))\n"
        "print([name for name in ('jinja2', 'numpy', 'rich', 'tensorflow', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
