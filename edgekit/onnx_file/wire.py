"""Protocol buffers on the wire: the fields of one message, each checked to lie within its bytes.

The format is that of https://protobuf.dev/programming-guides/encoding; groups, which ONNX never has, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_SIGN = 1 << 63


class Malformed(ValueError):
    """The bytes are no message: they end too early, or a field has a kind that there is none of."""


class Field(NamedTuple):
    """A field of a message: its number, and a whole number or the bytes that it holds."""

    number: int
    integer: int
    content: memoryview


_NOTHING = memoryview(b"")


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message in their order; raises `Malformed`.

    >>> [(field.number, field.integer, bytes(field.content)) for field in fields(memoryview(bytes([8, 150, 1, 18, 1, 65])))]
    [(1, 150, b''), (2, 0, b'A')]
    """
    at, end = 0, len(message)
    while at < end:
        tag, at = varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Malformed(f"a field without a number at byte {at}")
        if kind == VARINT:
            value, at = varint(message, at)
            yield Field(number, value, _NOTHING)
            continue
        if kind == BYTES:
            size, at = varint(message, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise Malformed(f"a field of the unknown kind {kind} at byte {at}")
        if size > end - at:
            raise Malformed(f"a field of {size} bytes where {end - at} are left")
        yield Field(number, 0, message[at : at + size])
        at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """The whole number that begins at a byte, and the byte behind it; raises `Malformed`."""
    value = 0
    for count in range(_LONGEST_VARINT):
        if at >= len(message):
            raise Malformed("a number that the end of the file cuts")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise Malformed(f"a number of more than {_LONGEST_VARINT} bytes")


def signed(value: int) -> int:
    """A number of 64 bits as one that may be negative.

    >>> signed(5), signed(2**64 - 1)
    (5, -1)
    """
    return value - (1 << 64) if value & _SIGN else value


def integers(field: Field) -> list[int]:
    """The numbers of a repeated field, which stand one by one or packed; raises `Malformed`."""
    if not field.content:
        return [signed(field.integer)]
    found, at = [], 0
    while at < len(field.content):
        value, at = varint(field.content, at)
        found.append(signed(value))
    return found


def text(content: memoryview) -> str:
    """A string's characters; what is no UTF-8 is replaced."""
    return bytes(content).decode("utf-8", "replace")
