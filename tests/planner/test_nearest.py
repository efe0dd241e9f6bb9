"""Where nothing fits: the least that is needed, what would fit, and how much of which layer is too much."""

from __future__ import annotations

import re

import msgspec
import pytest

from edgekit.cost import ram
from edgekit.documents.report import Check
from edgekit.planner.nearest import too_little
from edgekit.planner.planner import Planner, outline
from edgekit.techniques.integer import integer
from edgekit.units import parse_size


def measured(planner, trial, **figures):
    """Asks and tells all, with the figures of int8 given."""
    while (candidate := planner.ask()) is not None:
        planner.tell(trial(planner, candidate, **(figures if candidate.name == "int8" else {})))
    return planner.trials


def test_the_headline_is_the_lowest_floor_and_not_that_of_float32(task):
    found = outline(task("nucleo-l4r5zi", limits={"ram": 100.0}))
    assert found.outcome == "impossible"
    assert found.reason.startswith("100 B of ram is too little for every candidate: int8")
    assert "float32" not in found.reason and "(predicted)" in found.reason


def test_what_is_said_to_fit_fits(task, trial):
    board = task("nucleo-l4r5zi", limits={"ram": 1000.0})
    told = too_little(board, measured(Planner(board), trial, ram=6200.0))
    (option,) = re.findall(r"--max-ram (\S+?)[;,]", told + ";")
    assert 6200 <= parse_size(option) < 6300, "rounded up by a little"
    assert "int8 needs the least, 6.1 KiB (simulated)" in told


def test_the_peak_of_the_memory_is_named_and_shrinking_it_as_said_fits(task, trial):
    board = task("nucleo-l4r5zi", filters=64, limits={"ram": 2400.0})
    graph = integer(board.graph)
    held = ram.node_bytes(graph)
    overhead = 700
    told = too_little(board, measured(Planner(board), trial, ram=float(max(held) + overhead)))
    most = graph.nodes[held.index(max(held))].name
    assert f"the most is held at layer {most}" in told
    (percent,) = re.findall(r"with (\d+)% of the channels", told)
    assert max(held) * int(percent) / 100 + overhead <= 2400 < max(held) * (int(percent) + 1.01) / 100 + overhead
    assert "of the input's height and width" in told


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"flash": 5000.0}, "of the weights; with"),
        ({"latency": 0.001}, "of the multiply-accumulates; with"),
        ({"flash": 100.0}, "what is no weight takes more than that alone"),
        ({"ram": 10.0}, "what is no activation takes more than that alone"),
    ],
)
def test_each_cost_names_what_it_is_made_of(task, trial, limits, words):
    board = task("nucleo-l4r5zi", limits=limits)
    assert words in too_little(board, measured(Planner(board), trial))


def test_a_time_counts_by_the_end_that_it_is_judged_by(task):
    board = task("nucleo-l4r5zi", limits={"latency": 0.001})
    planned = outline(board)
    int8 = next(one for one in Planner(board).waiting if one.name == "int8").estimates["latency"]
    (needed,) = re.findall(r"--max-latency ([\d.]+)(ms|us)", planned.reason)
    milliseconds = float(needed[0]) / (1 if needed[1] == "ms" else 1000)
    assert int8.high <= milliseconds < int8.high * 1.02


def test_where_each_limit_can_be_held_by_some_nothing_is_too_little(task, trial):
    board = task("rpi4")
    assert too_little(board, measured(Planner(board), trial)) is None
    lost = Planner(board)
    while (candidate := lost.ask()) is not None:
        lost.tell(trial(lost, candidate, drop=50.0))
    assert too_little(board, lost.trials) is None, "accuracy is no cost"


def test_what_was_tried_counts_as_measured_and_tells_how_far_predictions_are_off(task, trial):
    board = task("nucleo-l4r5zi", limits={"flash": 100.0})
    waiting = {one.name: one for one in Planner(board).waiting}
    said = {name: one.estimates["flash"].value for name, one in waiting.items()}
    tried = [trial(Planner(board), waiting["int8_per_tensor"], flash=4 * said["int8_per_tensor"])]
    told = too_little(board, tried, waiting.values())
    (needed,) = re.findall(r"--max-flash (\S+?)[;,]", told + ";")
    assert "int8_per_tensor needs the least" in told and "(measured), and would fit with" in told
    assert parse_size(needed) >= 4 * said["int8_per_tensor"] > said["int8"], "no untried one is said to be so small"
    before = too_little(board, [], waiting.values())
    assert "(predicted), and is predicted to fit with" in before


def test_what_the_device_refuses_at_any_size_is_not_what_would_fit(task, trial):
    board = task("nucleo-l4r5zi", limits={"ram": 100.0})
    waiting = {one.name: one for one in Planner(board).waiting}
    refused = Check(name="input_dtype", outcome="fail", limit="int8", value="float32", reason="'image' is float32")
    small = trial(Planner(board), waiting["float32"], ram=200.0)
    small = msgspec.structs.replace(small, checks=(*small.checks, refused))
    assert "int8 needs the least, 300 B" in too_little(
        board, [small, trial(Planner(board), waiting["int8"], ram=300.0)]
    )
    assert "float32 needs the least, 200 B" in too_little(board, [small])
