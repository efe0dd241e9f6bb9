"""Damage to bytes: what any file can suffer, and what the numbers inside a FlatBuffer, an HDF5 and an .npy file can.

Every mutation is a function of content, generator and the other files of the corpus, so that a seed and a number
give the same input again. Archives and texts have files of their own.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random, list[bytes]], bytes]
INTERESTING = (0, 1, -1, 2, 7, 8, 127, 128, 255, 256, 65535, 65536, 2**24, 2**30, 2**31 - 1, -(2**31), -2, 100_000)
MAX_BYTES = 4 << 20


def flip_bits(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """One to eight bits the other way."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_bytes(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Some bytes at their extremes."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 16) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def truncate(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """The beginning alone; one in ten is empty or a few bytes."""
    return content[: rng.randint(0, 16) if rng.random() < 0.1 else rng.randint(0, len(content))]


def remove(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """A stretch is missing."""
    start = rng.randint(0, len(content))
    return content[:start] + content[start + rng.randint(1, 1 + len(content) // 4) :]


def repeat(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """A stretch stands there several times."""
    start = rng.randint(0, len(content))
    part = content[start : start + rng.randint(1, 1 + len(content) // 8)]
    return (content[:start] + part * rng.randint(2, 5) + content[start:])[:MAX_BYTES]


def overwrite(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """A stretch of zeros, of ones, or of noise."""
    start = rng.randint(0, len(content))
    size = min(len(content) - start, rng.randint(1, 256))
    fill = rng.choice((b"\0" * size, b"\xff" * size, rng.randbytes(size)))
    return content[:start] + fill + content[start + size :]


def splice(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """The head of one file and the tail of another."""
    other = rng.choice(others)
    return (content[: rng.randint(0, len(content))] + other[rng.randint(0, len(other)) :])[:MAX_BYTES]


def append(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Something stands behind the end."""
    return content + rng.randbytes(rng.randint(1, 4096))


ANY: tuple[Mutation, ...] = (flip_bits, set_bytes, truncate, remove, repeat, overwrite, splice, append)


def places(content: bytes, mark: bytes) -> list[int]:
    """Where a mark stands in a file."""
    return [match.start() for match in re.finditer(re.escape(mark), content)]


def _put(content: bytes, place: int, form: str, number: int) -> bytes:
    size = struct.calcsize(form)
    wrapped = number & (2 ** (8 * size) - 1)
    return content[:place] + wrapped.to_bytes(size, "little") + content[place + size :]


def _number(rng: random.Random, old: int, length: int) -> int:
    """A number near the old one, near the file's length, or at an extreme."""
    near = old + rng.choice((-8, -4, -1, 1, 4, 8, 64))
    return rng.choice((near, length, length - 4, rng.randint(0, length), rng.choice(INTERESTING)))


def offsets(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Lengths and offsets of a FlatBuffer: aligned 32-bit numbers that lie within the file."""
    for _ in range(rng.randint(1, 4)):
        for _ in range(64):
            if len(content) < 8:
                return content
            place = 4 * rng.randrange(len(content) // 4)
            old = int.from_bytes(content[place : place + 4], "little")
            if 0 < old < len(content):
                content = _put(content, place, "<I", _number(rng, old, len(content)))
                break
    return content


def shorts(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Entries of vtables: small even 16-bit numbers."""
    for _ in range(rng.randint(1, 6)):
        for _ in range(64):
            if len(content) < 8:
                return content
            place = 2 * rng.randrange(len(content) // 2 - 1)
            old = int.from_bytes(content[place : place + 2], "little")
            if 0 < old < 64:
                content = _put(content, place, "<H", rng.choice((0, 2, 4, 6, 8, old + 2, old - 2, 255, 65535)))
                break
    return content


FLATBUFFER: tuple[Mutation, ...] = (*ANY, offsets, offsets, offsets, shorts, shorts)

_HDF5_MARKS = (b"TREE", b"SNOD", b"HEAP", b"OHDR", b"FRHP", b"BTHD", b"GCOL", b"\x89HDF")


def superblock(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """The versions, sizes and addresses that an HDF5 file begins with."""
    place = rng.randrange(8, min(96, max(9, len(content) - 8)))
    if place < 24:
        return content[:place] + bytes([rng.choice((0, 1, 2, 3, 4, 8, 16, 255))]) + content[place + 1 :]
    return _put(content, place, "<Q", _number(rng, place, len(content)))


def hdf5_nodes(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Numbers behind the signatures of HDF5's trees, heaps and headers."""
    mark = rng.choice(_HDF5_MARKS)
    found = places(content, mark)
    if not found:
        return superblock(content, rng, [])
    place = rng.choice(found) + 4 + rng.randrange(0, 64)
    form = rng.choice(("<B", "<H", "<I", "<Q"))
    size = struct.calcsize(form)
    old = int.from_bytes(content[place : place + size], "little")
    return _put(content, place, form, _number(rng, old, len(content)))


HDF5: tuple[Mutation, ...] = (*ANY, superblock, hdf5_nodes, hdf5_nodes, hdf5_nodes)

_DESCRS = (
    "'|O'", "'O'", "'<f16'", "'<f2'", "'<c8'", "'|V100'", "'<U100000'", "'|S0'", "'<M8[ns]'", "'<i999'", "'?'", "1", "None",
    "[('a', '<f4'), ('b', '|O')]", "[('a', '<f4', (1000000,))]", "''", "'\\x00'", "{}", "[]", "('<f4', (2,))", "'>f8'", "'<u8'",
)  # fmt: skip
_SHAPES = (
    "()", "(0,)", "(-1,)", "(1,)", "(-1, 8, 8, 1)", "(9223372036854775807,)", "(4294967296, 4294967296)", "(1e3,)", "(2**40,)",
    "(True, False)", "None", "[48, 8]", "48", "(" + "1, " * 64 + ")", "(" * 400 + ")" * 400, "(1000000000000, 0)", "('48',)",
    "(18446744073709551616,)", "(0, 8, 8, 1)", "(48, 0)",
)  # fmt: skip
_HEADERS = (
    "{}",
    "[]",
    "",
    "{'descr': '<f4'}",
    "__import__('os').system('touch escaped')",
    "{" * 3000,
    "'" * 9,
    "1+" * 4000 + "1",
)


def npy_header(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """The header of an .npy file: another type, another shape, another version, a length that lies."""
    if content[:6] != b"\x93NUMPY" or len(content) < 12:
        return content
    end = 10 + int.from_bytes(content[8:10], "little")
    body = content[end:]
    header = {"descr": "'<f4'", "fortran_order": "False", "shape": "(48, 8, 8, 1)"}
    header[rng.choice(("descr", "shape", "shape"))] = rng.choice(_DESCRS if rng.random() < 0.4 else _SHAPES)
    if rng.random() < 0.1:
        header["fortran_order"] = rng.choice(("1", "'x'", "None", "True"))
    text = "{" + "".join(f"'{name}': {value}, " for name, value in header.items()) + "}"
    if rng.random() < 0.15:
        text = rng.choice(_HEADERS)
    line = text.encode() + b" " * 20 + b"\n"
    version = rng.choice((b"\x01\x00", b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x07\x09"))
    size = len(line) if rng.random() < 0.85 else rng.choice((0, 1, 65535, len(content)))
    length = size.to_bytes(2 if version == b"\x01\x00" else 4, "little", signed=False) if size < 65536 else b"\xff\xff"
    return b"\x93NUMPY" + version + length + line + body


NPY: tuple[Mutation, ...] = (*ANY, npy_header, npy_header, npy_header, npy_header)


def protobuf_number(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """A byte becomes a whole number of a protocol buffer: a length, a size or a tag that lies."""
    number = rng.choice((*(one % 2**64 for one in INTERESTING), 2**40, 2**63, 2**64 - 1))
    coded = b""
    while number > 0x7F:
        coded, number = coded + bytes([number & 0x7F | 0x80]), number >> 7
    place = rng.randrange(min(len(content), 4096) or 1) if rng.random() < 0.7 else rng.randrange(len(content) or 1)
    return content[:place] + coded + bytes([number]) + content[place + 1 :]


PROTOBUF: tuple[Mutation, ...] = (*ANY, protobuf_number, protobuf_number, protobuf_number)


def several(content: bytes, rng: random.Random, others: list[bytes], table: tuple[Mutation, ...]) -> bytes:
    """One to three mutations of a table, one after the other."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(table)(content, rng, others)
    return content
