"""A file with look-up tables on a microcontroller: the score is LiteRT's of the same weights, the rest is the file's own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgekit.devices.profile import load_profile
from edgekit.measure.figures import decoding_checks
from edgekit.measure.firmware import vector_of
from edgekit.measure.measure import measure
from edgekit.measure.runtimes.micro import Difference, Micro
from edgekit.measure.runtimes.unpacked import stand_in
from edgekit.tflite.reader import read_tflite
from edgekit.verdict.metric_spec import MetricSpec

pytest.importorskip("ai_edge_litert")
GOLDEN = Path(__file__).parents[2] / "golden"
PLAIN, PACKED = GOLDEN / "clustered_int8.tflite", GOLDEN / "lookup_tables_int8.tflite"
NUCLEO, RPI4, CORSTONE = (load_profile(device) for device in ("nucleo-l4r5zi", "rpi4", "corstone-300"))


def run(path, profile, dataset, folder):
    folder.mkdir()
    return measure(path, profile, dataset=dataset, split="test", metric=MetricSpec(), scratch=folder)


@pytest.mark.micro
def test_it_is_scored_as_the_file_that_was_packed(dataset, tmp_path):
    pytest.importorskip("tflite_micro")
    packed, plain = run(PACKED, NUCLEO, dataset, tmp_path / "a"), run(PLAIN, NUCLEO, dataset, tmp_path / "b")
    np.testing.assert_array_equal(np.load(packed.scores[0]), np.load(plain.scores[0]))
    assert packed.metrics["accuracy"].value == plain.metrics["accuracy"].value
    assert "with the coded weights written out" in packed.metrics["accuracy"].source
    assert packed.metrics["flash"].value == PACKED.stat().st_size < plain.metrics["flash"].value
    assert packed.metrics["ram"].value > plain.metrics["ram"].value, "the arena is that of the packed file"
    assert "of activations and scratch" in packed.metrics["ram"].source
    outcomes = {check.name: check.outcome for check in packed.checks}
    assert set(outcomes.values()) == {"pass"} and "decoded_weights" in outcomes
    assert "decoded_weights" not in {check.name for check in plain.checks}
    assert not list(tmp_path.rglob("model.tflite")), "what stood in is gone"


def test_another_runtime_refuses_it(tmp_path):
    found = run(PACKED, RPI4, None, tmp_path / "a")
    outcomes = {check.name: check for check in found.checks}
    assert outcomes["operators"].outcome == "fail" and "TFLM_DECODE" in outcomes["operators"].reason
    assert outcomes["runtime"].outcome == "fail" and "LiteRT does not run it" in outcomes["runtime"].reason


def test_only_a_microcontroller_has_a_stand_in():
    for path, profile in ((PLAIN, NUCLEO), (PACKED, RPI4), (PACKED, CORSTONE)):
        with stand_in(read_tflite(path), profile) as found:
            assert found is None
    with stand_in(read_tflite(PACKED), NUCLEO) as found:
        assert [one.name for one in read_tflite(found).operators] == [one.name for one in read_tflite(PLAIN).operators]
        kept = found
    assert not kept.exists()


def test_what_cannot_be_written_out_is_left_to_the_runtime_to_refuse():
    model = read_tflite(PACKED)
    unknown = msgspec.structs.replace(
        model,
        tensors=tuple(msgspec.structs.replace(t, span=None, coding=None) if t.coding else t for t in model.tensors),
    )
    with stand_in(unknown, NUCLEO) as found:
        assert found is None


@pytest.mark.parametrize(("share", "outcome"), [(1.0, "pass"), (0.999, "fail"), (0.0, "fail")])
def test_tables_that_are_decoded_to_other_weights_fail(share, outcome):
    difference = Difference(same=1, largest_steps=0, equal=1)
    micro = Micro(runtime="micro", arena=None, samples=4, difference=difference, same_as_expanded=share)
    (check,) = decoding_checks(micro)
    assert (check.name, check.outcome) == ("decoded_weights", outcome)
    assert decoding_checks(msgspec.structs.replace(micro, same_as_expanded=None)) == []


@pytest.mark.micro
def test_a_vector_is_what_the_board_would_answer(dataset):
    pytest.importorskip("tflite_micro")
    packed, plain = vector_of(PACKED, NUCLEO, dataset), vector_of(PLAIN, NUCLEO, dataset)
    assert packed.samples == 2 and packed.inputs[0].shape == (2, 64) and packed.outputs[0].dtype == np.int8
    assert (packed.outputs[0][0] != packed.outputs[0][1]).any(), "an output that never changes would not pass"
    for mine, theirs in zip((*packed.inputs, *packed.outputs), (*plain.inputs, *plain.outputs), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.micro
def test_there_is_no_vector_of_what_does_not_run(dataset):
    pytest.importorskip("tflite_micro")
    assert vector_of(GOLDEN / "dynamic_range.tflite", NUCLEO, dataset) is None
    assert vector_of(PLAIN, RPI4, dataset) is None and vector_of(None, NUCLEO, dataset) is None
