"""Findings on what was read of data beside the model's own inputs."""

from __future__ import annotations

from edgekit.findings.arrays import about_data
from edgekit.ingest.held_seen import HeldSeen
from edgekit.ingest.seen import DataSeen


def test_values_for_a_held_input_that_are_others_are_one_finding_with_both_values():
    told = {"name": "sr", "held": "16000", "differ": 3}
    held = [HeldSeen(where=where, other=other, count=4, **told) for where, other in (("x_train_sr", "8000"), ("x_test_sr", "11025"))]  # fmt: skip
    held.append(HeldSeen(name="my mask", where="x_train_my mask", held="1", other="[1, 0]", differ=4, count=4))
    first, second = about_data(DataSeen(splits={}), {}, (), (), (), (), held)
    assert first.name == second.name == "held_otherwise"
    assert first.what == (
        "input 'sr' is held at 16000, and the data have 8000 and 11025 for it in x_train_sr and x_test_sr: 6 of 8 (75.0%) differ"
    )
    assert "held = { sr = 8000 }" in first.advice and "held = {" not in second.advice
    assert about_data(DataSeen(splits={}), {}, (), (), (), (), ()) == []


def test_no_input_is_to_be_held_at_what_is_no_number():
    held = [HeldSeen(name="sr", where="x_train_sr", held="16000", other="nan", differ=1, count=4)]
    (found,) = about_data(DataSeen(splits={}), {}, (), (), (), (), held)
    assert "the data have nan for it" in found.what and "held = {" not in found.advice
