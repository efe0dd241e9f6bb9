"""Progress: silent when quick, with the time left when not, and on stderr's own terms."""

from __future__ import annotations

import io

from rich.console import Console

from edgekit.cli.render import progress as progress_module
from edgekit.cli.render.live.lines import PlainLines
from edgekit.cli.render.live.screen import Screen
from edgekit.cli.render.progress import showing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_quick_phase_says_nothing():
    lines, clock = [], Clock()
    progress = PlainLines(lines.append, clock)
    for done in range(11):
        progress("evaluation", done, 10)
        clock.now += 0.1
    assert lines == []


def test_a_long_phase_says_how_far_and_how_long_and_when_it_ended():
    lines, clock = [], Clock()
    progress = PlainLines(lines.append, clock)
    for done in range(31):
        progress("fine-tuning", done, 30)
        clock.now += 1.0
    assert lines[0] == "fine-tuning: 2 of 30 (7%), about 28 s left"
    assert lines[-1] == "fine-tuning: done in 30 s"
    assert len(lines) == 4  # at 2, 12 and 22 seconds, and at the end


def test_what_a_phase_waited_for_before_its_first_part_is_no_pace():
    lines, clock = [], Clock()
    progress = PlainLines(lines.append, clock)
    progress("calibrating", 0, 160)
    clock.now = 15.0
    progress("calibrating", 1, 160)
    clock.now = 26.0
    progress("calibrating", 12, 160)
    assert lines == ["calibrating: 1 of 160 (1%)", "calibrating: 12 of 160 (8%), about 2 min 28 s left"]


def test_an_unknown_total_has_no_time_left():
    lines, clock = [], Clock()
    progress = PlainLines(lines.append, clock)
    progress("reading", 0, 0)
    clock.now = 3.0
    progress("reading", 7, 0)
    assert lines == ["reading: 7"]


def test_a_phase_that_comes_again_is_timed_again():
    lines, clock = [], Clock()
    progress = PlainLines(lines.append, clock)
    for _ in range(3):
        progress("calibration", 0, 1)
        clock.now += 1.0
        progress("calibration", 1, 1)
    assert lines == []


def test_a_stream_that_is_no_terminal_gets_plain_lines():
    stream = io.StringIO()
    with showing(stream) as display:
        assert isinstance(display, PlainLines)
        display.progress("quick", 1, 1)
    assert stream.getvalue() == ""


def test_a_terminal_shows_what_is_done_and_keeps_nothing_of_it(monkeypatch):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    monkeypatch.setattr(progress_module, "make_console", lambda _: console)
    monkeypatch.setattr("edgekit.cli.render.live.screen.SHOWN_AFTER_S", 0.0)
    with showing(stream) as display:
        assert isinstance(display, Screen)
        display.progress("fine-tuning", 3, 10)
        display._live.refresh()
        assert "fine-tuning" in stream.getvalue() and "3/10" in stream.getvalue()
        stream.truncate(0)
        display.progress("fine-tuning", 10, 10)
        display._live.refresh()
        assert "fine-tuning" not in stream.getvalue(), "the bar of a phase that is over must not stay"
    assert stream.getvalue().endswith("\x1b[2K") or "\x1b[2K" in stream.getvalue()[-40:], "the lines are wiped"


def test_quick_work_shows_nothing_on_a_terminal():
    clock = Clock()
    screen = Screen(Console(file=io.StringIO(), force_terminal=True), clock)
    screen.progress("reading", 1, 3)
    clock.now = 0.1
    assert str(screen.view()) == ""
