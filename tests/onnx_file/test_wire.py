"""Protocol buffers are read field by field, and bytes that are none are refused and never read past their end."""

from __future__ import annotations

import pytest

from edgekit.onnx_file.wire import Malformed, fields, integers, signed


def read(content: bytes) -> list[tuple[int, int, bytes]]:
    return [(field.number, field.integer, bytes(field.content)) for field in fields(memoryview(content))]


def test_each_kind_of_field_is_read_with_its_number():
    content = bytes([8, 150, 1]) + b"\x11" + bytes(8) + b"\x1a\x02ab" + b"\x25\x01\x00\x00\x00"
    assert read(content) == [(1, 150, b""), (2, 0, bytes(8)), (3, 0, b"ab"), (4, 0, b"\x01\x00\x00\x00")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x0a\x05abc", "5 bytes where 3 are left"),
        (b"\x0a\xff\xff\xff\xff\x0f", "where 0 are left"),
        (b"\x08" + b"\xff" * 11, "more than 10 bytes"),
        (b"\x08\x80", "the end of the file cuts"),
        (b"\x0b", "unknown kind 3"),
        (b"\x00\x01", "without a number"),
        (b"\x0d\x01", "4 bytes where 1 are left"),
    ],
)
def test_what_is_no_message_is_refused(content, says):
    with pytest.raises(Malformed, match=says):
        read(content)


def test_a_repeated_number_is_read_packed_or_alone():
    (packed,) = fields(memoryview(b"\x0a\x03\x03\x96\x01"))
    (alone,) = fields(memoryview(b"\x08\x07"))
    assert integers(packed) == [3, 150] and integers(alone) == [7]
    assert signed(2**64 - 3) == -3
