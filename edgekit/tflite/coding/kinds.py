"""The codings of a tensor together: which one two constants of TFLM_DECODE are, and the tensor that they stand for.

A pair of a kind or version that is not known here is no error: its tensor then counts as computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from edgekit.tflite.coding import huffman
from edgekit.tflite.coding.header import HUFFMAN, LOOKUP, PRUNED, kind_of
from edgekit.tflite.coding.huffman import Huffman, read_huffman
from edgekit.tflite.coding.lookup import Lookup, look_up, read_lookup
from edgekit.tflite.coding.pruned import Pruned, filled_in, read_pruned

if TYPE_CHECKING:
    import numpy as np

Coding = Lookup | Pruned | Huffman
NAMES: dict[type, Literal["tables", "pruned", "huffman"]] = {Lookup: "tables", Pruned: "pruned", Huffman: "huffman"}
"""A short name of each coding."""


def declared(ancillary: bytes, dtype: str, zero_points: Sequence[int]) -> bool:
    """Whether ancillary data declare a coding that is read here, for a tensor of this type with these zero points.

    If they do but `read_coding` finds none, the file is damaged: the decoder would read beyond what is there.
    """
    kind = kind_of(ancillary)
    if kind == HUFFMAN:
        return huffman.is_narrow(ancillary) and dtype == "int8"
    return kind == LOOKUP or (kind == PRUNED and len(set(zero_points)) <= 1)


def read_coding(
    ancillary: bytes, stream: bytes, shape: Sequence[int], item_bytes: int, zero_points: Sequence[int]
) -> Coding | None:
    """How a tensor of this shape, width and zero points is coded; None if the constants do not fit it, or are of no known kind."""
    kind = kind_of(ancillary)
    if kind == LOOKUP:
        return read_lookup(ancillary, len(stream), shape, item_bytes)
    if kind == PRUNED:
        return read_pruned(ancillary, stream, shape, item_bytes, zero_points)
    return read_huffman(ancillary, len(stream), shape) if kind == HUFFMAN and item_bytes == 1 else None


def decoded(coding: Coding, stream: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """The bytes of the tensor one after another; `stream` are the stream's as uint8. None where they do not fit the coding."""
    import numpy as np

    if isinstance(coding, Huffman):
        return huffman.decoded(coding, stream, math.prod(shape))
    found = look_up(coding, stream, shape) if isinstance(coding, Lookup) else filled_in(coding, stream, shape)
    return None if found is None else np.ascontiguousarray(found).reshape(-1)
