"""Two models operator by operator and weight by weight, on golden files whose difference is known."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edgekit.diff import alignment
from edgekit.diff.alignment import align
from edgekit.diff.files import file_changes
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
ALL = sorted(GOLDEN.glob("*.tflite"))
SCORE = alignment._score


def golden(name):
    return read_tflite(GOLDEN / f"{name}.tflite")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_file_differs_in_nothing_from_itself(path):
    model = read_tflite(path)
    found = file_changes(model, model)
    assert found.identical and found.operators == () and found.weights == ()
    assert found.equal_operators == len(model.operators)
    assert found.flash.total_bytes == 0


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_operator_and_byte_is_accounted_for(path):
    first, second = golden("float32"), read_tflite(path)
    found = file_changes(first, second)
    added = sum(each.change == "added" for each in found.operators)
    removed = sum(each.change == "removed" for each in found.operators)
    assert len(second.operators) - len(first.operators) == added - removed
    assert found.flash.total_bytes == second.size_bytes - first.size_bytes
    assert found.flash.total_bytes == found.flash.constants_bytes + found.flash.other_bytes
    back = file_changes(second, first)
    assert back.equal_operators == found.equal_operators and back.equal_weights == found.equal_weights


def test_quantization_changes_dtype_version_and_bytes_and_no_macs():
    found = file_changes(golden("float32"), golden("int8"))
    change = next(each for each in found.operators if each.b and each.b.name == "CONV_2D")
    assert change.change == "changed" and change.a.label == change.b.label
    assert set(change.fields) == {"version", "dtype", "flash_bytes"}
    assert (change.a.dtype, change.b.dtype) == ("float32", "int8")
    kernel = next(each for each in found.weights if each.b.role == "kernel" and each.b.operator == change.b.label)
    assert (kernel.a.dtype, kernel.b.dtype) == ("float32", "int8")
    assert kernel.a.size_bytes == 4 * kernel.b.size_bytes
    assert kernel.a.scales == 0 and kernel.b.scales == kernel.b.shape[0]
    assert 0 < kernel.distance < 0.02  # int8 with a scale a channel: about 1 part in 256
    assert 0 < kernel.largest <= kernel.b.scale_high


def test_float16_adds_only_what_unpacks():
    found = file_changes(golden("float32"), golden("float16"))
    assert {each.b.name for each in found.operators if each.change == "added"} == {"DEQUANTIZE"}
    assert not any(each.change == "removed" for each in found.operators)
    assert all(each.change == "changed" and each.b.dtype == "float16" for each in found.weights)
    assert all(each.distance < 0.001 for each in found.weights)


def test_pruning_and_clustering_show_in_zeros_and_distinct_values():
    found = file_changes(golden("int8"), golden("pruned_int8"))
    weights = {kernel.index: kernel for kernel in kernels(golden("pruned_int8"))}
    hidden = max(found.weights, key=lambda each: each.b.size_bytes)
    assert hidden.b.zeros == max(kernel.sparsity for kernel in weights.values()) > hidden.a.zeros
    assert {"zeros", "values"} <= set(hidden.fields)
    clustered = max(file_changes(golden("float32"), golden("clustered_float32")).weights, key=lambda e: e.b.size_bytes)
    assert clustered.b.distinct < clustered.a.distinct and "distinct" in clustered.fields


def test_a_sparse_encoding_has_the_same_values():
    """The file stores fewer bytes and stands for the same numbers."""
    found = file_changes(golden("pruned_sparse_encoding"), golden("pruned_sparse_encoding"))
    assert found.equal_weights > 0 and found.weights == ()


def test_one_weight_that_changed_is_the_one_that_is_told():
    model = golden("float32")
    kernel = max(kernels(model), key=lambda each: each.array.size)
    start, length = model.tensors[kernel.index].span
    content = bytearray(model.content)
    (old,) = struct.unpack_from("<f", content, start)
    struct.pack_into("<f", content, start, old + 0.25)
    found = file_changes(model, parse_tflite(bytes(content), where="changed"))
    (change,) = found.weights
    assert not found.identical and found.operators == () and found.flash.total_bytes == 0
    assert change.a.name == change.b.name and change.b.size_bytes == length
    assert change.largest == pytest.approx(0.25, rel=1e-4)
    assert "values" in change.fields


def test_weights_that_are_no_numbers_have_no_distance():
    model = golden("float32")
    kernel = max(kernels(model), key=lambda each: each.array.size)
    content = bytearray(model.content)
    struct.pack_into("<f", content, model.tensors[kernel.index].span[0], float("nan"))
    (change,) = file_changes(model, parse_tflite(bytes(content), where="changed")).weights
    assert change.distance is None and change.reason == "some values are not finite" and "values" in change.fields


def test_an_operator_that_was_put_in_shifts_nothing():
    keys = [("CONV_2D", "a"), ("ADD", "b"), ("CONV_2D", "c"), ("SOFTMAX", "d")]
    more = [("QUANTIZE", "q"), *keys[:2], ("RELU", "b"), *keys[2:]]
    assert align(keys, more) == [(None, 0), (0, 1), (1, 2), (None, 3), (2, 4), (3, 5)]
    assert align(more, keys) == [(b, a) for a, b in align(keys, more)]
    assert align([], keys) == [(None, index) for index in range(4)]


def test_renamed_layers_are_the_same_operators():
    assert align([("CONV_2D", "a"), ("ADD", "b")], [("CONV_2D", "x"), ("ADD", "y")]) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(("count", "looked_at"), [(30, 30 * 30), (31, 31), (600, 600)])
def test_of_very_many_operators_only_those_at_the_same_place_are_held_against_each_other(count, looked_at, monkeypatch):
    scored = []
    monkeypatch.setattr(alignment, "MOST_CELLS", 30 * 30)
    monkeypatch.setattr(alignment, "_score", lambda a, b: scored.append(1) or SCORE(a, b))
    pairs = align([("ADD", str(i % 7)) for i in range(1, count + 1)], [("ADD", str(i % 5)) for i in range(count)])
    assert {a for a, _ in pairs if a is not None} == set(range(count))
    assert looked_at <= len(scored) <= looked_at + 2 * count, "and once more each on the way back through the table"
