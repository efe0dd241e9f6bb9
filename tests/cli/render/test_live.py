"""A build while it runs: what a terminal, a log and a notebook show of the same events, and that nothing stale stays."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from edgekit.cli.render.live.lines import PlainLines
from edgekit.cli.render.live.notebook import Notebook
from edgekit.cli.render.live.screen import Screen
from edgekit.documents.events import (
    Best,
    Ended,
    Failed,
    Finished,
    Judging,
    Opened,
    Searching,
    Started,
    TrialFinished,
    TrialStarted,
)
from edgekit.documents.report import Metric

METRICS = {
    "flash": Metric(value=45_400, unit="B", basis="measured", source=""),
    "latency": Metric(value=0.0838, unit="ms", basis="predicted", source=""),
    "accuracy_drop": Metric(value=0.5556, unit="points", basis="simulated", source=""),
}
PATHS = {"folder": "build/rpi4", "page": "build/rpi4/report.html"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def started(*devices: str) -> Started:
    return Started(edgekit_version="0", devices=devices, time_budget_s=1800.0, workers=1)


def searching(device: str, name: str = "") -> Searching:
    return Searching(device=device, name=name or device, candidates=("float32", "int8"), limits={})


def trial(device: str, candidate: str, number: int, **given: object) -> TrialStarted:
    return TrialStarted(device=device, candidate=candidate, number=number, known=4, **given)


def ended(device: str, candidate: str, number: int, outcome: str = "pass", reason: str = "") -> TrialFinished:
    return TrialFinished(
        device=device, candidate=candidate, number=number, known=4, outcome=outcome, reason=reason, took_s=2.0,
        metrics=METRICS if outcome != "failed" else {}, left_s=6.0,
    )  # fmt: skip


def shown(screen: Screen, width: int = 100) -> str:
    """What the terminal has now, as text."""
    stream = io.StringIO()
    Console(file=stream, width=width).print(screen.view())
    return stream.getvalue()


@pytest.fixture
def screen():
    clock = Clock()
    made = Screen(Console(file=io.StringIO(), force_terminal=True, width=100), clock)
    clock.now = 1.0
    made.clock = clock
    return made


def test_from_the_first_second_it_says_what_it_waits_for(screen):
    assert "starting" in shown(screen)
    screen.on_event(started("rpi4"))
    screen.progress("starting TensorFlow", 0, 1)
    text = shown(screen)
    assert "rpi4" in text and "starting TensorFlow" in text and "29 min 59 s of the time budget left" in text
    screen.progress("starting TensorFlow", 1, 1)
    screen.on_event(Opened(model_sha256="", data_sha256="", parameters=1, macs=1, samples={}, metric="accuracy"))
    assert "TensorFlow" not in shown(screen)


def test_one_device_shows_the_trial_the_best_and_the_time(screen):
    for event in (started("rpi4"), searching("rpi4", "Raspberry Pi 4"), trial("rpi4", "float32", 1)):
        screen.on_event(event)
    screen.on_event(ended("rpi4", "float32", 1))
    screen.on_event(Best(device="rpi4", candidate="float32", metrics=METRICS))
    screen.on_event(trial("rpi4", "int8", 2, left_s=6.0))
    screen.progress("int8: evaluating", 120, 360)
    screen.clock.now = 61.0
    text = shown(screen)
    assert "Raspberry Pi 4 (rpi4)" in text
    assert "trial 2 of 4 known: int8, evaluating" in text and "120/360" in text
    assert "best   float32: 44.3 KiB flash, 83.8 µs latency, 0.56 points lost" in text
    assert "tried  float32 passes" in text
    assert "1 min 1 s so far, about 6.0 s left to try, 28 min 59 s of the time budget left" in text


def test_nothing_that_is_over_is_left_standing(screen):
    for event in (started("rpi4"), searching("rpi4"), trial("rpi4", "int8", 1)):
        screen.on_event(event)
    screen.progress("int8: fine-tuning", 37, 40)  # stopped early: it never reaches 40
    screen.on_event(ended("rpi4", "int8", 1, "fail", "flash: 3.0 times the limit"))
    assert "fine-tuning" not in shown(screen) and "37/40" not in shown(screen)
    screen.on_event(Judging(device="rpi4", tried=1))
    assert "judging on the test split" in shown(screen)
    screen.progress("evaluating", 3, 9)
    assert "judging on the test split, evaluating" in shown(screen)
    finished = Finished(device="rpi4", outcome="pass", summary="", candidate="int8", metrics=METRICS, paths=PATHS)
    screen.on_event(finished)
    screen.on_event(Ended(outcome="pass"))
    assert "evaluating" not in shown(screen)


def test_several_devices_are_a_table_that_fills(screen):
    screen.on_event(started("rpi4", "pico", "esp32"))
    screen.on_event(searching("rpi4"))
    screen.on_event(searching("pico"))
    screen.on_event(trial("pico", "int8", 1))
    screen.progress("pico: int8: converting", 0, 1)
    screen.on_event(trial("rpi4", "float32", 1))
    screen.on_event(Best(device="rpi4", candidate="int8", metrics=METRICS))
    screen.on_event(Finished(device="rpi4", outcome="pass", summary="", candidate="int8", metrics=METRICS, paths=PATHS))
    rows = {line.split()[0]: line for line in shown(screen, 110).splitlines() if line.split()}
    assert "PASS" in rows["rpi4"] and "44.3 KiB" in rows["rpi4"] and "0.56 points" in rows["rpi4"]
    assert "trial 1 of 4 known: int8, converting" in rows["pico"] and "waiting" in rows["esp32"]
    assert "1 of 3 devices done" in shown(screen)
    screen.on_event(Failed(device="pico", error="ModelError", message="no such operator"))
    assert "2 of 3 devices done" in shown(screen) and "converting" not in shown(screen)


def test_two_trials_at_once_are_both_known(screen):
    for event in (started("rpi4"), searching("rpi4"), trial("rpi4", "a", 1), trial("rpi4", "b", 2)):
        screen.on_event(event)
    assert "b and 1 more" in shown(screen)
    screen.on_event(ended("rpi4", "b", 2))
    assert "trial 2 of 4 known: a" in shown(screen)


def test_a_log_has_a_line_for_each_trial_and_names_the_page():
    lines: list[str] = []
    plain = PlainLines(lines.append, Clock())
    for event in (
        started("rpi4"), searching("rpi4"), trial("rpi4", "float32", 1), ended("rpi4", "float32", 1),
        Best(device="rpi4", candidate="float32", metrics=METRICS), ended("rpi4", "int8", 2, "failed", "no operator"),
        Judging(device="rpi4", tried=2),
        Finished(device="rpi4", outcome="pass", summary="", candidate="float32", metrics={}, paths=PATHS),
        Ended(outcome="pass"),
    ):  # fmt: skip
        plain.on_event(event)
    assert lines == [
        "building for rpi4, within 30 min",
        "rpi4: trial 1 of 4 known, float32 passes, 44.3 KiB flash, 83.8 µs latency, 0.56 points lost, in 2.0 s; about 6.0 s "
        "left to try",
        "rpi4: best so far is float32",
        "rpi4: trial 2 of 4 known, int8 gave no file (no operator), in 2.0 s; about 6.0 s left to try",
        "rpi4: judging on the test split",
        "rpi4: pass; the page is build/rpi4/report.html",
    ]


def test_a_notebook_has_one_block_that_is_replaced_and_escapes_what_it_shows():
    blocks: list[str] = []

    class Handle:
        def update(self, shown: object) -> None:
            blocks.append(shown._repr_html_())

    def display(block: object) -> Handle:
        blocks.append(block._repr_html_())
        return Handle()

    with Notebook(display).ticking() as shown:
        assert "starting" in blocks[0]
        for event in (started("rpi4"), searching("rpi4", "<b>Pi</b>"), trial("rpi4", "int8", 1)):
            shown.on_event(event)
        shown.progress("int8: evaluating", 3, 9)
        view = shown.view()
        assert '<progress max="9" value="3">' in view and "&lt;b&gt;Pi" in view and "<script" not in view
        shown.on_event(ended("rpi4", "int8", 1))
        shown.on_event(Best(device="rpi4", candidate="int8", metrics=METRICS))
        shown.on_event(
            Finished(
                device="rpi4", outcome="pass", summary="int8: fits", candidate="int8", metrics=METRICS, paths=PATHS
            )
        )
    assert "pass: int8: fits" in blocks[-1] and "<progress" not in blocks[-1], "the last block is of the end"


def test_a_call_that_is_no_build_leaves_nothing_in_a_notebook():
    blocks: list[str] = []

    class Handle:
        def update(self, shown: object) -> None:
            blocks.append(shown._repr_html_())

    with Notebook(lambda block: Handle()).ticking() as shown:
        shown.progress("loading the model", 1, 3)
        assert "loading the model" in shown.view()
    assert blocks[-1] == ""
