"""Damage to zip archives (.keras, .npz): members changed by their own grammar, names, sizes and directories that lie."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile
import zlib

import mutate
import words

BOMB_BYTES = 64 << 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def archive(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """An archive that was damaged in one of its members, in its structure, or as bytes."""
    return _damaged(content, rng, others, METHODS)


def stored(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """The same of an archive whose readers take members that are not compressed, mostly left as that."""
    return _damaged(content, rng, others, (zipfile.ZIP_STORED,) * 15 + (zipfile.ZIP_DEFLATED,))


def _damaged(content: bytes, rng: random.Random, others: list[bytes], methods: tuple[int, ...]) -> bytes:
    how = rng.random()
    if how < 0.25:
        return mutate.several(content, rng, others, mutate.ANY)
    if how < 0.45:
        return _structure(content, rng)
    members = _members(content)
    if not members:
        return mutate.several(content, rng, others, mutate.ANY)
    for _ in range(rng.choice((1, 1, 2))):
        _change_member(members, rng, others)
    return _zipped(members, rng.choice(methods))


def _members(content: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            return [(info.filename, opened.read(info)) for info in opened.infolist()]
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        return []


def _change_member(members: list[tuple[str, bytes]], rng: random.Random, others: list[bytes]) -> None:
    index = rng.randrange(len(members))
    name, content = members[index]
    how = rng.randrange(10)
    if how <= 5:
        members[index] = (name, _by_kind(name, content, rng, others))
    elif how == 6:
        members[index] = (_odd_name(name, rng), content)
    elif how == 7:
        del members[index]
        members.append(("left", b""))
    elif how == 8:
        members.append((name, _by_kind(name, content, rng, others)))
    else:
        filler = b"\0" * rng.choice((0, 1, 1000, BOMB_BYTES if rng.random() < 0.05 else 100_000))
        members[index] = (name, content[:80] + filler)


def _by_kind(name: str, content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    if name.endswith(".json"):
        return words.json_document(content, rng, others)
    table = mutate.HDF5 if name.endswith(".h5") else mutate.NPY if name.endswith(".npy") else mutate.ANY
    return mutate.several(content, rng, others, table)


def _odd_name(name: str, rng: random.Random) -> str:
    return rng.choice(
        (
            f"../../escaped/{name}", f"/{name}", f"./{name}", name.upper(), "", "x" * 3000, f"{name}/", "y_train_9.npy", "x_train_0.npy",
            "x_test_00.npy", "x_train_99999999999999999999.npy", f"a/../{name}", "x_train\n.npy", "x_train_٣.npy", "entry.json",
        )
    )  # fmt: skip


def _zipped(members: list[tuple[str, bytes]], how: int) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", how, compresslevel=1) as made:
        warnings.simplefilter("ignore")  # the same name twice is meant
        for name, content in members:
            made.writestr(zipfile.ZipInfo(name), content, compress_type=how)
    return buffer.getvalue()


_LOCAL = {
    "version": (4, "<H"),
    "flags": (6, "<H"),
    "method": (8, "<H"),
    "crc": (14, "<I"),
    "packed": (18, "<I"),
    "size": (22, "<I"),
}
_CENTRAL = {"version": (6, "<H"), "flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"), "packed": (20, "<I"), "size": (24, "<I"),
            "name": (28, "<H"), "extra": (30, "<H"), "offset": (42, "<I")}  # fmt: skip
_END = {"here": (8, "<H"), "all": (10, "<H"), "size": (12, "<I"), "offset": (16, "<I"), "comment": (20, "<H")}
_NUMBERS = (0, 1, 8, 9, 12, 14, 99, 0x41, 0x801, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**31, 10**9)


def _structure(content: bytes, rng: random.Random) -> bytes:
    """A field of a local header, of the central directory, or of its end."""
    mark, fields = rng.choice(
        ((b"PK\x03\x04", _LOCAL), (b"PK\x01\x02", _CENTRAL), (b"PK\x01\x02", _CENTRAL), (b"PK\x05\x06", _END))
    )
    found = mutate.places(content, mark)
    if not found:
        return mutate.flip_bits(content, rng, [])
    offset, form = rng.choice(list(fields.values()))
    place, size = rng.choice(found) + offset, struct.calcsize(form)
    number = rng.choice(_NUMBERS) & (2 ** (8 * size) - 1)
    return content[:place] + struct.pack(form, number) + content[place + size :]
