"""The published rules of the Edge TPU against real files, and against files that break one rule each."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import edgekit
from edgekit.tflite.edge_tpu import load_rules, mapping
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="module")
def int8():
    return read_tflite(GOLDEN / "int8.tflite")


def with_tensor(model, index, **changed):
    tensors = list(model.tensors)
    tensors[index] = msgspec.structs.replace(tensors[index], **changed)
    return msgspec.structs.replace(model, tensors=tuple(tensors))


def test_the_table_names_operators_that_there_are_and_where_it_is_from():
    rules = load_rules()
    assert {*rules.operators, *rules.unverified} <= set(BUILTIN_OPERATORS)
    assert not set(rules.operators) & set(rules.unverified)
    assert rules.basis == "published" and "https://coral.ai/" in rules.source


def test_all_of_an_int8_file_may_be_mapped(int8):
    found = mapping(int8)
    assert (found.mapped, found.on_cpu, found.first) == (6, 0, "")
    assert found.is_batch_open and 1280 < found.weight_bytes < 2000 and found.streamed_bytes == 0


def test_the_first_that_cannot_be_ends_it(int8):
    hidden = int8.operators[3]
    changed = with_tensor(int8, hidden.outputs[0], dtype="int16")
    found = mapping(changed)
    assert (found.mapped, found.on_cpu, found.first) == (3, 3, "FULLY_CONNECTED")
    assert "int16" in found.why


@pytest.mark.parametrize(
    ("place", "changed", "why"),
    [
        (0, {"shape": (2, 8, 8, 1)}, "3 dimensions above one"),
        (0, {"shape_signature": (1, -1, 8, 1)}, "left open"),
        (0, {"scales": ()}, "without a scale"),
        (0, {"dtype": "float32"}, "float32"),
        (5, {"shape": (1, 1, 2, 3)}, "more than one dimension"),
        (5, {"shape": (1, 16001)}, "above 16000"),
    ],
)
def test_what_is_published_of_tensors_is_checked(int8, place, changed, why):
    found = mapping(with_tensor(int8, int8.operators[place].inputs[0], **changed))
    assert why in found.why and found.on_cpu >= 1


def test_weights_that_are_computed_are_refused(int8):
    found = mapping(with_tensor(int8, int8.operators[3].inputs[1], span=None))
    assert (found.mapped, found.why) == (3, "its weights are computed and not constant")


def test_an_operator_that_no_text_was_found_for_is_not_taken_for_supported(int8):
    changed = (msgspec.structs.replace(int8.operators[0], name="TRANSPOSE_CONV"), *int8.operators[1:])
    found = mapping(msgspec.structs.replace(int8, operators=changed))
    assert (found.mapped, found.why) == (0, "whether the Edge TPU has it is not known here")


def test_what_does_not_fit_its_memory_is_fetched_at_every_inference(int8):
    # the file is small: a span is all that is counted of a constant
    found = mapping(with_tensor(int8, int8.operators[3].inputs[1], span=(0, 9 * 2**20)))
    assert found.streamed_bytes == found.weight_bytes - 8 * 2**20 > 2**20


def test_a_float_input_is_quantized_on_the_processor_and_ends_nothing():
    found = mapping(read_tflite(GOLDEN / "int8_float_io.tflite"))
    assert (found.fed, found.mapped, found.on_cpu, found.first) == (1, 6, 2, "DEQUANTIZE")


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "lstm", "loop", "two_inputs", "upsampled"])
def test_what_is_not_int8_is_not_mapped_at_all(name):
    found = mapping(read_tflite(GOLDEN / f"{name}.tflite"))
    assert found.mapped == 0 and found.first and found.why


def test_what_is_published_passes_nothing_and_says_that_nothing_was_compiled():
    report = edgekit.check(GOLDEN / "int8.tflite", device="coral-dev-board", cache=False)
    checks = {check.name: check for check in report.checks}
    found = checks["edge_tpu"]
    assert (found.outcome, found.basis, found.value) == ("unknown", "published", "6 of 6 operators")
    assert "compilation was not run" in found.reason and "edgetpu_compiler -s" in found.reason
    assert checks["runtime"].outcome == "unknown" and report.outcome == "fail"
    failing = edgekit.check(GOLDEN / "float32.tflite", device="coral-dev-board", cache=False)
    assert next(check for check in failing.checks if check.name == "edge_tpu").outcome == "fail"


def test_other_devices_are_not_asked():
    report = edgekit.check(GOLDEN / "int8.tflite", device="rpi4", cache=False)
    assert "edge_tpu" not in {check.name for check in report.checks}
