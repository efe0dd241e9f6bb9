"""The choice by each goal, and its reason: balanced looks away from what is far below its limit, and chooses nothing that is dominated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.planner.ranking import Standing, place, why

MEGABYTES, ROOMS = 2**20, {"ram": 512 * 2**20, "latency": 100.0}


def one(name, drop=0.0, measured=(), steps=1, **costs):
    return Standing(name=name, costs=costs, drop=drop, steps=steps, measured=measured)


def chosen(task, *standings):
    return place(task, standings)[0].standing.name


def reason(task, *standings):
    """Why the runner-up lost."""
    winner, second, *_ = place(task, standings)
    return why(task, winner.standing, second)


DIGITS = (
    one("float32", flash=156_000, ram=372_000, latency=0.103),
    one("int8", flash=45_363, ram=147_000, latency=0.0838),
    one("dynamic_range", flash=45_261, ram=164_000, latency=0.0851),
    one("int16x8", flash=47_104, ram=94_000, latency=0.537),
)
MOBILENET = (
    one("float32", flash=13.3 * MEGABYTES, ram=36.7 * MEGABYTES, latency=43.3),
    one("int8", drop=0.4, flash=3.8 * MEGABYTES, ram=10.3 * MEGABYTES, latency=17.1),
    one("dynamic_range", drop=0.1, flash=3.6 * MEGABYTES, ram=17.2 * MEGABYTES, latency=27.2),
)


@pytest.mark.parametrize("standings", [DIGITS, MOBILENET])
def test_int8_wins_over_dynamic_range_on_a_raspberry_pi(task, standings):
    assert chosen(task("rpi4", aim="balanced"), *standings) == "int8"
    assert chosen(task("rpi4", aim="accurate"), *standings) == ("int8" if standings is DIGITS else "float32")
    assert chosen(task("rpi4", aim="fastest"), *standings) == "int8"


def test_each_goal_chooses_what_it_is_named_for(task):
    tried = (
        one("a", drop=0.5, flash=300e3, download=250e3, ram=90e3, latency=9.0),
        one("b", drop=0.4, flash=310e3, download=100e3, ram=90e3, latency=9.0, steps=2),
        one("c", drop=0.3, flash=400e3, download=300e3, ram=50e3, latency=9.0),
        one("d", drop=0.2, flash=420e3, download=310e3, ram=90e3, latency=5.0),
        one("e", drop=0.0, flash=900e3, download=800e3, ram=300e3, latency=40.0),
    )
    found = {
        aim: chosen(task("nucleo-l4r5zi", aim=aim), *tried)
        for aim in ("smallest", "download", "ram", "fastest", "accurate")
    }
    assert chosen(task("rpi4", aim="smallest"), *MOBILENET) == "dynamic_range", "by 200 kB, where they are asked for"
    assert found == {"smallest": "a", "download": "b", "ram": "c", "fastest": "d", "accurate": "e"}


def test_what_is_far_below_its_limit_stops_counting(task):
    """10 KiB of 3 MiB are nothing beside a tenth of the time; where the flash is nearly full they are."""
    small, fast = one("small", flash=3000e3, ram=1e5, latency=11.0), one("fast", flash=3010e3, ram=1e5, latency=10.0)
    board = task("nucleo-l4r5zi", aim="balanced", limits={"flash": 2**22, "ram": 2**19, "latency": 100.0})
    assert chosen(board, small, fast) == "fast"
    tight = task("nucleo-l4r5zi", aim="balanced", limits={"flash": 60e3, "ram": 2**19, "latency": 1e5})
    half, whole = one("half", flash=25e3, ram=1e5, latency=11.0), one("whole", flash=55e3, ram=1e5, latency=10.0)
    assert chosen(tight, half, whole) == "half"
    assert reason(tight, half, whole).startswith("takes more of what there is: 92% of the flash")


def test_of_equals_the_faster_then_the_smaller_in_ram_then_the_more_accurate(task):
    board = task("nucleo-l4r5zi", aim="balanced")
    costs = {"flash": 100e3, "ram": 50e3, "latency": 10.0}
    assert chosen(board, one("a", **costs), one("b", **{**costs, "latency": 9.5})) == "b"
    assert chosen(board, one("a", **costs), one("b", **{**costs, "ram": 47e3})) == "b"
    assert chosen(board, one("a", drop=0.5, **costs), one("b", **costs)) == "b"
    assert "loses more: 0.50 points, b 0.00 points" in reason(board, one("a", drop=0.5, **costs), one("b", **costs))


def test_microseconds_do_not_buy_a_file_of_twice_the_size(task):
    """Two operators more at a model's ends take 6 µs of 100 ms; the card of a Raspberry Pi has no limit."""
    tried = one("float32", flash=15.9e3, ram=82e3, latency=0.0512), one("int8", flash=6.1e3, ram=78e3, latency=0.0574)
    assert chosen(task("rpi4", aim="balanced"), *tried) == "int8"
    assert (
        reason(task("rpi4", aim="balanced"), *tried)
        == "takes more time and flash together: 51.2 µs, 15.5 KiB; int8 57.4 µs, 6.0 KiB"
    )


def test_a_measured_time_far_below_its_limit_is_noise(task):
    """3.5 and 3.9 µs on a host, of 100 ms."""
    noisy = [
        one("slow", measured=("latency",), flash=44e3, ram=1e5, latency=0.0039),
        one("fast", drop=0.4, measured=("latency",), flash=44e3, ram=1e5, latency=0.0035),
    ]
    assert chosen(task("rpi4", aim="balanced"), *noisy) == "slow", "it loses less"


def test_one_scale_a_tensor_is_not_chosen_for_a_kilobyte_of_a_megabyte(task):
    same = {"ram": 6e3, "latency": 10.0}
    tried = one("int8", flash=45e3, **same), one("int8_per_tensor", drop=0.05, flash=42e3, **same)
    assert chosen(task("nucleo-l4r5zi", aim="balanced"), *tried) == "int8"
    assert chosen(task("nucleo-l4r5zi", aim="smallest"), *tried) == "int8_per_tensor"
    wide = one("int8", flash=341e3, **same), one("int8_per_tensor", drop=0.05, flash=297e3, **same)
    assert chosen(task("nucleo-l4r5zi", aim="balanced"), *wide) == "int8_per_tensor", "4% of the flash are counted"


figures = st.fixed_dictionaries(
    {
        "flash": st.sampled_from([1e3, 1.02e3, 50e3, 100e3, 103e3, 900e3]), "ram": st.sampled_from([1e3, 5e3, 5.1e3, 60e3, 300e3]),
        "latency": st.sampled_from([0.1, 0.103, 4.9, 5.0, 60.0, 480.0]), "download": st.sampled_from([900.0, 40e3, 800e3]),
    }
)  # fmt: skip
drops = st.sampled_from([-0.5, 0.0, 0.05, 0.09, 0.11, 0.5, 1.0])


@given(
    st.lists(st.tuples(figures, drops, st.integers(1, 4), st.booleans()), min_size=1, max_size=8),
    st.sampled_from(["rpi4", "nucleo-l4r5zi", "corstone-300", "host"]),
)
def test_a_balanced_choice_is_never_dominated(task, found, device):
    standings = [
        one(f"c{index}", drop=drop, steps=steps, measured=("latency",) if device == "host" else (), **costs)
        for index, (costs, drop, steps, _) in enumerate(found)
    ]
    board = task(device, aim="balanced")
    winner = place(board, standings)[0].standing

    def all_of(standing):
        return (*(standing.costs[name] for name in ("flash", "ram", "latency")), standing.drop)

    for other in standings:
        no_worse = all(a <= b for a, b in zip(all_of(other), all_of(winner), strict=True))
        assert not (no_worse and all_of(other) != all_of(winner)), f"{other.name} dominates {winner.name}"


@given(
    st.lists(st.tuples(figures, drops), min_size=1, max_size=8),
    st.sampled_from(["balanced", "smallest", "ram", "accurate"]),
    st.randoms(),
)
def test_the_order_in_which_they_were_tried_decides_nothing_and_each_loser_has_a_reason(task, found, aim, random):
    board = task("nucleo-l4r5zi", aim=aim)
    standings = [one(f"c{index}", drop=drop, **costs) for index, (costs, drop) in enumerate(found)]
    placed = place(board, standings)
    shuffled = standings[:]
    random.shuffle(shuffled)
    assert place(board, shuffled) == placed and {each.standing.name for each in placed} == {
        each.name for each in standings
    }
    assert [bool(each.lost_by) for each in placed] == [False] + [True] * (len(standings) - 1)
    assert all(why(board, placed[0].standing, loser) for loser in placed[1:])


def test_a_cost_that_is_not_known_is_no_advantage(task):
    known, unknown = one("known", flash=50e3, ram=50e3, latency=10.0), one("unknown", flash=50e3, latency=10.0)
    assert chosen(task("nucleo-l4r5zi", aim="balanced"), unknown, known) == "known"
    assert "unknown" in reason(task("nucleo-l4r5zi", aim="ram"), unknown, known)


def test_the_runner_up_is_the_one_that_comes_nearest_to_what_the_goal_makes_small(task):
    found = [
        Standing(name=name, costs={"download": size, "latency": 1.0}, drop=0.0, steps=1)
        for name, size in (("a", 35.0), ("b", 9.0), ("c", 11.0))
    ]
    assert [one.standing.name for one in place(task(currency="download"), found)] == ["b", "c", "a"]


def test_figures_that_read_the_same_are_told_by_what_lies_between_them(task):
    told = reason(
        task("nano-33-ble", aim="balanced"),
        one("int8", flash=4800, ram=2992, latency=0.714),
        one("int8_per_tensor", flash=4800, ram=2976, latency=0.714),
    )
    assert told == "is as good, and a little larger in ram, by 16 B of 2.9 KiB"


def test_a_time_that_was_measured_is_no_worse_than_one_that_was_predicted(task):
    board, costs = task("rpi4", aim="balanced"), {"flash": 44e3, "ram": 140e3}
    measured = one("measured", latency=0.08, measured=("latency",), **costs)
    assert chosen(board, measured, one("predicted", latency=0.085, **costs)) == "measured"
