"""Damage to tables of text: cells, names, separators, quotes, line ends and encodings that are not what they should be."""

from __future__ import annotations

import codecs
import gzip
import random

import mutate

CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e400", "1e39", "-0", "0x10", "1_000", "1,5", "1.5,", "١٢", "NULL", "?", "true", "\0", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    '"', '""', '"a', "a;b", "a\tb", "\n", "\r", '"line\nline"', "x" * 5000, "9" * 400, "=1+1", "<script>", "日本", "\u202e", "label", "train", "-1", "3.0",
)  # fmt: skip


def table(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A table with changed cells or structure; now and then damaged as bytes."""
    if rng.random() < 0.2:
        return mutate.several(content, rng, others, mutate.ANY)
    lines = content.decode("utf-8", "replace").splitlines()
    for _ in range(rng.choice((1, 1, 2, 5))):
        lines = _changed(lines, rng)
    text = rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines)
    return _encoded(text, rng)


def _changed(lines: list[str], rng: random.Random) -> list[str]:
    if not lines:
        return lines
    index = 0 if rng.random() < 0.3 else rng.randrange(len(lines))
    separator = max(",;\t|", key=lines[0].count)
    cells = lines[index].split(separator)
    place, how = rng.randrange(len(cells)), rng.randrange(9)
    if how <= 3:
        cells[place] = rng.choice(CELLS)
    elif how == 4:
        del cells[place]
    elif how == 5:
        cells.insert(place, rng.choice((cells[place], *CELLS[:8])))
    elif how == 6:
        return [line.replace(separator, rng.choice(",;\t| ")) for line in lines]
    elif how == 7:
        return lines[: rng.randrange(len(lines) + 1)]
    else:
        return [*lines[:index], *lines[index:] * rng.randint(2, 4)]
    return [*lines[:index], separator.join(cells), *lines[index + 1 :]]


def _encoded(text: str, rng: random.Random) -> bytes:
    how = rng.random()
    if how < 0.05:
        return codecs.BOM_UTF8 + text.encode("utf-8", "replace")
    if how < 0.1:
        return text.encode(rng.choice(("utf-16", "utf-32", "latin-1")), "replace")
    if how < 0.13:
        return gzip.compress(text.encode("utf-8", "replace"))
    if how < 0.15:
        return text.encode("utf-8", "replace") + b"x" * (9 << 20)
    return text.encode("utf-8", "replace")
