"""The keys of arrays that come together: `x_train`, `y_test_1` by place, `x_train_image` by the name of the model's input or output."""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edgekit.errors import DataError
from edgekit.ingest.printable import listed
from edgekit.ingest.wanted import Wanted

KEY = re.compile(r"(?P<kind>[xy])_(?P<split>train|val|test)(_(?P<port>.+))?", re.DOTALL)
EXPECTED = "x_train, y_train, x_test, y_test, and x_val, y_val (several inputs: x_train_0, x_train_1, ... in the model's order)"
MOST_DIGITS = 6


class Place(NamedTuple):
    """Which array a key is: 'x' or 'y', the split as files are named, and its place among the model's inputs or outputs."""

    kind: str
    split: str
    position: int

    @property
    def file_name(self) -> str:
        """The name of its `.npy` file, without the ending."""
        return f"{self.kind}_{self.split}_{self.position}"


def placed(keys: Iterable[str], wanted: Wanted, where: str) -> dict[str, Place]:
    """The place of each key that has one; raises `DataError` where two keys have the same.

    A number is a place, whatever the names. A name that no input has is one only if it stands alone and the model has but one input. A key that is
    `left_out` has no place.
    """
    matches = {key: match for key in keys if not left_out(key, wanted) and (match := KEY.fullmatch(key))}
    counts = collections.Counter((match["kind"], match["split"]) for match in matches.values())
    found: dict[str, Place] = {}
    for key, match in matches.items():
        kind, split = match["kind"], match["split"]
        names = wanted.names if kind == "x" else wanted.output_names
        position = _position(match["port"], names, is_alone=counts[kind, split] == 1)
        if position is not None:
            found[key] = Place(kind, split, position)
    _require_one_each(found, where)
    return found


def left_out(key: str, wanted: Wanted) -> str:
    """The input, held at a value, that an array is for: nothing reads it; empty for any other array.

    >>> left_out("x_train_sr", Wanted(held={"sr": 16000})), left_out("x_train_0", Wanted(held={"sr": 16000}))
    ('sr', '')
    """
    match = KEY.fullmatch(key)
    named = (match["port"] or "") if match and match["kind"] == "x" else ""
    if named in wanted.names or named.isdigit():
        return ""
    return next((name for name in wanted.held if named in (name, _plain(name))), "")


def left_out_notes(names: Iterable[str]) -> tuple[str, ...]:
    """What a reader must know of arrays that are left out, by the names of their inputs."""
    return tuple(
        f"data: what it has for {name!r} is not used: that input is held at a value" for name in dict.fromkeys(names)
    )


def require_whole(places: Mapping[str, Place], wanted: Wanted, where: str) -> None:
    """Raise `DataError` where an array is missing among those of a split, so that those behind it would stand for other inputs or outputs."""
    groups: dict[tuple[str, str], dict[int, str]] = {}
    for key, place in places.items():
        groups.setdefault((place.kind, place.split), {})[place.position] = key
    for (kind, split), found in groups.items():
        gap = next(number for number in itertools.count() if number not in found)
        if gap < max(found):
            names = wanted.names if kind == "x" else wanted.output_names
            port = names[gap] if gap < len(names) else str(gap)
            raise DataError(
                f"an array for {'an input' if kind == 'x' else 'an output'} is missing among others", where=where,
                received=", ".join(found[number] for number in sorted(found)), allowed="one for each, in every split", next_step=f"add {kind}_{split}_{port}",
            )  # fmt: skip


def unread_notes(keys: Iterable[str]) -> tuple[str, ...]:
    """What a reader must know of arrays that are called nearly as data are, and that nothing reads.

    >>> unread_notes(["x_validation", "class_names"])
    ('data: x_validation is not used: arrays are called x_train, y_train, x_val, y_val, x_test, y_test, with the input or output behind it',)
    """
    near = [key for key in keys if key[:1].lower() in ("x", "y")]
    plain = ", ".join(f"{kind}_{split}" for split in ("train", "val", "test") for kind in "xy")
    verb = "is" if len(near) == 1 else "are"
    return (
        (f"data: {listed(near)} {verb} not used: arrays are called {plain}, with the input or output behind it",)
        if near
        else ()
    )


def expected(wanted: Wanted) -> str:
    """The keys that are taken, for an error."""
    named = [f"x_train_{name}" for name in wanted.names] + [f"y_train_{name}" for name in wanted.output_names]
    return f"{EXPECTED}; by name {', '.join(named)}" if named else EXPECTED


def _position(port: str | None, names: Sequence[str], *, is_alone: bool) -> int | None:
    if port is None:
        return 0
    if port.isascii() and port.isdigit():
        return int(port) if len(port) <= MOST_DIGITS else None
    if port in names:
        return names.index(port)
    plain = [_plain(name) for name in names]
    if plain.count(port) == 1:
        return plain.index(port)
    return 0 if is_alone and len(names) < 2 else None


def _plain(name: str) -> str:
    """A name as a keyword or a variable may have it."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _require_one_each(found: dict[str, Place], where: str) -> None:
    keys: dict[Place, list[str]] = {}
    for key, place in found.items():
        keys.setdefault(place, []).append(key)
    twice = next((several for several in keys.values() if len(several) > 1), None)
    if twice:
        raise DataError(
            "two arrays for one input or output", where=where, received=", ".join(twice), allowed="one key for each",
            next_step="name it by its place or by its name, and leave the other out",
        )  # fmt: skip
