"""Data on disk: `.npz` archives by the headers of their arrays, folders of images by names and image headers."""

from __future__ import annotations

import collections
import io
import re
from pathlib import Path
from typing import Any

from edgekit.cli.starter.bounded import BROKEN, Archive
from edgekit.cli.starter.found import DataFound, Images, NearMiss, Targets
from edgekit.cli.starter.walk import names_in
from edgekit.errors import DataError
from edgekit.ingest.printable import shown
from edgekit.machine.extras import is_installed
from edgekit.verdict.targets import TargetFacts

ENDING = ".npz"
WANTED = ("x_train", "y_train", "x_test", "y_test")
_NAME = re.compile(r"^(?P<kind>[xy])_(?P<split>train|val|test)(_(?P<index>\d{1,3}))?\.npy$")
_HEADER, _LABELS = 16_384, 4 * 2**20
"""How many bytes of an array are unpacked: for its shape and type, and for targets also their values."""
MOST_IMAGES, MOST_CLASSES = 60, 2000
_PER_CLASS = 200


def npz(root: Path, source: str) -> DataFound | NearMiss:
    """What an `.npz` file holds."""
    try:
        with Archive(root / source) as archive:
            return _npz(archive, source)
    except BROKEN as problem:
        return _near_miss(source, f"cannot be read ({shown(str(problem))[:120] or type(problem).__name__})")


def _npz(archive: Archive, source: str) -> DataFound | NearMiss:
    matches = {name: match for name in archive.names if (match := _NAME.match(name))}
    splits = {f"{match['kind']}_{match['split']}" for match in matches.values()}
    missing = [name for name in WANTED if name not in splits]
    if missing:
        there = ", ".join(shown(name.removesuffix(".npy")) for name in archive.names[:8]) or "nothing"
        return _near_miss(source, f"has no {', '.join(missing)} (it has {there[:160]})")
    first = {f"{match['kind']}_{match['split']}": name for name, match in sorted(matches.items(), reverse=True)}
    several = any(match["index"] not in (None, "0") for match in matches.values())
    x_shape, x_type, _ = _header(archive.start(first["x_train"], _HEADER))
    notes = []
    if x_type.hasobject:
        notes.append(f"{shown(source)} holds pickled objects, which can run code: `edgekit build` wants --trust for it")
    facts = None if several else _targets(archive, first["y_train"])
    targets, labels = (None, None) if facts is None else kind_by_values(facts)
    return DataFound(
        source=source,
        kind="npz",
        sample_shape=None if several else tuple(x_shape[1:]),
        targets=targets,
        labels=labels,
        facts=facts,
        notes=tuple(notes),
    )


def _header(start: bytes) -> tuple[tuple[int, ...], Any, int]:
    """Shape, type and header length of an `.npy` file, from its first bytes."""
    from numpy.lib import format as npy

    file = io.BytesIO(start)
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype, file.tell()


def _targets(archive: Archive, name: str) -> TargetFacts | None:
    """The facts of the first targets; None if they are not numbers."""
    import numpy as np

    from edgekit.ingest.targets import facts_of

    start = archive.start(name, _HEADER + _LABELS)
    shape, dtype, begin = _header(start)
    if dtype.hasobject or dtype.kind not in "iufb" or not shape:
        return None
    row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    count = min((len(start) - begin) // row, shape[0]) if row else 0
    if not count:
        return None
    values = np.frombuffer(start, dtype, count * row // dtype.itemsize, begin).reshape(count, *shape[1:])
    return facts_of(values, np.arange(count))


def kind_by_values(facts: TargetFacts) -> tuple[Targets | None, int | None]:
    """The kind of targets, judged by their values alone, and how many classes occur."""
    flat = facts.sample in ((), (1,))
    if not flat:
        if facts.rows == "one-hot" and len(facts.sample) == 1:
            return "one-hot", facts.sample[-1]
        return ("labels" if facts.is_zero_one else "floats" if facts.is_float else None), None
    if facts.is_float:
        return ("labels" if facts.is_zero_one and facts.distinct == 2 else "floats"), None
    is_sparse = 2 * facts.distinct < len(facts.counts) or 2 * facts.distinct > facts.samples > 2
    return ("numbers", None) if is_sparse or not facts.counts else ("classes", len(facts.counts))


def image_folder(root: Path, source: str) -> DataFound | NearMiss | None:
    """What a folder with split folders or class folders holds; None if it has no images at all."""
    from edgekit.ingest.layout import ENDINGS, split_folders

    try:
        splits = split_folders(root / source)
    except DataError as problem:
        return _near_miss(source, f"has {problem.what}")
    except OSError:
        return None
    classes = {split: _classes(folder, ENDINGS) for split, folder in splits.folders.items()}
    if not any(any(files.values()) for files in classes.values()):
        return None
    first = classes[splits.first]
    where = {split: "" if splits.whole else f"{folder.name}/" for split, folder in splits.folders.items()}
    empty = [
        where[split] + shown(name) for split, found in classes.items() for name, files in found.items() if not files
    ]
    unknown = [
        where[split] + shown(name) for split, found in classes.items() for name in sorted(set(found) - set(first))
    ]
    if len(first) < 2:
        return _near_miss(
            source, f"has fewer than two folders in {splits.folders[splits.first].name}: one a class is needed"
        )
    if empty:
        return _near_miss(source, f"has no images ({', '.join(ENDINGS)}) in {', '.join(empty[:3])}")
    if unknown:
        return _near_miss(source, f"has a class that {splits.folders[splits.first].name} does not have: {unknown[0]}")
    files = [path for found in first.values() for path in found]
    images = _images(files[:: max(1, len(files) // MOST_IMAGES)][:MOST_IMAGES])
    notes = [f"{shown(source)}: {note}" for note in splits.notes]
    notes += [] if images.sizes else [f"the sizes of the images in {shown(source)} could not be read: {_why_not()}"]
    if "test" not in splits.folders:
        notes.append(f"{shown(source)} has no test folder: a build holds a share of each class out as the test split")
    return DataFound(
        source=source, kind="folder", targets="classes", labels=len(first), images=images, splits=not splits.whole,
        notes=tuple(notes),
    )  # fmt: skip


def _why_not() -> str:
    return "none is an image" if is_installed("PIL") else 'that needs Pillow (pip install "edgekit-tflite[images]")'


def _classes(folder: Path, endings: tuple[str, ...]) -> dict[str, list[Path]]:
    """The first images of each class folder."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(names_in(folder, MOST_CLASSES), key=lambda entry: entry.name):
        path = folder / entry.name
        if entry.name.startswith(".") or not path.is_dir():
            continue
        images = (path / file.name for file in names_in(path, _PER_CLASS) if not file.name.startswith("."))
        found[entry.name] = sorted(image for image in images if image.suffix.lower() in endings)
    return found


def _images(files: list[Path]) -> Images:
    """Sizes from the images' headers; no pixel is decoded."""
    if not is_installed("PIL"):
        return Images(looked_at=0)
    from PIL import Image

    from edgekit.ingest.pictures import FORMATS

    sizes: collections.Counter[tuple[int, int]] = collections.Counter()
    gray = 0
    for path in files:
        try:
            if path.is_file():
                with Image.open(path, formats=FORMATS) as image:
                    sizes[image.height, image.width] += 1
                    gray += image.mode in ("1", "L", "LA", "I", "I;16", "I;16B")
        except (*BROKEN, Image.DecompressionBombError):
            continue
    looked = sum(sizes.values())
    return Images(looked_at=looked, sizes=tuple(size for size, _ in sizes.most_common(5)), gray=0 < looked == gray)


def _near_miss(source: str, reason: str) -> NearMiss:
    return NearMiss(source=source, what="data", reason=reason)
