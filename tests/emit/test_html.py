"""The page of a report: what it holds, what is escaped, and that the same report gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.documents.compiled import LeftOperator
from edgekit.documents.decisions import Errors
from edgekit.documents.report import CandidateReport, Check, Metric, Report
from edgekit.emit.html import html_report
from edgekit.emit.html.caption import KEY
from edgekit.emit.html.figures import BASES
from edgekit.emit.html.page import breakable, visible
from edgekit.measure.insides import insides
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite, read_tflite

ROOT = Path(__file__).resolve().parents[2]
RPI4 = load_profile("rpi4")
VOID = {"meta", "br", "wbr", "use", "path", "rect", "circle", "link", "img"}


def page_of(
    report: Report, model: TfliteModel, profile: DeviceProfile | None = None, *, profile_reason: str = "", **more
) -> str:
    """The page of a report whose file is at hand."""
    inside = insides(report.chosen, model, profile, profile_reason=profile_reason)
    return html_report(report, inside=inside, profile=profile, **more)


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and whether every element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture
def page(sample_report, int8_model, provenance):
    return page_of(sample_report, read_tflite(int8_model), RPI4, provenance=provenance)


REPORTS = [
    "sample_report", "many_candidates", "one_unknown", "nothing_made", "hostile", "with_decisions", "with_many_classes",
    "with_errors", "on_npu",
]  # fmt: skip
FILES = ("report.json", "model.tflite", "plan.json")


@pytest.mark.parametrize("name", REPORTS)
def test_every_page_is_whole_and_needs_nothing_else(name, request, int8_model, provenance):
    report = request.getfixturevalue(name)
    text = page_of(report, read_tflite(int8_model), RPI4, provenance=provenance, files=FILES)
    found = Page(text)
    assert not found.misnested and not found.open
    assert not {tag for tag, _ in found.elements} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
    }
    links = [attributes["href"] or "" for _, attributes in found.elements if "href" in attributes]
    assert {link for link in links if not link.startswith("#")} == set(FILES)
    pictures = [attributes["src"] or "" for tag, attributes in found.elements if tag == "img"]
    assert all(re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/]+={0,2}", source) for source in pictures)
    assert bool(pictures) == (name in ("with_decisions", "with_many_classes"))
    names = [name for tag, attributes in found.elements for name in attributes if tag != "img"]
    assert not [name for name in names if name.startswith("on") or name in ("src", "style", "srcset", "xlink:href")]
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link for link in links if link.startswith("#")} <= {f"#{found}" for found in ids}


def test_only_its_own_style_sheet_is_allowed(page):
    policy = next(each["content"] for tag, each in Page(page).elements if "http-equiv" in each)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style and "@import" not in style


def test_no_text_of_a_report_or_a_model_becomes_markup(hostile, hostile_model, provenance):
    content = hostile_model()
    text = page_of(hostile, parse_tflite(content, where="hostile"), RPI4, provenance=provenance)
    assert "<script" not in text.lower() and "<img" not in text.lower() and "49" not in Page(text).text.split()
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text and "\x00" not in text
    assert "<script>x" in Page(text).text  # the tensors' names are there, as text
    for _, attributes in Page(text).elements:
        assert not any(name.strip("\"'<>/").startswith("on") for name in attributes)


def test_the_same_report_gives_the_same_bytes(many_candidates, int8_model, provenance):
    """In processes of their own, whose strings have hashes of their own."""
    made = (
        "import hashlib, sys; from edgekit.emit.html import html_report; from edgekit.documents.report import Report\n"
        "from edgekit.values import from_json; from edgekit.tflite.reader import read_tflite\n"
        "from edgekit.devices.profile import DeviceProfile, load_profile; from edgekit.measure.insides import insides\n"
        "report = from_json(sys.stdin.read(), Report)\n"
        f"profile = load_profile('rpi4'); inside = insides(report.chosen, read_tflite({str(int8_model)!r}), profile)\n"
        "text = html_report(report, inside=inside, profile=profile)\n"
        "print(hashlib.sha256(text.encode()).hexdigest(), 'tensorflow' in sys.modules)"
    )
    document = msgspec.json.encode(many_candidates).decode()
    said = {
        subprocess.run(
            [sys.executable, "-c", made], input=document, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1 and said.pop().split()[1] == "False"


def test_it_shows_every_figure_with_its_basis(page, sample_report):
    text = Page(page).text
    assert "int8 for Raspberry Pi 4 Model B" in text
    assert sample_report.summary in text
    assert "97.50%" in text and "95.50 to 98.50%" in text  # the result's accuracy
    assert "91.0 KiB" in text and "93,184 B" in text and "17.3x smaller" in text
    assert "raw flash counts here" in text  # declined
    assert "Keras's own score on the test split is 0.9778" in text  # a note
    assert "3 fails" not in text and "loses 1.4 points where 1 may be lost" in text
    assert all(words in text for words in BASES.values())
    cells = re.findall(r'<td class="n[^>]*>(.*?)</td>', page, re.DOTALL)
    marked = [cell for cell in cells if "97.50%" in cell and 'href="#basis-simulated"' in cell]
    assert marked


def test_a_figure_that_is_not_known_says_why(page, one_unknown):
    assert "not known" in Page(page).text and "tflite_micro is not installed" in Page(page).text
    alone = Page(html_report(one_unknown)).text
    assert "the model's file is not at hand" in alone
    assert "no manifest vouches for this report" in alone
    assert "No data was given" in alone


def test_the_parts_of_the_file_add_up(page, int8_model):
    text = Page(page).text
    assert "5.3 KiB" in text and "CONV_2D" in text and "the rest of the file" in text
    assert "The activations take the most at operator" in text
    assert page.count('<rect class="bytes"') == page.count('<rect class="time"') + 1  # the rest has bytes alone


def test_milliseconds_without_a_profile_are_not_known(sample_report, int8_model):
    text = page_of(sample_report, read_tflite(int8_model), profile_reason="nobody named it")
    assert "Milliseconds are not known: nobody named it" in Page(text).text
    assert '<rect class="time"' not in text


def test_a_build_without_a_file_says_so(nothing_made):
    text = Page(html_report(nothing_made, profile=RPI4)).text
    assert "No candidate for Raspberry Pi 4 Model B" in text
    assert "Not known: no candidate gave a file" in text
    assert "signal SIGSEGV" in text


def test_the_candidates_are_points_and_rows(many_candidates):
    page = html_report(many_candidates, profile=RPI4)
    kinds = {kind: page.count(f'<use href="#point-{kind}"') for kind in KEY}
    drawn = 25 - 3  # three gave no file
    # each is drawn in the picture for a page, in the one for a phone and in its row; each kind once in the key
    assert sum(kinds.values()) == 3 * drawn + sum(1 for number in kinds.values() if number)
    assert kinds["chosen"] == kinds["baseline"] == 3 + 1
    text = Page(page).text
    assert "Not drawn: pruning_80+float16, quantization_aware+int16x8, pruning_50+int8" in text
    assert "one of the 287 samples is 0.35 points" in text
    assert page.count("<title>") > 2 * drawn


def test_the_currency_of_the_goal_is_the_axis(many_candidates):
    data = {**many_candidates.data, "currency": "latency"}
    page = html_report(msgspec.structs.replace(many_candidates, data=data), profile=RPI4)
    assert "latency, ms</text>" in page and "accuracy against latency" in page


@pytest.mark.parametrize("value", [0, 1, 10**18, 5e-324, 1e300, -3.0])
def test_figures_of_any_size_can_be_drawn(sample_report, value):
    def candidate(name: str, number: float) -> CandidateReport:
        metrics = {
            each: Metric(value=number, unit=unit, basis="measured", source="")
            for each, unit in (("mae", ""), ("flash", "B"), ("latency", "ms"))
        }
        return CandidateReport(candidate=name, steps=(), outcome="pass", reason="", seconds=0, metrics=metrics)

    for several in ((candidate("a", value),), (candidate("a", value), candidate("b", 0.0), candidate("c", value))):
        for currency in ("flash", "latency"):
            report = msgspec.structs.replace(
                sample_report, candidates=several, data={"currency": currency, "direction": "lower"}
            )
            page = html_report(report)
            assert not Page(page).misnested
            assert not re.search(r'="[^"]*\b(nan|inf)\b', page)


NUMBERS = st.none() | st.floats(allow_nan=True) | st.integers(-(2**60), 2**60)
METRICS = st.dictionaries(
    st.sampled_from(["accuracy", "keras_accuracy", "accuracy_drop", "flash", "ram", "latency", "macs", "m:f"]),
    st.builds(
        Metric, value=NUMBERS, unit=st.sampled_from(["B", "ms", "fraction", "points", ""]), low=NUMBERS, high=NUMBERS,
        basis=st.sampled_from([None, "measured", "predicted"]), source=st.just("so"), threads=st.sampled_from([None, 4]),
    ),
)  # fmt: skip
CANDIDATES = st.builds(
    CandidateReport, candidate=st.text(max_size=8), steps=st.just(()), metrics=METRICS, reason=st.text(max_size=8),
    outcome=st.sampled_from(["pass", "fail", "failed", "control", "else"]), seconds=st.floats(-1e9, 1e9),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    metrics=METRICS,
    candidates=st.lists(CANDIDATES, max_size=4),
    limit=NUMBERS,
    currency=st.sampled_from(["flash", "ram"]),
)
def test_no_figures_keep_a_page_from_being_made(sample_report, int8_model, metrics, candidates, limit, currency):
    report = msgspec.structs.replace(
        sample_report,
        chosen=msgspec.structs.replace(sample_report.chosen, metrics=metrics),
        candidates=tuple(candidates),
        checks=(Check(name=currency, outcome="fail", limit=limit, value=limit, unit="B", basis="measured"),),
        data={"currency": currency},
    )
    assert not Page(page_of(report, read_tflite(int8_model))).misnested


def test_what_is_taken_for_what_is_a_table_with_a_number_for_each_class(with_decisions):
    page = html_report(with_decisions)
    table = re.search(r'<table class="confusion">(.*?)</table>', page, re.DOTALL)[1]
    cells = re.findall(r'<td class="n (right|wrong)-(\d)"[^>]*>(\d*)</td>', table)
    assert len(cells) == 100 and [cells[at * 11] for at in range(2)] == [("right", "5", "90"), ("right", "5", "89")]
    assert cells[12] == ("wrong", "1", "1") and cells[2] == ("wrong", "0", "")
    text = Page(page).text
    assert (
        "41 are decided differently than by the baseline: 20 that were right are wrong now, 20 that were wrong" in text
    )
    assert "1.11 points lost" in text and "sample 37 truth aeroplane automobile → aeroplane gained" in text
    assert "aeroplane → automobile lost" in text and "0.25, -1.5" in text and "(21 of 41)" in text


def test_many_classes_are_squares_and_the_rows_are_those_that_lose_the_most(with_many_classes):
    page = html_report(with_many_classes)
    assert page.count('class="right-5"') >= 45 and 'aria-label="Confusion matrix of 50 classes"' in page
    rows = re.findall(r'<th scope="row" class="name">class (?:<wbr>)?(\d+)</th>', page)
    assert rows == [str(at) for at in range(49, 37, -1)] and "38 more classes lose less" in Page(page).text


def test_errors_are_bars_and_the_baseline_a_line(with_errors):
    page = html_report(with_errors)
    assert page.count('class="errors"') == page.count('class="before"') == 2  # for a page, and for a phone
    text = Page(page).text
    assert "Errors on test" in text and "target 1.5 1.25 → -0.75" in text and "Decisions on test" not in text


@pytest.mark.parametrize(
    "spoiled",
    [
        {"confusion": ((1, 2), (3,))}, {"labels": ("a",)}, {"confusion": ((1,) * 60,) * 60, "labels": ("x",) * 60},
        {"errors": Errors(what="output less target", edges=(0.0, float("nan")), after=(1,))},
        {"errors": Errors(what="output less target", edges=(0.0, 1.0), after=(1, 2))},
        {"errors": Errors(what="output less target", edges=(0.0, 1e300), after=(10**30,))},
    ],
)  # fmt: skip
def test_decisions_that_do_not_fit_together_are_left_out(with_decisions, spoiled):
    decisions = msgspec.structs.replace(with_decisions.decisions, **spoiled)
    page = html_report(msgspec.structs.replace(with_decisions, decisions=decisions))
    assert not Page(page).misnested and not re.search(r'="[^"]*\b(nan|inf)\b', page)


def times(page: str, label: str) -> tuple[float, float]:
    """The sum of the milliseconds in the rows of a table, and the figure in its foot."""
    table = re.search(rf'aria-label="{label}".*?</table>', page, re.DOTALL)[0]
    body, foot = table.split("<tfoot>")

    def found(text: str) -> list[float]:
        cells = re.findall(r'data-label="time">([\d.]+) (ms|µs|s)\b', text)
        return [float(number) * {"ms": 1.0, "µs": 1e-3, "s": 1e3}[unit] for number, unit in cells]

    return sum(found(body)), found(foot)[0]


def test_an_npu_has_one_total_which_is_the_verdicts(on_npu, int8_model):
    page = page_of(on_npu, read_tflite(int8_model), RPI4)
    parts, total = times(page, "Layers on the NPU")
    assert total == 2.95 and parts == pytest.approx(total, rel=0.01), "and what lies between the layers"
    assert "between the layers" in Page(page).text
    operators = re.search(r'aria-label="Operators".*?</table>', page, re.DOTALL)[0]
    assert 'data-label="time"' not in operators and "memory held" not in operators, "they are not what the NPU runs"
    assert "their times stand under On the NPU" in Page(page).text


def test_operators_left_to_the_processor_are_part_of_the_total(on_npu):
    left = (LeftOperator(operator="SOFTMAX", layer="s", reason="why"),)
    compiled = msgspec.structs.replace(on_npu.chosen.compiled, left=left, on_npu=2)
    latency = msgspec.structs.replace(on_npu.chosen.metrics["latency"], value=9.53, basis="predicted")
    chosen = msgspec.structs.replace(on_npu.chosen, compiled=compiled, metrics={"latency": latency})
    parts, total = times(html_report(msgspec.structs.replace(on_npu, chosen=chosen)), "Layers on the NPU")
    assert total == 9.53 and parts == pytest.approx(total, rel=0.01)


@pytest.mark.parametrize("basis", ["measured", "predicted"])
def test_the_operators_sum_to_the_verdicts_latency_wherever_it_comes_from(sample_report, int8_model, basis):
    latency = Metric(value=3.1, unit="ms", basis=basis, source="taken on the board")
    chosen = msgspec.structs.replace(sample_report.chosen, metrics={**sample_report.chosen.metrics, "latency": latency})
    page = page_of(msgspec.structs.replace(sample_report, chosen=chosen), read_tflite(int8_model), RPI4)
    parts, total = times(page, "Operators")
    assert total == 3.1 and parts == pytest.approx(3.1, rel=0.01)
    assert f"The milliseconds are the 3.1 ms of the whole, {basis}, shared out" in Page(page).text


def test_a_report_with_nothing_in_it():
    assert "nothing that was not checked passes" in Page(html_report(Report())).text


def test_signs_that_cannot_be_seen_are_replaced():
    assert visible("a\x00b\u202ec\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert visible("größer 8×8 µs") == "größer 8×8 µs"
    assert html.unescape(str(breakable("<b>+" + "x" * 50)).replace("<wbr>", "")) == "<b>+" + "x" * 50


def test_a_long_model_shows_its_heaviest_operators(sample_report, int8_model):
    model = read_tflite(int8_model)
    many = msgspec.structs.replace(model, operators=model.operators * 200)
    page = page_of(sample_report, many, RPI4)
    assert "lighter operators:" in Page(page).text
    assert len(page) < 600_000


def test_the_example_in_the_docs_is_a_page_of_today():
    """`python tools/make_example_report.py` makes it again."""
    text = (ROOT / "docs" / "example-report.html").read_text(encoding="utf-8")
    style = (ROOT / "edgekit" / "emit" / "html" / "templates" / "style.css").read_text(encoding="utf-8")
    assert f"<style>{style}</style>" in text, "it has another style sheet: make it again"
    found = Page(text)
    assert not found.misnested and "Raspberry Pi 4 Model B" in found.text
    assert {"chosen", "baseline"} <= {kind for kind in KEY if f'href="#point-{kind}"' in text}
    assert "/home/" not in text and "/tmp/" not in text


def test_a_loss_that_rounds_to_its_limit_shows_the_digits_that_decide(sample_report):
    hair = Check(name="accuracy_drop", outcome="fail", limit=0.5, value=0.5003, unit="points", basis="simulated")
    text = html_report(msgspec.structs.replace(sample_report, checks=(hair,)))
    assert "0.5003 points" in text
