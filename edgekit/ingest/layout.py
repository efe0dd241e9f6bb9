"""What a folder of pictures holds: which folder is which split, the classes in label order, and every file left out.

Only names are read, no file is opened. A folder has split folders (`train/CLASS/*.png`, `test/CLASS/*.png`, perhaps
`val/`), or class folders alone (`CLASS/*.png`), whose pictures are split later. Folders may be links; a picture that
links to a place outside the data's folder is left out.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from edgekit.errors import DataError, did_you_mean
from edgekit.ingest.printable import listed, shown
from edgekit.values import Value

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
SPLIT_WORDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test",
}  # fmt: skip
"""Names of split folders; upper and lower case are equal."""
ACCEPTED = "train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png alone"
NAMED = 3
"""A note counts all files left out for one reason, and names at most so many."""
MOST_NAMED = 20
"""An error names at most so many folders or files."""
_NO_CLASS = "not in a class folder"


class LeftOut(Value):
    """Files that are not read for one reason: the reason in the note's words, and their paths within the data's folder."""

    reason: str
    names: tuple[str, ...]


class Layout(Value):
    """The pictures of a folder: for each split the file names with their class numbers, in order.

    `splits` has those of `train`, `val` and `test` that have folders; with class folders alone it has `all`.
    `notes` say what was decided.
    """

    labels: tuple[str, ...]
    splits: dict[str, tuple[tuple[str, int], ...]]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Every picture's path within the data's folder."""
        return [name for files in self.splits.values() for name, _ in files]


def read_layout(source: Path, classes: tuple[str, ...] = ()) -> Layout:
    """The layout of a folder; `classes` is the order of the class names, if it is not alphabetical.

    Raises `DataError` if there are no classes, a class has no pictures in a split, or the classes of the splits differ.
    """
    splits = split_folders(source)
    left: dict[str, list[str]] = {}
    folders = {
        split: _class_folders(source, folder, left, whole=splits.whole) for split, folder in splits.folders.items()
    }
    labels = _labels(splits.folders[splits.first], folders[splits.first], classes)
    empty: list[str] = []
    found = {
        split: tuple(_pictures(source, splits.folders[split], of_split, labels, left, empty))
        for split, of_split in folders.items()
    }
    if empty:
        raise _empty(source, empty, left)
    return Layout(
        labels=labels,
        splits=found,
        left_out=tuple(LeftOut(reason=reason, names=tuple(names)) for reason, names in sorted(left.items())),
        notes=splits.notes,
    )


def left_out_note(left_out: tuple[LeftOut, ...]) -> tuple[str, ...]:
    """The note on all files left out, with the first names for each reason; none if there are no such files."""
    if not left_out:
        return ()
    parts = (f"{len(one.names)} {one.reason} ({listed(one.names, NAMED)})" for one in left_out)
    return (f"left out of the data: {'; '.join(parts)}",)


class Splits(Value):
    """The folder of each split; `whole` if the data's folder has class folders alone, and is then the split `all`."""

    folders: dict[str, Path]
    whole: bool = False
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The split whose classes are taken for those of the data."""
        return next(split for split in ("train", "all", "val", "test") if split in self.folders)


def split_folders(source: Path) -> Splits:
    """The split folders in a folder; raises `DataError` if two are for the same split, or if there are no class folders."""
    entries = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
    named = [path for path in entries if path.name.lower() in SPLIT_WORDS]
    if not any(_has_folders(path) for path in named):
        if named and len(named) == len(entries):
            raise DataError(
                "no class folders: the pictures lie in the split's folder itself", where=shown(str(named[0])),
                received=", ".join(shown(path.name) for path in entries), allowed=ACCEPTED,
                next_step="put the pictures of each class into a folder of its name",
            )  # fmt: skip
        return Splits(folders={"all": source}, whole=True)
    folders: dict[str, Path] = {}
    for path in named:
        split = SPLIT_WORDS[path.name.lower()]
        if split in folders:
            raise DataError(
                "two folders of one split", where=shown(str(source)), received=f"{folders[split].name}, {path.name}",
                allowed="one folder a split", next_step="join them, or rename one",
            )  # fmt: skip
        folders[split] = path
    if "test" in folders or "val" not in folders:
        return Splits(folders=folders)
    text = (
        f"there is no test folder, so {folders['val'].name}/ is the test split; whoever trained the model may have chosen it by "
        "these pictures: a test/ folder that nobody has looked at gives a figure that can be believed more"
    )
    return Splits(folders={"test" if split == "val" else split: path for split, path in folders.items()}, notes=(text,))


def _has_folders(folder: Path) -> bool:
    return any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir())


def _class_folders(source: Path, folder: Path, left: dict[str, list[str]], *, whole: bool) -> dict[str, Path]:
    """A split's class folders by name. Its other files are recorded as left out; if it is the `whole` folder, only pictures are."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            if not whole:
                _leave(left, "hidden", source, path)
        elif not path.is_dir():
            if not whole or path.suffix.lower() in ENDINGS:
                _leave(left, _NO_CLASS, source, path)
        elif not (whole and _is_result(path)):
            found[_class_name(path)] = path
    return found


def _is_result(folder: Path) -> bool:
    """Whether a folder holds edgekit's own results, which may lie in the data's folder if that is also the project's."""
    return any(folder.glob("*/manifest.json"))


def _class_name(folder: Path) -> str:
    """A class by its folder's name, normalised: macOS writes an accent as a character of its own, other systems do not."""
    name = unicodedata.normalize("NFC", folder.name)
    if not name.isprintable():
        raise DataError(
            "a class name with characters that cannot be printed", where=shown(str(folder)), received=shown(name),
            next_step="rename the folder",
        )  # fmt: skip
    return name


def _labels(folder: Path, found: dict[str, Path], classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(found) < 2:
        received = ", ".join(found) or ", ".join(sorted(shown(path.name) for path in folder.iterdir()))[:200]
        raise DataError(
            "fewer than two classes", where=shown(str(folder)), received=received or "an empty folder",
            allowed=f"a folder a class: {ACCEPTED}",
        )  # fmt: skip
    if classes and sorted(classes) != sorted(found):
        strange = next((name for name in classes if name not in found), "")
        near = did_you_mean(strange, found)
        raise DataError(
            "classes are not those of the folder", where="[data] classes", received=", ".join(classes)[:200],
            allowed=", ".join(found)[:200], next_step=f"did you mean {near!r}?" if near else None,
        )  # fmt: skip
    return classes or tuple(found)


def _pictures(
    source: Path, folder: Path, of_split: dict[str, Path], labels: tuple[str, ...], left: dict[str, list[str]], empty: list[str]
) -> Iterator[tuple[str, int]]:  # fmt: skip
    """The pictures of a split with their class numbers; classes without pictures are added to `empty`."""
    unknown = sorted(set(of_split) - set(labels))
    if unknown:
        near = did_you_mean(unknown[0], labels)
        raise DataError(
            "a class that the training split does not have",
            where=shown(str(of_split[unknown[0]])),
            received=", ".join(unknown)[:200],
            allowed=", ".join(labels)[:200],
            next_step=f"did you mean {near!r}?" if near else None,
        )
    root = source.resolve()
    for label, name in enumerate(labels):
        path = of_split.get(name, folder / name)
        files = _files(source, path, (root, path.resolve()), left) if name in of_split else []
        if not files:
            empty.append(str(path))
        yield from ((str(file.relative_to(source)), label) for file in files)


def _files(source: Path, folder: Path, roots: tuple[Path, ...], left: dict[str, list[str]]) -> list[Path]:
    """The pictures of a class folder; its other files are recorded as left out."""
    files = []
    for path in sorted(folder.iterdir()):
        reason = _reason(path, roots)
        if reason is None:
            files.append(path)
        else:
            _leave(left, reason, source, path)
    return files


def _reason(path: Path, roots: tuple[Path, ...]) -> str | None:
    """Why a file of a class folder is left out; None if its ending is that of a picture."""
    if path.name.startswith("."):
        return "hidden"
    if path.is_symlink():
        target = Path(os.path.realpath(path))
        if not target.exists():
            return "broken links"
        if not any(target.is_relative_to(root) for root in roots):
            return "links out of the data's folder"
    if path.is_dir():
        return "sub-folders of a class"
    if path.suffix.lower() not in ENDINGS:
        return "with an ending that is no picture's"
    return None if path.is_file() else "not a regular file"


def _leave(left: dict[str, list[str]], reason: str, source: Path, path: Path) -> None:
    left.setdefault(reason, []).append(str(path.relative_to(source)) + "/" * path.is_dir())


def _empty(source: Path, empty: list[str], left: dict[str, list[str]]) -> DataError:
    """The error for classes without pictures: all of them, and what their folders hold instead."""
    inside = [
        f"{len(names)} {reason}"
        for reason, names in left.items()
        if any(_lies_in(source, name, empty) for name in names)
    ]
    named = listed([str(Path(path).relative_to(source)) for path in empty], MOST_NAMED)
    return DataError(
        "an empty class", where=shown(empty[0]),
        received=f"no pictures in {named}" + (f"; left out were {', '.join(inside)}" if inside else ""),
        allowed=f"at least one of *{', *'.join(ENDINGS)} in each class of each split",
        next_step="add images, or remove the class from every split",
    )  # fmt: skip


def _lies_in(source: Path, name: str, folders: list[str]) -> bool:
    return str((source / name).parent) in folders
