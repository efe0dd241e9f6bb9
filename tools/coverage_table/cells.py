"""What a cell of the table says, and what the failure of a trial makes of it. Pure."""

from __future__ import annotations

import re
from typing import Literal

from edgekit.values import Value

Word = Literal["works", "in part", "declined", "defect", "not run"]
COLUMNS = (
    "loads", "agrees", "int8", "16x8", "float16", "dynamic range", "quantization-aware", "pruning", "clustering", "chain",
)  # fmt: skip
NOT_SUPPORTED = (
    "TFLite has no operator for",
    "Quantization not yet supported for op",
    "16x8 has no kernel for",
    "is not quantizable",
)
"""What the converter says of an operator that has no kernel of the wanted type: an answer, and not a fault."""
NOTHING = re.compile(r"no proof of \w+ in the \w+: .*\b0 of 0 (kernels|layers)")
CRASH = re.compile(r"the process ended with (signal|exit code)")


class Cell(Value):
    """A word, and why: the layers that are left out, the reason of a refusal, or the fault.

    `signal_db` is how far the file's answers are from the trained model's, where both were run. `copied` says that
    it is the cell of another row, whose model loads to the same layers.
    """

    word: Word
    note: str = ""
    signal_db: float | None = None
    seconds: float = 0.0
    copied: bool = False


class RowResult(Value):
    """A row's cells by column, the seconds that it took, a hash of the layers that its model loads to, and what was counted in its float32 file."""

    path: str
    cells: dict[str, Cell]
    seconds: float
    graph: str = ""
    counts: dict[str, int] = {}


WORKS, NOT_RUN = Cell(word="works"), Cell(word="not run")


def declined(reason: str) -> Cell:
    """A technique or a model that is refused, with the reason that a user reads."""
    return Cell(word="declined", note=reason)


def in_part(reason: str) -> Cell:
    """What works for a part of the layers."""
    return Cell(word="in part", note=reason)


def defect(kind: str, reason: str) -> Cell:
    """What must not be: an exception, a native crash, a lost proof, answers that do not agree, a model refused.

    >>> defect("no agreement", "3 dB").note
    'no agreement: 3 dB'
    """
    return Cell(word="defect", note=f"{kind}: {reason}")


def failed(reason: str) -> Cell:
    """The cell of a trial that failed for a reason.

    >>> failed("convert: TFLite has no operator for tf.Erf").word
    'declined'
    >>> failed("convert: the process ended with signal SIGSEGV").note
    'native crash: convert: the process ended with signal SIGSEGV'
    >>> failed("no proof of pruning in the file: 3.0% zeros").note
    'lost proof: no proof of pruning in the file: 3.0% zeros'
    >>> failed("no proof of float16 in the file: 0 of 0 kernels are float16").word
    'declined'
    """
    if CRASH.search(reason):
        return defect("native crash", reason)
    if NOTHING.search(reason) or any(text in reason for text in NOT_SUPPORTED):
        return declined(reason)
    return defect("lost proof" if reason.startswith("no proof of") else "exception", reason)


def left_out(detail: str) -> bool:
    """Whether a sentence of evidence counts some of its layers or kernels out, or names operators that stay in float.

    >>> left_out("5 of 9 layers simulate int8"), left_out("9 of 9 kernels are int8; no float operator")
    (True, False)
    >>> left_out("3 of 3 kernels are int8; float: SPLIT"), left_out("3 of 3 kernels are int8; float: nothing")
    (True, False)
    """
    found = re.search(r"(\d+) of (\d+) (?:layers|kernels)", detail)
    return (found is not None and found[1] != found[2]) or re.search(r"; float: [A-Z]", detail) is not None
