"""The zip archive that metadata writers append to a `.tflite` file: labels and vocabularies, which no runtime reads.

The flatbuffer says nothing of it, and every reader of one passes over it.
"""

from __future__ import annotations

import io
import zipfile

from edgekit.tflite.labels import printable
from edgekit.values import Value


class Appended(Value):
    """The files of an archive, and the bytes of the whole file from its beginning on."""

    names: tuple[str, ...]
    size_bytes: int


def appended(content: bytes) -> Appended | None:
    """The archive behind a model; None where there is none that can be read."""
    if b"PK\x05\x06" not in content[-(1 << 16) - 22 :]:  # the end of a directory, with the longest comment behind it
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
