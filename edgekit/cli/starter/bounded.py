"""Bounded reading of untrusted files: members of archives, and JSON inside a binary file.

However large or crafted a file is, no more than a few megabytes of it are read and unpacked.
"""

from __future__ import annotations

import io
import json
import lzma
import mmap
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

LARGEST_DIRECTORY = 2**20
"""The largest directory of a zip archive, in bytes: some ten thousand members. A model or data set has dozens."""
LARGEST_CONFIG = 16 * 2**20
SCANNED = 256 * 2**20
BROKEN = (
    OSError, ValueError, EOFError, RuntimeError, LookupError, TypeError, ArithmeticError, AttributeError, MemoryError,
    SyntaxError, AssertionError, struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""The exceptions that reading a damaged or crafted file may raise."""


class Archive:
    """A zip archive whose directory is at most `LARGEST_DIRECTORY`; raises one of `BROKEN`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._zip = zipfile.ZipFile(_Bounded(self._file))
        except BaseException:
            self._file.close()
            raise
        self.names = tuple(self._zip.namelist())

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exc: object) -> None:
        self._zip.close()
        self._file.close()

    def start(self, name: str, most: int) -> bytes:
        """The first bytes of a member; no more is unpacked."""
        with self._zip.open(name) as member:
            return member.read(most)


class _Bounded:
    """A file that refuses to read a large piece at once, as an archive's directory is read in one piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, count: int | None = -1) -> bytes:
        if count is None or count < 0:
            here = self._file.tell()
            count = self._file.seek(0, io.SEEK_END) - here
            self._file.seek(here)
        if count > LARGEST_DIRECTORY:
            raise ValueError("more members than a model or a data set has")
        return self._file.read(count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def json_inside(path: Path, pattern: re.Pattern[bytes]) -> Any:
    """The JSON value that begins at a pattern's group `json` inside a binary file; None if there is none.

    Keras stores a model's configuration like that in HDF5 files and SavedModels, so neither format needs a parser.
    """
    with path.open("rb") as file:
        size = min(path.stat().st_size, SCANNED)
        if size == 0:
            return None
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as content:
            found = pattern.search(content)
            if found is None:
                return None
            start = found.start("json")
            del found  # it would keep the mapping open
            text = content[start : start + LARGEST_CONFIG].decode("utf-8", errors="replace")
    return json.JSONDecoder().raw_decode(text)[0]
