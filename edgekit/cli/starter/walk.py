"""A bounded walk through a folder: the nearest first, limited in entries and depth, and no link followed twice.

It only lists; other modules recognise what a file is.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from edgekit.ingest.layout import ENDINGS, SPLIT_WORDS
from edgekit.ingest.printable import shown
from edgekit.values import Value

MOST_ENTRIES = 20_000
DEEPEST = 4
MOST_CLASSES, PEEKED = 200, 50
"""How many folders are searched for pictures, and how many first entries of each."""
SAVED_MODEL = "saved_model.pb"
_SKIPPED = ("__pycache__", "node_modules", "site-packages")
_RESULT = {"manifest.json", "report.json"}  # a folder with these is the result of an earlier build


class Listing(Value):
    """What a walk found: paths relative to the folder with `/`, files by their endings, folders that are named like such files, and what was left out."""

    entries: int
    files: tuple[str, ...]
    named_as_files: tuple[str, ...]
    saved_models: tuple[str, ...]
    picture_folders: tuple[str, ...]
    notes: tuple[str, ...]


def walk(root: Path, endings: tuple[str, ...], most: int = MOST_ENTRIES) -> Listing:
    """List regular files with certain endings, SavedModels, and folders of pictures: with split folders, or with class folders."""
    files: list[str] = []
    named_as_files: list[str] = []
    saved: list[str] = []
    pictures: list[str] = []
    notes: list[str] = []
    left, seen = most, {_identity(root)}
    waiting = deque([("", 0)])
    while waiting and left > 0:
        folder, depth = waiting.popleft()
        entries = _list(root / folder, left, notes)
        left -= len(entries)
        names = {entry.name for entry in entries}
        if "pyvenv.cfg" in names or names >= _RESULT:
            continue
        if SAVED_MODEL in names:
            saved.append(folder or ".")
            continue
        inside = [entry.name for entry in entries if _is_folder(entry)]
        taken = _split_folders(inside) or _class_folders(root / folder, inside)
        if taken:
            pictures.append(folder or ".")
            inside = [name for name in inside if name not in taken]
            left -= len(taken)
        files += [_join(folder, entry.name) for entry in entries if _is_wanted(entry, endings)]
        named_as_files += [_join(folder, name) for name in inside if name.lower().endswith(endings)]
        for name in inside:
            path, identity = _join(folder, name), _identity(root / _join(folder, name))
            if depth < DEEPEST and name not in _SKIPPED and not name.startswith(".") and identity not in seen:
                seen.add(identity)
                waiting.append((path, depth + 1))
    if left <= 0:
        notes.append(f"stopped after {most} files and folders: what lies deeper was not looked at")
    return Listing(
        entries=most - left, files=tuple(files), named_as_files=tuple(named_as_files), saved_models=tuple(saved), picture_folders=tuple(pictures),
        notes=tuple(notes),
    )  # fmt: skip


def _split_folders(names: list[str]) -> list[str]:
    """The names of folders that hold a training split and another split."""
    found = {name: SPLIT_WORDS[name.lower()] for name in names if name.lower() in SPLIT_WORDS}
    return list(found) if len(set(found.values())) > 1 and "train" in found.values() else []


def _class_folders(root: Path, names: list[str]) -> list[str]:
    """The folders that hold pictures, if there are at least two; only a few entries of each are checked."""
    visible = [name for name in names if not name.startswith(".") and name not in _SKIPPED]
    found = [name for name in visible[:MOST_CLASSES] if _has_pictures(root / name)]
    return found if len(found) > 1 else []


def _has_pictures(folder: Path) -> bool:
    entries = names_in(folder, PEEKED)
    return any(entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(".") for entry in entries)


def names_in(folder: Path, most: int) -> Iterator[os.DirEntry[str]]:
    """The first entries of a folder, in the system's order; nothing if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from itertools.islice(entries, most)
    except OSError:
        return


def _list(folder: Path, most: int, notes: list[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = list(itertools.islice(entries, most))
    except OSError as problem:
        notes.append(f"not looked into: {shown(folder.name)} ({problem.strerror})")
        return []
    strange = [entry for entry in found if not _is_text(entry.name)]
    if strange:
        notes.append(f"{len(strange)} names in {shown(folder.name)} are no UTF-8, and were left out")
    return sorted((entry for entry in found if _is_text(entry.name)), key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
        return False


def _is_wanted(entry: os.DirEntry[str], endings: tuple[str, ...]) -> bool:
    """Whether it is a regular file with a wanted ending: reading a named pipe would wait for ever."""
    try:
        return entry.name.lower().endswith(endings) and not entry.name.startswith(".") and entry.is_file()
    except OSError:
        return False


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
