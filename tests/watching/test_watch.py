"""Who a build tells what happens: in order, one at a time, numbered, and never ended by who listens."""

from __future__ import annotations

import json
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from edgekit.documents.candidate import Step
from edgekit.documents.events import KINDS, AnyEvent, Ended, Event, Failed, Judging
from edgekit.documents.report import Check, Metric
from edgekit.errors import InterruptedBuild, ModelError
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.techniques.steps import typed
from edgekit.watching.auto import shows_progress
from edgekit.watching.hooks import together, writing_lines
from edgekit.watching.watch import DeviceWatch, Watch

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def candidate(name: str) -> Proposal:
    return Proposal(name=name, steps=tuple(typed(Step(technique=part)) for part in name.split("+")))


def trial(name: str, **given: object) -> Trial:
    metrics = {"flash": Metric(value=len(name), unit="B", basis="measured", source="")}
    checks = (Check(name="flash", outcome="pass"),)
    return Trial(candidate=candidate(name), seconds=9.0, **{"metrics": metrics, "checks": checks, **given})


class Planned:
    """A planner with a list, whose best is the last that passed."""

    def __init__(self, *names: str) -> None:
        self.left, self.found = [candidate(name) for name in names], None

    def outlook(self) -> list[Proposal]:
        return self.left

    def best(self) -> Trial | None:
        return self.found

    def tried(self, made: Trial) -> Trial:
        self.found = made if made.passes else self.found
        return made


def test_a_search_is_told_trial_by_trial_with_what_is_left():
    heard: list[Event] = []
    clock = Clock()
    planner = Planned("int8", "int16x8", "pruning+int8")
    device = DeviceWatch(Watch(heard.append, clock), "rpi4")
    device.searching("Raspberry Pi 4", planner, {"flash": 9.0})
    for name, seconds in (("int8", 2.0), ("int16x8", 4.0)):
        device.asked(planner.left.pop(0), planner)
        device.began(candidate(name))
        clock.now += seconds
        device.told(planner.tried(trial(name)), planner)
    device.judging()
    assert [event.kind for event in heard] == [
        "searching", "trial_started", "trial_finished", "best", "trial_started", "trial_finished", "best", "judging",
    ]  # fmt: skip
    first, second = (event for event in heard if event.kind == "trial_started")
    assert (first.number, first.known, first.left_s) == (1, 3, None), "nothing was timed yet"
    assert (second.number, second.known, second.left_s) == (2, 3, None), "no training was timed yet"
    ended = [event for event in heard if event.kind == "trial_finished"]
    assert [(event.outcome, event.took_s) for event in ended] == [("pass", 2.0), ("pass", 4.0)]
    assert ended[0].metrics["flash"].value == 4 and heard[-1].tried == 2 and heard[-1].seconds == 6.0


def test_what_is_left_is_estimated_by_what_as_much_took():
    heard: list[Event] = []
    clock, planner = Clock(), Planned("int8", "int16x8", "float16")
    device = DeviceWatch(Watch(heard.append, clock), "rpi4")
    device.asked(planner.left.pop(0), planner)
    device.began(candidate("int8"))
    clock.now = 3.0
    device.told(trial("int8", failure="convert: no such operator"), planner)
    assert heard[-1].left_s == 6.0 and (heard[-1].outcome, heard[-1].reason) == ("failed", "convert: no such operator")
    assert "best" not in {event.kind for event in heard}


def test_what_is_left_is_no_more_than_the_time_budget():
    heard: list[Event] = []
    clock, planner = Clock(), Planned("int8", "int16x8", "float16")
    device = DeviceWatch(Watch(heard.append, clock), "rpi4")
    device.searching("Raspberry Pi 4", planner, {}, seconds_left=7.0)
    device.asked(planner.left.pop(0), planner)
    device.began(candidate("int8"))
    clock.now = 3.0
    device.told(trial("int8"), planner)
    assert [event.left_s for event in heard if event.kind == "trial_finished"] == [4.0]


def test_the_last_event_is_told_however_a_build_ends():
    for problem, outcome in ((ModelError("no model"), "error"), (InterruptedBuild("stop"), "interrupted"),
                             (KeyboardInterrupt(), "interrupted"), (RuntimeError("x"), "error")):  # fmt: skip
        heard: list[Event] = []
        raised = InterruptedBuild if isinstance(problem, KeyboardInterrupt) else type(problem)
        with pytest.raises(raised), Watch(heard.append).to_the_end():
            raise problem
        assert [type(event) for event in heard] == [Ended] and heard[0].outcome == outcome
        assert heard[0].error == raised.__name__
    for passed in (True, False):
        heard = []
        with Watch(heard.append).to_the_end() as ended:
            ended(passed)
        assert heard[0].outcome == ("pass" if passed else "fail")


def test_an_error_of_one_device_is_its_own_event():
    heard: list[Event] = []
    watch = Watch(heard.append)
    with pytest.raises(ModelError), watch.device_that_may_fail("pico"):
        raise ModelError("no such operator")
    with pytest.raises(InterruptedBuild), watch.device_that_may_fail("pico"):
        raise InterruptedBuild("interrupted")
    (event,) = heard
    assert isinstance(event, Failed) and (event.device, event.error, event.message) == (
        "pico", "ModelError", "no such operator",
    )  # fmt: skip


def test_a_hook_that_raises_is_told_nothing_more_and_takes_nothing_from_the_others():
    heard, asked = [], []

    def broken(event: Event) -> None:
        asked.append(event)
        raise ConnectionError("no server")

    watch = Watch(together(heard.append, broken))
    with pytest.warns(RuntimeWarning, match="ConnectionError: no server"):
        watch.tell(Judging(device="a", tried=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch.tell(Judging(device="b", tried=1))
    assert [event.device for event in heard] == ["a", "b"] and len(asked) == 1


def test_events_of_several_threads_come_one_at_a_time():
    inside, most = [], []
    lock = threading.Lock()

    def hook(event: Event) -> None:
        with lock:
            inside.append(event)
            most.append(len(inside))
        threading.Event().wait(0.002)
        with lock:
            inside.remove(event)

    watch = Watch(hook)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: watch.tell(Judging(device=str(number), tried=number)), range(24)))
    assert len(most) == 24 and max(most) == 1


def test_a_line_is_whole_as_soon_as_it_happened(tmp_path):
    path = tmp_path / "events.jsonl"
    with writing_lines(str(path)) as write:
        write(Judging(device="rpi4", tried=3))
        assert path.read_text() == '{"event":"judging","seconds":0.0,"device":"rpi4","tried":3}\n'
        write(Ended(outcome="pass"))
    read = [msgspec.json.decode(line, type=AnyEvent) for line in path.read_text().splitlines()]
    assert read == [Judging(device="rpi4", tried=3), Ended(outcome="pass")]


def test_every_kind_is_in_the_schema_and_on_the_page_with_its_fields():
    schema = json.loads((ROOT / "docs" / "events.schema.json").read_text())
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("### Events")[1].split("\n## ")[0]
    rows = dict(line.strip("| ").split(" | ", 1) for line in page.splitlines() if line.startswith("| `"))
    assert set(schema["discriminator"]["mapping"]) == {kind.__struct_config__.tag for kind in KINDS}
    for kind in KINDS:
        told = rows[f"`{kind.__struct_config__.tag}`"].split(" | ")[-1]
        assert told == ", ".join(f"`{name}`" for name in kind.__struct_fields__ if name != "seconds")


def test_progress_is_auto_or_a_function():
    @shows_progress
    def work(*, progress: object = None) -> object:
        return progress

    assert work(progress=print) is print
    with pytest.raises(Exception, match="not a progress") as problem:
        work(progress="bar")
    assert problem.value.received == "'bar'"
