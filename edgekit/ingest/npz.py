"""`.npz` archives: each member is already an `.npy` file, so it is unpacked to disk and never loaded whole."""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from edgekit import first_bytes
from edgekit.errors import DataError, OutputError, TrustError
from edgekit.ingest.arrays import chunks
from edgekit.ingest.held_seen import HeldInData
from edgekit.ingest.keys import expected, left_out, left_out_notes, placed, require_whole, unread_notes
from edgekit.ingest.printable import shown
from edgekit.ingest.reading import Reading
from edgekit.ingest.wanted import Wanted
from edgekit.jobs.child import DISK_ERRORS
from edgekit.progress import Progress


def unpack(source: Path, target: Path, *, wanted: Wanted, trust: bool, progress: Progress) -> Reading:
    """Write the archive's `x_train`, `y_train_1`, ... as `x_train_0.npy`, `y_train_1.npy`, ... into `target`; notes say what was left out.

    `wanted` has the names of the model's inputs and outputs, by which arrays may be named too.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = _members(archive, source)
            places = placed(members, wanted, str(source))
            require_whole(places, wanted, str(source))
            unused = {key: name for key in members if (name := left_out(key, wanted))}
            _check_space([members[key] for key in (*places, *unused)], target)
            for done, (key, place) in enumerate(places.items()):
                info, name = members[key], place.file_name
                with archive.open(info) as member, (target / f"{name}.npy").open("wb") as file:
                    shutil.copyfileobj(member, file, 2**20)
                _check_pickle(target / f"{name}.npy", key, source, trust=trust)
                progress(f"reading {source.name}", done + 1, len(places))
            seen = HeldInData(wanted.held)
            for key, name in unused.items():
                _compare(archive, members[key], target / "held.npy", partial(seen.add, name, key))
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, OSError, zlib.error, lzma.LZMAError) as problem:
        if isinstance(problem, OSError) and problem.errno in DISK_ERRORS:
            raise
        with source.open("rb") as file:
            begins = file.read(first_bytes.ENOUGH)
        said = f"{type(problem).__name__}: {problem}"[:200]
        raise DataError(
            "not an .npz archive", where=str(source), received=said if zipfile.is_zipfile(source) else first_bytes.said(begins, said),
            allowed="what numpy.savez or numpy.savez_compressed writes", next_step=first_bytes.next_step(begins, "save or copy the archive again"),
        ) from None  # fmt: skip
    if not places:
        raise DataError(
            "no arrays of the expected names",
            where=str(source),
            received=", ".join(info.filename for info in members.values())[:200] or "an empty archive",
            allowed=expected(wanted),
        )
    return Reading(
        notes=(
            *left_out_notes(unused.values()),
            *unread_notes(key for key in members if key not in places and key not in unused),
        ),
        keys={place.file_name: key for key, place in places.items()},
        held=seen.found(),
    )


def _members(archive: zipfile.ZipFile, source: Path) -> dict[str, zipfile.ZipInfo]:
    """The members by their keys; raises `DataError` for two of one name, of which one would be read and nobody knows which was meant."""
    infos = archive.infolist()
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(members) < len(infos):
        names = [info.filename.removesuffix(".npy") for info in infos]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            "two arrays of one name", where=str(source), received=shown(twice), allowed="each name once", next_step="save the archive again, with one of them"
        )  # fmt: skip
    return members


def _compare(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, add: Callable[[np.ndarray], None]) -> None:
    """Hand on the parts of an array that the model is not given; one that is no array of numbers is left unread, as if it were not there."""
    with archive.open(info) as member, path.open("wb") as file:
        shutil.copyfileobj(member, file, 2**20)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # a header is parsed as a Python literal, which may raise anything
        array = None
    for part in () if array is None else chunks(np.atleast_1d(array)):
        add(part)
    path.unlink()


def _check_space(members: list[zipfile.ZipInfo], target: Path) -> None:
    needed, free = sum(info.file_size for info in members), shutil.disk_usage(target).free
    if needed > free:
        raise OutputError(
            "no space for the unpacked data",
            where=str(target),
            received=f"{free} bytes free",
            allowed=f"{needed} bytes",
        )


def _check_pickle(path: Path, name: str, source: Path, *, trust: bool) -> None:
    """Refuse pickled arrays; with `trust`, rewrite them as arrays of numbers."""
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            dtype = read(file)[2]
        except Exception as problem:  # a header is parsed as a Python literal, which may raise anything
            received = f"{type(problem).__name__}: {problem}"[:200]
            raise DataError("not an array", where=f"{source}: {name}", received=received) from None
    if not dtype.hasobject:
        return
    if not trust:
        raise TrustError(
            "pickled Python objects, which can run code when they are read",
            where=f"{source}: {name}",
            allowed="arrays of numbers",
            next_step="save it as an array of numbers, or say --trust if you made this file",
        )
    try:
        np.save(path, np.array(np.load(path, allow_pickle=True).tolist()), allow_pickle=False)
    except ValueError as problem:
        raise DataError(
            "objects that make no array of numbers", where=f"{source}: {name}", received=str(problem)
        ) from None
