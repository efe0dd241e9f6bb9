"""The zip archive that metadata writers append to a `.tflite` file: labels and vocabularies, which no runtime reads.

The flatbuffer does not mention it, and flatbuffer readers ignore it.
"""

from __future__ import annotations

import io
import struct
import zipfile

from edgekit.tflite.labels import printable
from edgekit.values import Value


class Appended(Value):
    """The files of an archive, and the bytes of the whole file from the archive's beginning on."""

    names: tuple[str, ...]
    size_bytes: int


LARGEST_DIRECTORY = 1 << 20
"""The most bytes read of an archive's directory: enough for some ten thousand files, and a model has a handful."""
_END = b"PK\x05\x06"
_END_OF_LARGE = b"PK\x06\x07"  # marks archives above 4 GiB, whose sizes are stored elsewhere


def appended(content: bytes) -> Appended | None:
    """The archive behind a model; None if there is none, or none that can be read in a short time."""
    end = content[-(1 << 16) - 22 :]  # the end record of the directory and the longest possible comment
    place = end.rfind(_END)
    if place < 0 or len(end) < place + 22 or _END_OF_LARGE in end:
        return None
    if struct.unpack_from("<I", end, place + 12)[0] > LARGEST_DIRECTORY:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError, EOFError):
        return None
    if not found:
        return None
    begins = min(one.header_offset for one in found)
    return Appended(names=tuple(printable(one.filename) for one in found), size_bytes=len(content) - begins)
