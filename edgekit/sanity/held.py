"""Data that were made with another value of an input than the one that it is held at."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.report import Finding
from edgekit.ingest.held_seen import HeldSeen
from edgekit.sanity.amounts import both, share

NO_VALUE = ("[", "nan", "inf", "-inf")
"""So begins what no line is shown for: lists, and what no input can be held at."""


def held_otherwise(seen: Sequence[HeldSeen]) -> list[Finding]:
    """A finding for each input that the data have another value for, with both values."""
    inputs: dict[str, list[HeldSeen]] = {}
    for one in seen:
        inputs.setdefault(one.name, []).append(one)
    return [_told(name, parts) for name, parts in inputs.items()]


def _told(name: str, parts: Sequence[HeldSeen]) -> Finding:
    first, count = parts[0], sum(one.count for one in parts)
    differ = share(sum(one.differ for one in parts), count)
    others = list(dict.fromkeys(one.other for one in parts))
    where = both(list(dict.fromkeys(one.where for one in parts)))
    line = (
        f", as in held = {{ {name} = {others[0]} }}"
        if name.isidentifier() and not others[0].startswith(NO_VALUE)
        else ""
    )
    return Finding(
        name="held_otherwise",
        what=f"input {name!r} is held at {first.held}, and the data have {' and '.join(others)} for it in {where}: {differ} differ",
        advice=f"hold it at the value that the device feeds and the data were made with{line}; "
        f"or give data made with {first.held}: the targets of other data are not those of this model",
    )
