"""What a file is by its first bytes, in words: for the message that it is not what its name says."""

from __future__ import annotations

POINTER = b"version https://git-lfs."
_MARKS = (
    (4, b"TFL3", "a .tflite file"),
    (0, b"PK\x03\x04", "a zip archive, as .keras, .pt2 and TorchScript files are"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras models in .h5 are"),
    (0, POINTER, "what Git LFS keeps in the place of a file"),
    (0, b"\x80", "a pickle"),
)
ENOUGH = 24
"""So many bytes tell it."""


def said(begins: bytes, otherwise: str = "") -> str:
    """What a file is that begins with these bytes; `otherwise` where they do not tell.

    >>> said(b""), said(b"PK\\x03\\x04\\x14\\x00\\x00\\x00")
    ('an empty file', 'a zip archive, as .keras, .pt2 and TorchScript files are')
    >>> said(b"hello", "5 bytes")
    '5 bytes'
    """
    if not begins:
        return "an empty file"
    return next((words for place, mark, words in _MARKS if begins[place:].startswith(mark)), otherwise)


def next_step(begins: bytes, otherwise: str) -> str:
    """What to do about a file that begins with these bytes and is not what its name says.

    >>> next_step(b"version https://git-lfs.github.com/spec/v1", "export it again")
    'get the file itself: git lfs pull'
    """
    return "get the file itself: git lfs pull" if begins.startswith(POINTER) else otherwise
