"""Samples as small pictures, in PNG without any library: for looking at a few of them in a report.

An input's shape decides whether it is a picture: height, width and 1 or 3 channels, or a square without channels.
"""

from __future__ import annotations

import base64
import dataclasses
import struct
import zlib
from typing import TYPE_CHECKING

from edgekit.ingest.dataset import ArrayFile, Dataset, Split

if TYPE_CHECKING:
    import numpy as np

SIDES = (40, 32, 24, 16)
"""Pixels of the longer side: the first of these with which all pictures of a report fit into `MOST_CHARACTERS`."""
MOST_CHARACTERS = 64_000
LEAST_SIDE, LARGEST_SIDE = 5, 4096
MOST_VALUES = 8
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """Shows samples of a split; `low` and `high` are the real values of black and white."""

    array: np.ndarray
    is_picture: bool
    low: float
    high: float

    def of(self, rows: np.ndarray) -> list[str | tuple[float, ...]]:
        """Each sample as a PNG in base64, else as its first values."""
        samples = [self.array[row] for row in rows]
        if not self.is_picture:
            return [tuple(float(f"{value:.6g}") for value in sample.reshape(-1)[:MOST_VALUES]) for sample in samples]
        for side in SIDES:
            made: list[str | tuple[float, ...]] = [_encoded(sample, self.low, self.high, side) for sample in samples]
            if sum(map(len, made)) <= MOST_CHARACTERS:
                return made
        return [""] * len(samples)


def pictures_of(dataset: Dataset, split: Split) -> Pictures:
    """Shows the first input that is a picture, else the first input."""
    files, arrays = dataset.splits[split].inputs, dataset.inputs(split)
    place = next((at for at, file in enumerate(files) if _is_picture(file)), 0)
    file = files[place]
    return Pictures(array=arrays[place], is_picture=_is_picture(file), low=file.low, high=file.high)


def _is_picture(file: ArrayFile) -> bool:
    shape = file.shape[1:]
    height, width = shape[:2] if len(shape) >= 2 else (0, 0)
    known = (len(shape) == 3 and shape[2] in (1, 3)) or (len(shape) == 2 and height == width)
    return known and min(height, width) >= LEAST_SIDE and max(height, width) <= LARGEST_SIDE


def _encoded(sample: np.ndarray, low: float, high: float, side: int) -> str:
    return base64.b64encode(png(_small(_grey_levels(sample, low, high), side))).decode()


def _grey_levels(sample: np.ndarray, low: float, high: float) -> np.ndarray:
    """Real values as bytes, height x width x channels: black is `low`, white is `high`."""
    import numpy as np

    pixels = sample.reshape(*sample.shape[:2], -1).astype(np.float64)
    scaled = (np.nan_to_num(pixels, nan=low) - low) / ((high - low) or 1.0)
    return np.asarray(np.clip(np.round(255 * scaled), 0, 255).astype(np.uint8))


def _small(pixels: np.ndarray, side: int) -> np.ndarray:
    """Averages over squares, so that the longer side is at most `side`."""
    import numpy as np

    factor = -(-max(pixels.shape[:2]) // side)
    if factor == 1:
        return pixels
    height, width = (-(-size // factor) * factor for size in pixels.shape[:2])
    padded = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0)), mode="edge")
    blocks = padded.reshape(height // factor, factor, width // factor, factor, -1)
    return np.asarray(blocks.mean(axis=(1, 3)).round().astype(np.uint8))


def png(pixels: np.ndarray) -> bytes:
    """A PNG of bytes, height x width x 1 or 3 (W3C, Portable Network Graphics, third edition, sections 11.2.1 and 9.2).

    >>> import numpy as np
    >>> png(np.zeros((2, 2, 1), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width, channels = pixels.shape
    colour = 0 if channels == 1 else 2  # grey or RGB
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # each row with the filter "none"
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
