"""The runner's clock: what is timed, when it stops, what it calls steady; with a clock and a model of the test's own."""

from __future__ import annotations

import gc

import pytest

from edgekit.boards.runner import timing
from edgekit.boards.runner.arguments import Options
from edgekit.boards.runner.sustained import sustained
from edgekit.boards.runner.work import timing_notes

MS = 1_000_000


class Machine:
    """A clock that moves by a microsecond a reading, and a model that takes as many milliseconds as it is told."""

    def __init__(self, durations):
        self.now = 0
        self.log = []
        self._durations = durations

    def clock(self):
        self.log.append("clock")
        self.now += 1000
        return self.now

    def invoke(self):
        self.log.append("invoke")
        place = self.log.count("invoke") - 1 if callable(self._durations) else 0
        self.now += round((self._durations(place) if callable(self._durations) else self._durations) * MS)


def timed(machine, **limits):
    ticks = []
    limits = {"runs": 5, "seconds": 0, "longest": 1000, **limits}
    sample, seconds = timing.timed(machine.invoke, tick=ticks.append, clock=machine.clock, **limits)
    return sample, seconds, ticks


def test_nothing_is_done_between_two_readings_of_the_clock_but_the_inference():
    machine = Machine(2)
    timed(machine, runs=7)
    assert machine.log == ["clock", *["clock", "invoke", "clock"] * 7, "clock"]


def test_a_duration_is_that_of_the_inference_and_one_reading():
    sample, seconds, _ = timed(Machine(2), runs=7)
    assert list(sample.kept) == [2 * MS + 1000] * 7
    assert seconds == pytest.approx(7 * 0.002, rel=0.01)


@pytest.mark.parametrize(
    ("limits", "runs"),
    [
        ({"runs": 50}, 50),
        ({"runs": 5, "seconds": 0.3}, 30),
        ({"runs": 1000, "longest": 0.5}, 50),
        ({"runs": 1000, "longest": 0.001}, timing.LEAST_RUNS),
    ],
)
def test_it_stops_when_runs_and_seconds_are_reached_or_the_longest_is(limits, runs):
    sample, _, _ = timed(Machine(10), **limits)
    assert sample.runs == pytest.approx(runs, abs=1)


def test_the_collector_waits_and_comes_back_also_after_an_error():
    seen = []

    def invoke():
        seen.append(gc.isenabled())
        if len(seen) == 3:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        timing.timed(invoke, runs=9, seconds=0, longest=9, tick=lambda share: None)
    assert seen == [False] * 3 and gc.isenabled()


def test_progress_is_told_twice_a_second_and_never_more_than_whole():
    _, _, ticks = timed(Machine(100), runs=50, seconds=1)
    assert 8 <= len(ticks) <= 11
    assert ticks == sorted(ticks) and ticks[0] > 0 and ticks[-1] <= 1


def test_a_sample_keeps_all_up_to_its_limit_and_then_every_second():
    sample = timing.Sample(most=8)
    for duration in range(8):
        sample.add(duration)
    assert list(sample.kept) == list(range(8)) and sample.every == 1
    for duration in range(8, 40):
        sample.add(duration)
    assert sample.runs == 40 and sample.every == 8
    assert list(sample.kept) == list(range(0, 40, 8))


def warm(durations, longest=30.0):
    machine = Machine(durations)
    return timing.warm_up(machine.invoke, longest=longest, tick=lambda share: None, clock=machine.clock)


def test_warm_up_ends_when_two_stretches_agree():
    settled, runs, milliseconds = warm(10)
    assert (settled, runs) == (True, 20)
    assert milliseconds == pytest.approx(200, rel=0.01)


def test_warm_up_goes_on_while_the_model_gets_faster():
    settled, runs, _ = warm(lambda place: max(10, 50 * 0.97**place))
    assert settled and runs >= 50


def test_warm_up_that_never_settles_says_so_and_ends():
    machine = Machine(0)
    machine._durations = lambda place: 2.0 ** (machine.now / 1e9)  # a tenth of a second adds seven percent
    settled, _, milliseconds = timing.warm_up(machine.invoke, longest=30, tick=lambda share: None, clock=machine.clock)
    assert not settled and 5000 <= milliseconds < 7000


def test_warm_up_of_a_slow_model_is_a_few_runs():
    assert warm(8000)[:2] == (True, 2)


def summary(durations_ms, settled=True):
    sample = timing.Sample()
    for duration in durations_ms:
        sample.add(round(duration * MS))
    return timing.summary(sample, 1.0, (settled, 20, 200.0)), timing.drift(sample.kept)


def test_the_figures_of_known_runs():
    found, _ = summary(range(1, 102))
    assert {name: found[name] for name in ("min_ms", "median_ms", "mean_ms", "p10_ms", "p90_ms", "p99_ms")} == {
        "min_ms": 1, "median_ms": 51, "mean_ms": 51, "p10_ms": 11, "p90_ms": 91, "p99_ms": 100,
    }  # fmt: skip
    assert found["spread"] == pytest.approx(80 / 51)
    assert found["runs_ms"] == [float(run) for run in range(1, 102)]


@pytest.mark.parametrize(
    ("durations", "settled", "steady", "word"),
    [
        ([10] * 30, True, True, None),
        ([10] * 15 + [10.4] * 15, True, True, None),
        ([10] * 15 + [11] * 15, True, False, "10% slower"),
        ([11] * 15 + [10] * 15, True, False, "9% faster"),
        ([10] * 15 + [93] * 15, True, False, "took 9.3 times as long as the first"),
        ([10] * 30, False, False, "warm-up"),
    ],
)
def test_a_run_that_was_not_steady_says_so_in_words(durations, settled, steady, word):
    found, drifted = summary(durations, settled)
    notes = timing_notes(found, drifted, settled, Options(model="m", runs=30))
    assert found["steady"] is steady
    assert (not notes) if word is None else (len(notes) == 1 and word in notes[0] and "not steady" in notes[0])


def test_many_raw_runs_are_thinned_evenly_and_it_is_said():
    found, drifted = summary([1 + run % 2 / 1000 for run in range(50_001)])
    assert found["runs"] == 50_001 and found["runs_ms_every"] == 3
    assert len(found["runs_ms"]) == 16_667
    notes = timing_notes(found, drifted, True, Options(model="m"))
    assert notes == ["runs_ms holds one in 3 of 50001 runs"]


def test_too_few_runs_before_the_limit_are_noted():
    found, drifted = summary([10] * 6)
    assert "6 of 50 runs" in timing_notes(found, drifted, True, Options(model="m"))[0]


def run_on(machine, minutes):
    return sustained(machine.invoke, minutes, lambda: 42.0, lambda share: None, clock=machine.clock)


def test_a_board_that_heats_up_is_slower_in_its_last_minute():
    machine = Machine(0)
    machine._durations = lambda place: 20 if machine.now < 90e9 else 30
    found = run_on(machine, 3)
    assert (found["first"]["what"], found["last"]["what"]) == ("first minute", "last minute")
    assert found["first"]["median_ms"] == pytest.approx(20, abs=0.01)
    assert found["last"]["median_ms"] == pytest.approx(30, abs=0.01)
    assert found["change"] == pytest.approx(0.5, abs=0.001)
    assert found["first"]["seconds"] == pytest.approx(60, rel=0.1)
    assert len(found["slices"]) == pytest.approx(60, abs=2)
    assert found["runs"] == sum(part["runs"] for part in found["slices"]) == machine.log.count("invoke")
    assert {part["temperature_c"] for part in found["slices"]} == {42.0}


def test_less_than_two_minutes_are_compared_by_fifths():
    found = run_on(Machine(5), 0.1)
    assert (found["first"]["what"], found["last"]["what"]) == ("first fifth", "last fifth")
    assert found["first"]["seconds"] == pytest.approx(6 / 5, rel=0.1)
    assert found["seconds"] == pytest.approx(6, rel=0.02)
    assert found["first"]["per_s"] == pytest.approx(200, rel=0.01)


def test_one_inference_longer_than_the_whole_is_one_slice():
    found = run_on(Machine(2000), 0.02)
    assert len(found["slices"]) == found["runs"] == 1 and found["change"] == 0
