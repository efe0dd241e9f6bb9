"""A `.tflite` file without the bytes that no runtime needs: the savings one after the other, and what each of them gave.

    equal vectors, tables and data once  ->  no names  ->  no minimum, maximum  ->  no description, unread metadata

What a runtime computes with stays to the bit: shapes, scales and zero points (also those of biases, without which XNNPACK
refuses a layer), data aligned to 16 bytes, options, signatures, the names of inputs and outputs. Pure: bytes in, bytes
out. That the outputs are equal is shown by running both files, which `edgekit.measure.same` does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from edgekit.tflite.content import MAX_FILE_BYTES
from edgekit.tflite.diet.behind import moved
from edgekit.tflite.diet.names import without_names
from edgekit.tflite.diet.notes import kept_notes, without_notes
from edgekit.tflite.diet.outside import brought_inside, in_other_files
from edgekit.tflite.diet.ranges import without_ranges
from edgekit.tflite.diet.seen import differences
from edgekit.tflite.diet.unused import without_unused
from edgekit.tflite.flat.tree import Table, Tree, read_tree
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import FILE_IDENTIFIER
from edgekit.values import Value

ZERO_POINTS, SHARED, UNUSED, NAMES, RANGES, NOTES = (
    "zero points", "equal vectors and tables", "unused or equal buffers and operator codes", "names",
    "minimum and maximum", "description and metadata",
)  # fmt: skip


class Saving(Value):
    """How many bytes of the file one kind of thing took."""

    kind: str
    saved_bytes: int


class Dieted(Value):
    """A file after its diet.

    `content` is the file as it was where `reason` says why nothing was done. The bytes of `savings` add up to what the
    file lost; `notes` are sentences on what was kept or dropped besides.
    """

    content: bytes
    savings: tuple[Saving, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str | None = None


def dieted(content: bytes, *, where: str, keep_names: bool = False) -> Dieted:
    """The file without what no runtime needs; `where` names it in errors.

    Guarantees that the answer is never larger, is the same for the same bytes, and is its own diet. A file that is sound
    but cannot be rewritten safely comes back as it is, with the reason. Raises `ModelError` for one that is no whole and
    consistent `.tflite` file.
    """
    if content[4:8] != FILE_IDENTIFIER:
        parse_tflite(content, where=where)
    tree = read_tree(content, where)
    obstacle = _obstacle(tree)
    if obstacle is not None:
        return Dieted(content=content, reason=obstacle)
    root, end = brought_inside(tree.root, content, where)
    end = max(end, tree.end)
    if sum(len(buffer.fields.get("data", b"")) for buffer in root.tables("buffers")) > MAX_FILE_BYTES - len(content):
        return Dieted(content=content, reason="it is larger than a FlatBuffer that holds its own weights can be")
    plain = write_tree(root)
    before = parse_tflite(plain, where=where)  # raises where numbers of tensors, buffers or graphs lead nowhere
    stages = [plain, *_stages(root, keep_names=keep_names)]
    tail = moved(content, end, len(stages[-1]))
    if tail is None:
        return Dieted(content=content, reason="the archive behind the model cannot be moved")
    made = stages[-1] + tail[0]
    seen = differences(before, parse_tflite(stages[-1], where=where))
    if seen:
        return Dieted(content=content, reason=f"edgekit reads another model afterwards: {seen}")
    if len(made) >= len(content):
        return Dieted(content=content, reason="it has nothing that can go")
    notes = (tail[1], *(f"the metadata {name!r} are kept" for name in kept_notes(root)))
    sizes = [len(content) - len(tail[0]), *map(len, stages)]
    return Dieted(content=made, savings=_savings(sizes, tree, keep_names), notes=tuple(note for note in notes if note))


def _obstacle(tree: Tree) -> str | None:
    """Why a file cannot be taken apart and put together again; None where it can."""
    if tree.strangers:
        return f"it has what the schema known here does not have: {', '.join(dict.fromkeys(tree.strangers))}"
    if in_other_files(tree.root):
        return "it keeps weights in other files"
    first = tree.root.tables("buffers")[:1]
    if any(buffer.fields.get("data") or buffer.number("offset") > 1 for buffer in first):
        return "its first buffer, which is empty by the schema, holds data"
    return None


def _stages(root: Table, *, keep_names: bool) -> list[bytes]:
    """The file after each saving, in the order of `_kinds`."""
    steps: list[Callable[[Table], Table]] = [
        without_unused,
        *([] if keep_names else [without_names]),
        without_ranges,
        lambda root: without_unused(without_notes(root)),
    ]
    made = []
    for step in steps:
        root = step(root)
        made.append(write_tree(root))
    return made


def _kinds(*, keep_names: bool) -> list[str]:
    return [SHARED, UNUSED, *([] if keep_names else [NAMES]), RANGES, NOTES]


def _savings(sizes: list[int], tree: Tree, keep_names: bool) -> tuple[Saving, ...]:
    """What each step gave; zero points are told apart from the other vectors that the file had more than once."""
    given = dict(zip(_kinds(keep_names=keep_names), (a - b for a, b in pairwise(sizes)), strict=True))
    zeros = max(0, min(given[SHARED], tree.repeated.get("zero_point", 0)))
    given = {ZERO_POINTS: zeros, **given, SHARED: given[SHARED] - zeros}
    return tuple(Saving(kind=kind, saved_bytes=saved) for kind, saved in given.items() if saved)
