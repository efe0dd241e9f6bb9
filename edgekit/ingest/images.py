"""A folder of images, a class each: `train/CLASS/*.png` and `test/CLASS/*.png` (or `.jpg`), and perhaps `val/`.

Pixels stay as they are decoded (uint8, 0 to 255) unless the project declares a size, a scale or an offset:
preprocessing is never guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit.child import Progress
from edgekit.errors import DataError, did_you_mean
from edgekit.ingest.arrays import ArrayWriter

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")
SPLIT_FOLDERS = {"train": "train", "val": "val", "validation": "val", "test": "test"}
BATCH = 64


def read_folder(source: Path, target: Path, options: dict[str, Any], progress: Progress) -> tuple[str, ...]:
    """Decode the folder into `x_train_0.npy`, `y_train_0.npy`, ...; returns the class names in label order."""
    splits = {SPLIT_FOLDERS[path.name]: path for path in sorted(source.iterdir()) if path.name in SPLIT_FOLDERS}
    if "test" not in splits:
        names = ", ".join(sorted(path.name for path in source.iterdir()))[:200]
        raise DataError(
            "no folder test", where=str(source), received=names, allowed="train/CLASS/*.png, test/CLASS/*.png"
        )
    labels = _classes(splits.get("train", splits["test"]))
    for split, folder in splits.items():
        files = _files(folder, labels)
        _decode(files, target, split, options, progress)
    return labels


def _classes(folder: Path) -> tuple[str, ...]:
    labels = tuple(sorted(path.name for path in folder.iterdir() if _is_class(path)))
    if len(labels) < 2:
        raise DataError(
            "fewer than two classes",
            where=str(folder),
            received=", ".join(labels) or "none",
            allowed="a folder a class",
        )
    return labels


def _is_class(path: Path) -> bool:
    """A folder that was not left behind by a tool, as `.ipynb_checkpoints` is."""
    return path.is_dir() and not path.name.startswith(".")


def _files(folder: Path, labels: tuple[str, ...]) -> list[tuple[Path, int]]:
    unknown = sorted(path.name for path in folder.iterdir() if _is_class(path) and path.name not in labels)
    if unknown:
        near = did_you_mean(unknown[0], labels)
        raise DataError(
            "a class that the training split does not have",
            where=str(folder / unknown[0]),
            received=unknown[0],
            allowed=", ".join(labels)[:200],
            next_step=f"did you mean {near!r}?" if near else None,
        )
    files = []
    for label, name in enumerate(labels):
        paths = (path for path in (folder / name).glob("*") if not path.name.startswith("."))
        found = sorted(path for path in paths if path.suffix.lower() in ENDINGS)
        if not found:
            raise DataError(
                "an empty class", where=str(folder / name), allowed=f"at least one of *{', *'.join(ENDINGS)}",
                next_step="add images, or remove the class from every split",
            )  # fmt: skip
        files += [(path, label) for path in found]
    return files


def _decode(
    files: list[tuple[Path, int]], target: Path, split: str, options: dict[str, Any], progress: Progress
) -> None:
    images = ArrayWriter(target / f"x_{split}_0.npy", f"images of {split}")
    for start in range(0, len(files), BATCH):
        for path, _ in files[start : start + BATCH]:
            try:
                images.append(_image(path, options)[None])
            except DataError as problem:
                raise DataError(
                    problem.what,
                    where=str(path),
                    received=problem.received,
                    allowed=problem.allowed,
                    next_step=problem.next_step,
                ) from None
        progress(f"decoding {split} images", min(start + BATCH, len(files)), len(files))
    images.close()
    np.save(target / f"y_{split}_0.npy", np.array([label for _, label in files], dtype=np.int64))


def _image(path: Path, options: dict[str, Any]) -> np.ndarray:
    """One image, height x width x channels."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            image = opened.convert("L" if options["grayscale"] else "RGB")
            if options["image_size"] is not None:
                height, width = options["image_size"]
                image = image.resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise DataError(
            "not an image that can be read", received=str(problem)[:200], next_step="remove or repair it"
        ) from None
    pixels = np.asarray(image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if options["scale"] == 1.0 and options["offset"] == 0.0:
        return pixels
    scaled: np.ndarray = pixels.astype(np.float32) * np.float32(options["scale"]) + np.float32(options["offset"])
    return scaled
