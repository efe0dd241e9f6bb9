"""Look-up tables: read from a file's own bytes, expanded to the weights that were packed, and written out for LiteRT."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.coding.header import HEAD_BYTES
from edgekit.tflite.coding.lookup import Lookup, look_up, read_lookup
from edgekit.tflite.expanded import expanded, has_coded
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels, model_sparsity, weights

GOLDEN = Path(__file__).parents[2] / "golden"
PLAIN, PACKED = read_tflite(GOLDEN / "clustered_int8.tflite"), read_tflite(GOLDEN / "lookup_tables_int8.tflite")
(DECODED,) = (tensor for tensor in PACKED.tensors if tensor.coding is not None)


def test_the_tables_of_the_golden_file():
    """144 weights for each of 8 outputs, 4 values each: 2 bits a weight, 8 tables of 4 bytes."""
    lookup = DECODED.coding
    assert (lookup.bits, lookup.stride, lookup.axis, lookup.count, len(lookup.tables)) == (2, 4, 0, 8, 32)
    assert DECODED.span[1] == 8 * 144 * 2 // 8 and DECODED.shape == (8, 144) and DECODED.constant


def test_the_weights_are_those_that_were_packed():
    mine, theirs = kernels(PACKED), kernels(PLAIN)
    assert len(mine) == len(theirs) == 4
    for packed, plain in zip(mine, theirs, strict=True):
        assert packed.dtype == plain.dtype == "int8" and packed.channel_axis == plain.channel_axis
        np.testing.assert_array_equal(packed.array, plain.array)


def test_the_sums_do_not_lie():
    assert PACKED.parameters == PLAIN.parameters and PACKED.macs == PLAIN.macs
    assert model_sparsity(PACKED) == model_sparsity(PLAIN)
    assert PLAIN.weight_bytes - PACKED.weight_bytes == 8 * 144 - (288 + HEAD_BYTES + 32)
    assert PACKED.activation_bytes - PLAIN.activation_bytes == 8 * 144, "it is decoded into memory"


def test_the_memory_is_that_which_tflite_micro_takes():
    """Its arena has a head of 1,312 B for this file and of 288 B without tables."""
    assert (breakdown(PACKED).peak_bytes, breakdown(PLAIN).peak_bytes) == (1312, 288)


def naive(lookup: Lookup, packed: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """One bit after another."""
    text = "".join(f"{byte:08b}" for byte in packed)
    found = np.zeros(shape, np.uint8)
    for place, index in enumerate(np.ndindex(*shape)):
        value = int(text[place * lookup.bits : (place + 1) * lookup.bits], 2)
        table = 0 if lookup.axis is None else index[lookup.axis]
        found[index] = lookup.tables[table * lookup.stride + value]
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_width_and_axis_is_looked_up_as_one_bit_after_another_says(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    bits = data.draw(st.integers(1, 7))
    axis = data.draw(st.sampled_from([None, 0, len(shape) - 1]))
    count = 1 if axis is None else shape[axis]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    lookup = Lookup(bits=bits, stride=2**bits, axis=axis, item_bytes=1, tables=rng.bytes(count * 2**bits))
    packed = np.frombuffer(rng.bytes(-(-int(np.prod(shape)) * bits // 8)), np.uint8)
    found = look_up(lookup, packed, shape)
    np.testing.assert_array_equal(found[..., 0], naive(lookup, packed.tobytes(), shape))


def ancillary(**changes: int) -> bytes:
    head = {0: 0, 1: 1, 4: 1, 5: 2, 6: 4} | {int(place[1:]): value for place, value in changes.items()}
    return bytes(head.get(place, 0) for place in range(HEAD_BYTES)) + bytes(8 * 4)


@pytest.mark.parametrize(
    "changes",
    [{"b0": 1}, {"b0": 200}, {"b1": 2}, {"b4": 2}, {"b5": 0}, {"b5": 0x12}, {"b6": 0}, {"b6": 5}, {"b6": 255}],
)
def test_another_kind_of_packing_is_none_of_these_tables(changes):
    """Another decode type, version or width, an axis in the middle, a stride that the tables do not have."""
    assert read_lookup(ancillary(), 288, (8, 12, 12), 1) is not None
    assert read_lookup(ancillary(**changes), 288, (8, 12, 12), 1) is None


@pytest.mark.parametrize(("content", "packed"), [(b"", 288), (ancillary()[:-1], 288), (ancillary(), 287)])
def test_lengths_that_do_not_fit_are_no_tables(content, packed):
    assert read_lookup(content, packed, (8, 144), 1) is None


def damaged(place: int, value: int) -> bytes:
    content = bytearray(PACKED.content)
    content[place] = value
    return bytes(content)


(TABLES,) = (t for t in PACKED.tensors if t.name.endswith("_ancillary"))


@pytest.mark.parametrize(
    ("place", "value"),
    [(5, 0x03), (5, 0x00), (5, 0x12), (5, 0xF2), (6, 0), (6, 3), (6, 255)],
    ids=["wider", "no bits", "another axis", "one table", "no values", "too few", "too many"],
)
def test_tables_that_do_not_fit_are_damage_and_no_tensor_that_is_computed(place, value):
    """The decoder on the board checks no length: it would read beyond the tables."""
    with pytest.raises(ModelError) as caught:
        parse_tflite(damaged(TABLES.span[0] + place, value), where="test")
    assert "coded weights" in caught.value.what and DECODED.name in caught.value.received


def test_another_kind_of_packing_is_a_tensor_that_is_computed():
    model = parse_tflite(damaged(TABLES.span[0], 200), where="test")
    assert not any(tensor.coding for tensor in model.tensors) and len(kernels(model)) == 3


def test_an_index_beyond_its_table_is_an_error_and_not_another_weight():
    wide = msgspec.structs.replace(DECODED, coding=msgspec.structs.replace(DECODED.coding, stride=2, tables=bytes(16)))
    broken = msgspec.structs.replace(
        PACKED, tensors=tuple(wide if tensor.index == wide.index else tensor for tensor in PACKED.tensors)
    )
    with pytest.raises(ModelError) as caught:
        weights(broken, wide.index)
    assert "beyond its table" in caught.value.received


def test_written_out_it_is_the_file_that_was_packed():
    model = parse_tflite(expanded(PACKED), where="test")
    assert not has_coded(model) and has_coded(PACKED)
    assert [operator.name for operator in model.operators] == [operator.name for operator in PLAIN.operators]
    for mine, theirs in zip(kernels(model), kernels(PLAIN), strict=True):
        assert model.tensors[mine.index].scales == PLAIN.tensors[theirs.index].scales
        np.testing.assert_array_equal(mine.array, theirs.array)
        assert model.tensors[mine.index].span[0] % 16 == 0
    assert expanded(PLAIN) == PLAIN.content


def test_litert_answers_from_it_as_from_the_file_that_was_packed():
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter
    answers = []
    for content in (expanded(PACKED), PLAIN.content):
        model = interpreter(model_content=content)
        model.allocate_tensors()
        image = np.random.default_rng(3).integers(-128, 127, (1, 8, 8, 1)).astype(np.int8)
        model.set_tensor(model.get_input_details()[0]["index"], image)
        model.invoke()
        answers.append(model.get_tensor(model.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(*answers)


@settings(max_examples=200, deadline=None)
@example(1834, 0)  # the decoded tensor's shape becomes ()
@given(st.integers(0, len(PACKED.content) - 1), st.integers(0, 255))
def test_a_damaged_file_is_written_out_or_refused(place, value):
    try:
        made = expanded(parse_tflite(damaged(place, value), where="test"))
    except ModelError:
        return
    assert len(made) < 100 * len(PACKED.content)
