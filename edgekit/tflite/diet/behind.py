"""What stands behind a model in its file: the archive of an application's files, padding, or something unknown.

TFLite's metadata put labels and vocabularies in a zip archive behind the FlatBuffer. Such an archive counts its places
from the archive's beginning or from the file's; the latter are rewritten when it moves (PKWARE APPNOTE 4.3 and 4.4).
"""

from __future__ import annotations

import struct

from edgekit.tflite.flat.write import MOST_ALIGN

_END, _ENTRY, _FIRST = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_END_BYTES, _ENTRY_BYTES, _LOCAL_OFFSET, _DIRECTORY_OFFSET = 22, 46, 42, 16
_LONGEST_COMMENT = 0xFFFF
_ZIP64 = 0xFFFFFFFF


def moved(content: bytes, end: int, to: int) -> tuple[bytes, str] | None:
    """What stands behind `end` as it is written behind `to`, with a sentence for people (empty where there is nothing).

    None where it is an archive that cannot be moved.
    """
    tail = content[end:]
    if not tail.strip(b"\0"):
        return b"", "" if len(tail) < MOST_ALIGN else f"{len(tail)} zero bytes behind the model are dropped"
    first = tail.find(_FIRST)
    if first < 0 or _END not in tail:
        return tail, f"{len(tail)} bytes behind the model are kept: what they are is not known"
    archive = _moved_archive(tail[first:], end + first, to)
    if archive is None:
        return None
    return archive, f"an archive of {len(archive)} bytes behind the model is kept, with its places set anew"


def _moved_archive(archive: bytes, start: int, to: int) -> bytes | None:
    """An archive that stood at `start`, for a file where it stands at `to`."""
    place = archive.rfind(_END, -(_END_BYTES + _LONGEST_COMMENT))
    if place < 0 or len(archive) < place + _END_BYTES:
        return None
    entries, size, offset, comment = struct.unpack_from("<HIIH", archive, place + 10)
    if _ZIP64 in (size, offset) or place + _END_BYTES + comment != len(archive) or size > place:
        return None
    counted_from = start + place - size - offset
    if counted_from == start:
        return archive
    return _shifted(archive, place, place - size, entries, to - start) if counted_from == 0 else None


def _shifted(archive: bytes, end: int, directory: int, entries: int, by: int) -> bytes | None:
    """The archive with every place in its directory changed by as many bytes."""
    made, at = bytearray(archive), directory
    for _ in range(entries):
        if made[at : at + 4] != _ENTRY or at + _ENTRY_BYTES > end:
            return None
        (local,) = struct.unpack_from("<I", made, at + _LOCAL_OFFSET)
        if not 0 <= local + by < _ZIP64:
            return None
        struct.pack_into("<I", made, at + _LOCAL_OFFSET, local + by)
        at += _ENTRY_BYTES + sum(struct.unpack_from("<HHH", made, at + 28))
    if at != end:
        return None
    (offset,) = struct.unpack_from("<I", made, end + _DIRECTORY_OFFSET)
    struct.pack_into("<I", made, end + _DIRECTORY_OFFSET, offset + by)
    return bytes(made)
