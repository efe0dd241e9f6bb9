"""The zip archive of a `.pt2`: its members as torch.export.save writes them, uncompressed and each within the file.

A member that is compressed, or lies over another one, is what a bomb is made of, and PyTorch writes neither.
"""

from __future__ import annotations

import io
import lzma
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from edgekit import first_bytes

ENDING = ".pt2"
MOST_MEMBERS = 100_000
"""A member a weight: the largest networks have some thousands."""
LARGEST_JSON = 64 * 2**20
"""The text of a program with its 10,000 operators takes some megabytes."""
LOCAL = b"PK\x03\x04"
"""What a zip archive begins with."""
BROKEN = (
    zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, LookupError, NotImplementedError, OverflowError,
    struct.error, zlib.error, lzma.LZMAError, MemoryError,
)  # fmt: skip
"""What reading a damaged or crafted archive may raise."""


class Malformed(ValueError):
    """The bytes are no archive of a program: the message says what of them."""


class Damaged(Malformed):
    """A member is not as it was written: `member` is its name, `how` says what is wrong with it."""

    def __init__(self, member: str, how: str) -> None:
        super().__init__(f"{member} {how}")
        self.member, self.how = member, how


class Members:
    """The members of an archive, by their names without the folder that all of them lie in; raises `Malformed`.

    TorchScript has its code `compressed`; nothing else that PyTorch writes is.
    """

    def __init__(self, file: IO[bytes], size: int, *, compressed: bool = False) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            infos = self._zip.infolist()
        except BROKEN as problem:
            raise Malformed(_no_archive(file, problem)) from None
        _check(infos, size, compressed=compressed)
        folders = {info.filename.partition("/")[0] for info in infos}
        if len(folders) != 1 or not all("/" in info.filename for info in infos):
            raise Malformed("its members do not lie in one folder")
        self._infos = {info.filename.partition("/")[2]: info for info in infos}
        if len(self._infos) != len(infos):
            raise Malformed("two members have one name")

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of the archive."""
        return tuple(self._infos)

    def size(self, name: str) -> int:
        """The bytes of a member."""
        return self._infos[name].file_size

    def write(self, target: Path) -> None:
        """Write the members to an archive of its own: what another reader of zip archives finds in it is what was found here.

        Raises `Damaged` for a member whose bytes are not those that were written, by its checksum.
        """
        name = ""
        try:
            with zipfile.ZipFile(target, "w") as made:
                for name, info in self._infos.items():
                    entry = zipfile.ZipInfo(f"program/{name}")
                    entry.file_size = info.file_size
                    with self._zip.open(info) as member, made.open(entry, "w") as copy:
                        shutil.copyfileobj(member, copy, 2**20)
        except BROKEN as problem:
            if isinstance(problem, OSError) and problem.errno is not None:
                raise
            raise _damaged(name, problem) from None

    def content(self, name: str, most: int) -> bytes:
        """The whole of a member of up to so many bytes; raises `Malformed` for a larger one, and for one that is not there."""
        if name not in self._infos:
            raise Malformed(f"it has no {name}")
        if self.size(name) > most:
            raise Malformed(f"{name} has {self.size(name)} bytes, where {most} are the most")
        try:
            with self._zip.open(self._infos[name]) as member:
                return member.read(most + 1)
        except BROKEN as problem:
            raise _damaged(name, problem) from None


def _check(infos: list[zipfile.ZipInfo], size: int, *, compressed: bool) -> None:
    if not infos or len(infos) > MOST_MEMBERS:
        raise Malformed(f"{len(infos)} members")
    for info in () if compressed else infos:
        name = ascii(info.filename)[1:-1][:60]
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise Malformed(f"{name} is compressed or encrypted, which torch.export.save never writes")
        if info.file_size != info.compress_size:
            raise Malformed(f"{name} has two sizes")
    if sum(info.compress_size for info in infos) > size:
        raise Malformed("its members are larger than the file")


def _damaged(name: str, problem: Exception) -> Damaged:
    said = str(problem) if isinstance(problem, zipfile.BadZipFile) else f"{type(problem).__name__}: {problem}"
    return Damaged(ascii(name)[1:-1][:80], f"is not as it was written: {said}"[:160])


def _no_archive(file: IO[bytes], problem: Exception) -> str:
    """What is said of bytes that are no archive that can be read."""
    file.seek(0)
    is_begun = file.read(len(LOCAL)) == LOCAL
    if zipfile.is_zipfile(file):
        return f"a zip archive that cannot be read: {type(problem).__name__}: {problem}"[:200]
    return (
        "a zip archive without its end, as a copy or a download that broke off leaves it"
        if is_begun
        else "no zip archive"
    )


def members_of(content: bytes) -> Members:
    """The members of an archive inside another one; raises `Malformed`."""
    return Members(io.BytesIO(content), len(content))


def is_pt2(path: Path) -> bool:
    """Whether a path is named as a program of torch.export is."""
    return path.name.lower().endswith(ENDING) and not os.path.isdir(path)


def begins_of(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(first_bytes.ENOUGH)


def said_of(path: Path, otherwise: str) -> str:
    """What a file is that is no archive at all, where its first bytes tell."""
    begins = begins_of(path)
    return otherwise if begins.startswith(b"PK") else first_bytes.said(begins, otherwise)
