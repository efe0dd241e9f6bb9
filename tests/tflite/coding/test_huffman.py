"""A Huffman code of int8 weights: as few bits as the counts allow, tables that a decoder can walk, and back to the weights."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit.tflite.coding.code_tree import MOST_BITS, lengths, words
from edgekit.tflite.coding.header import HEAD_BYTES
from edgekit.tflite.coding.huffman import codebook, counted, decoded, in_code, read_huffman
from edgekit.tflite.coding.huffman_tables import REACH, tables_of, words_of

VALUES = st.lists(st.integers(-128, 127), min_size=1, max_size=400)


def weights_of(values: list[int]) -> np.ndarray:
    return np.array(values, np.int8)


def one_bit_after_another(ancillary: bytes, stream: bytes, count: int) -> list[int]:
    """The decoder by its description: n bits, an item, back what the word did not take."""
    items = struct.unpack(f"<{(len(ancillary) - HEAD_BYTES) // 2}H", ancillary[HEAD_BYTES:])
    text, place, found = "".join(f"{byte:08b}" for byte in stream), 0, []
    for _ in range(count):
        bits, at = (ancillary[5] >> 4) + 1, 0
        while True:
            at += int(text[place : place + bits], 2)
            place += bits
            size = items[at] >> 11 & 15
            if items[at] & 0x8000:
                place -= bits - size
                found.append((items[at] & 0xFF ^ 0x80) - 0x80)
                break
            at, bits = at + (items[at] & REACH), size + 1
    return found


@settings(max_examples=80, deadline=None)
@given(VALUES)
@example([7])
@example([0] * 40)
@example(list(range(-128, 128)))
@example([value for value in range(24) for _ in range(2**value // 1000 + 1)])
def test_encoded_then_decoded_is_the_tensor(values):
    array = weights_of(values)
    made = in_code(array, codebook(counted(array)))
    assert len(made.stream) % 4 == 0, "the decoder takes words of 32 bits"
    found = read_huffman(made.ancillary, len(made.stream), array.shape)
    assert found is not None
    decoded_again = decoded(found, np.frombuffer(made.stream, np.uint8), array.size)
    np.testing.assert_array_equal(decoded_again.view(np.int8), array)
    assert one_bit_after_another(made.ancillary, made.stream, array.size) == values


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES)
def test_a_code_of_two_tensors_holds_both(one, other):
    first, second = weights_of(one), weights_of(other)
    code = codebook(counted(np.concatenate([first, second])))
    for array in (first, second):
        made = in_code(array, code)
        assert made.ancillary == code.ancillary and len(made.stream) == code.stream_bytes(counted(array))
        found = read_huffman(made.ancillary, len(made.stream), array.shape)
        back = decoded(found, np.frombuffer(made.stream, np.uint8), array.size)
        np.testing.assert_array_equal(back.view(np.int8), array)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 255), st.integers(1, 10**6), min_size=2))
def test_the_words_are_a_whole_code_within_a_bit_of_the_entropy(counts):
    found = lengths(counts)
    assert sum(2.0**-length for length in found.values()) == 1 and max(found.values()) <= MOST_BITS
    total = sum(counts.values())
    entropy = -sum(count / total * np.log2(count / total) for count in counts.values())
    mean = sum(count * found[symbol] for symbol, count in counts.items()) / total
    assert entropy - 1e-9 <= mean < entropy + 1
    code = words(found)
    assert words_of(*tables_of(code)[:2]) == {word: symbol for symbol, word in code.items()}


def test_a_skewed_code_is_cut_to_words_that_the_tables_reach():
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    found = lengths(dict(enumerate(fibonacci)))
    assert max(found.values()) == MOST_BITS and sum(2.0**-length for length in found.values()) == 1


def test_the_tables_have_the_fewest_items():
    """Eight words of three bits are one table of 8 items; a chain of words is a table of two after another."""
    assert tables_of(words(dict.fromkeys(range(8), 3)))[1:] == (3, 3)
    chain = tables_of(words({0: 1, 1: 2, 2: 3, 3: 3}))
    assert len(chain.items) == 2 * 6 and chain.looks_at == 3


@pytest.mark.parametrize(
    ("items", "first_bits"),
    [
        ((0x8801, 0x0000), 1),
        ((0x8801, 0x0005), 1),
        ((0x8801, 0x8002), 1),
        ((0x8801, 0x9002), 1),
        ((0x8801,), 1),
        ((), 4),
    ],
    ids=["a circle", "beyond the end", "no bits", "more bits than looked at", "half a table", "none"],
)
def test_tables_that_lead_nowhere_are_no_code(items, first_bits):
    assert words_of(struct.pack("<2H", 0x8801, 0x8802), 1) is not None
    assert words_of(struct.pack(f"<{len(items)}H", *items), first_bits) is None


def test_a_stream_that_ends_early_is_no_tensor():
    array = weights_of([*range(-50, 50)] * 8)
    made = in_code(array, codebook(counted(array)))
    assert read_huffman(made.ancillary, array.size // 8 - 1, array.shape) is None, "a weight takes a bit at least"
    found = read_huffman(made.ancillary, len(made.stream), array.shape)
    assert decoded(found, np.frombuffer(made.stream[: len(made.stream) // 2], np.uint8), array.size) is None
    wide = bytes([*made.ancillary[:5], made.ancillary[5] | 1, *made.ancillary[6:]])
    assert read_huffman(wide, len(made.stream), array.shape) is None


def test_a_stream_longer_than_a_piece_is_followed_across_the_pieces():
    array = np.random.default_rng(4).normal(0, 30, 200_000).round().clip(-128, 127).astype(np.int8)
    made = in_code(array, codebook(counted(array)))
    assert 8 * len(made.stream) > 2**20
    found = read_huffman(made.ancillary, len(made.stream), array.shape)
    back = decoded(found, np.frombuffer(made.stream, np.uint8), array.size)
    np.testing.assert_array_equal(back.view(np.int8), array)
