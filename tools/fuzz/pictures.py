"""Damage to pictures: bytes of any format, and the chunks of a PNG with checks that fit, so that a decoder reads on."""

from __future__ import annotations

import random
import struct
import zlib

import mutate

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NAMES = (
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"eXIf",
    b"iCCP",
    b"zTXt",
    b"iTXt",
    b"gAMA",
    b"pHYs",
)


def picture(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A picture that was damaged as bytes, or as a PNG in one of its chunks."""
    if not content.startswith(SIGNATURE) or rng.random() < 0.3:
        return mutate.several(content, rng, others, mutate.ANY)
    chunks = _chunks(content)
    for _ in range(rng.choice((1, 1, 2))):
        _change(chunks, rng)
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], len(SIGNATURE)
    while place + 12 <= len(content):
        (size,) = struct.unpack(">I", content[place : place + 4])
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + size]))
        place += 12 + size
    return found


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _change(chunks: list[tuple[bytes, bytes]], rng: random.Random) -> None:
    if not chunks:
        return
    index = rng.randrange(len(chunks))
    name, data = chunks[index]
    how = rng.randrange(6)
    if how <= 2:
        chunks[index] = (name, mutate.several(data, rng, [data], mutate.ANY))
    elif how == 3:
        del chunks[index]
    elif how == 4:
        chunks.insert(index, (rng.choice(_NAMES), rng.randbytes(rng.choice((0, 1, 4, 13, 26, 100)))))
    else:
        chunks[0] = (b"IHDR", struct.pack(">IIBBBBB", *(rng.choice((0, 1, 8, 9, 60_000, 2**31)) for _ in "ab"),
                                          rng.choice((1, 2, 8, 16, 7)), rng.choice((0, 2, 3, 4, 6, 5)), 0, 0, rng.choice((0, 1))))  # fmt: skip
