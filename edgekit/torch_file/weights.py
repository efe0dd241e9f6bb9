"""The weights of a program: which member of the archive holds each, and whether it is there and as long as its tensor says.

The layout is that of torch/export/pt2_archive: a member has the bytes of a storage, and a table says for each name which one, and how it lies in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from edgekit.torch_file.archive import LARGEST_JSON, Damaged, Malformed, Members

TABLES = {
    "data/weights/model_weights_config.json": "data/weights/",
    "data/constants/model_constants_config.json": "data/constants/",
}
PLAIN = ("weight_", "tensor_")
"""What the names of members with the bytes of a tensor begin with."""
STRIDED = 7
ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 2, 7: 4, 8: 8, 12: 1, 13: 2}
"""By the number that the schema's ScalarType has for a dtype; of others nothing is said."""


def require_whole(members: Members) -> None:
    """Raise `Damaged` for the first weight whose member is missing, or shorter than its tensor."""
    for name, member, tensor in _weights(members):
        if member not in members.names:
            raise Damaged(_shown(member), f"is missing, which holds {_shown(name)}")
        needed = _needed(tensor)
        if needed is not None and members.size(member) < needed:
            raise Damaged(_shown(member), f"has {members.size(member)} bytes, and {_shown(name)} needs {needed}")


def holding(members: Members, member: str) -> str:
    """What a member holds, in words, if it holds weights; else empty."""
    names = [_shown(name) for name, place, _ in _weights(members) if place == member]
    return f", which holds {', '.join(names[:3])}{', ...' * (len(names) > 3)}," if names else ""


def _weights(members: Members) -> Iterator[tuple[str, str, Any]]:
    """The name of each plain weight, its member, and what the table says of its tensor."""
    for table, folder in TABLES.items():
        entries = json_of(members, table).get("config") if table in members.names else {}
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            place = entry.get("path_name") if isinstance(entry, dict) else None
            if isinstance(place, str) and place.startswith(PLAIN) and entry.get("use_pickle") is False:
                yield name, f"{folder}{place}", entry.get("tensor_meta")


def _needed(tensor: Any) -> int | None:
    """The bytes that a tensor reaches to in its storage; None where its dtype or its layout is not known."""
    try:
        if tensor["layout"] != STRIDED or tensor["dtype"] not in ITEM_BYTES:
            return None
        sizes, strides = ([int(one["as_int"]) for one in tensor[key]] for key in ("sizes", "strides"))
        last = int(tensor["storage_offset"]["as_int"]) + sum(
            (size - 1) * stride for size, stride in zip(sizes, strides, strict=False)
        )
    except (KeyError, TypeError, ValueError):
        return None
    return 0 if 0 in sizes else (last + 1) * ITEM_BYTES[tensor["dtype"]]


def json_of(members: Members, name: str) -> Any:
    """A member that is a JSON object; raises `Malformed`."""
    try:
        found = msgspec.json.decode(members.content(name, LARGEST_JSON))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise Malformed(f"{name} is no JSON: {problem}"[:200]) from None
    if not isinstance(found, dict):
        raise Malformed(f"{name} is no object of JSON")
    return found


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:80]
