"""How TFLM_DECODE finds out how a tensor is coded: the operator's pairs of constants, and the head of the second of each.

A custom operator TFLM_DECODE has two inputs for each output: the stream, and the ancillary data, which begin with a head
of 16 bytes. Byte 0 is the kind of coding, byte 1 the version of the head, byte 4 that of the kind's own bytes
(tensorflow/lite/micro/kernels/decode_state.h).
"""

from __future__ import annotations

DECODE = "TFLM_DECODE"
HEAD_BYTES = 16
LOOKUP, HUFFMAN, PRUNED = 0, 1, 2
"""The kinds of coding by their number."""
_VERSION = 1


def head(kind: int, *own: int) -> bytes:
    """The head of a kind; `own` are its bytes from byte 5 on."""
    return bytes((kind, _VERSION, 0, 0, _VERSION, *own)).ljust(HEAD_BYTES, b"\0")


def kind_of(ancillary: bytes) -> int | None:
    """The kind that ancillary data declare in the versions that are known here; None for any other."""
    known = len(ancillary) >= HEAD_BYTES and ancillary[1] == _VERSION and ancillary[4] == _VERSION
    return ancillary[0] if known and ancillary[0] in (LOOKUP, HUFFMAN, PRUNED) else None
