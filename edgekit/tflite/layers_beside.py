"""The layers of a file's operators, kept beside it: after its diet a file has no names that would tell them.

They stand in the `report.json` of a build's folder, and in `layers.json` beside a file of the cache. Both are believed only
if they hold the file's hash, and anything else there is passed over.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

REPORT_FILE, LAYERS_FILE = "report.json", "layers.json"
MAX_BYTES = 32 * 2**20
Kind = TypeVar("Kind")


class Layers(msgspec.Struct, frozen=True):
    """The layer of each operator, in the file's order, of the file with this hash."""

    sha256: str = ""
    layers: tuple[str, ...] = ()


class _Report(msgspec.Struct, frozen=True):
    """What is read of a report; everything else in it is skipped."""

    chosen: Layers | None = None


def keep_layers(path: Path, layers: tuple[str, ...]) -> None:
    """Write the layers of a file beside it."""
    kept = Layers(sha256=sha256(path.read_bytes()).hexdigest(), layers=layers)
    path.with_name(LAYERS_FILE).write_bytes(msgspec.json.encode(kept))


def layers_beside(path: Path, content: bytes) -> tuple[str, ...]:
    """The layers that are kept beside a file with this content; empty where there are none of it."""
    found = (_read(path, LAYERS_FILE, Layers), (_read(path, REPORT_FILE, _Report) or _Report()).chosen)
    known = [one for one in found if one is not None and one.layers]
    digest = sha256(content).hexdigest() if known else ""
    return next((one.layers for one in known if one.sha256 == digest), ())


def _read(path: Path, name: str, kind: type[Kind]) -> Kind | None:
    try:
        beside = path.resolve().with_name(name)
        if not beside.is_file() or beside.stat().st_size > MAX_BYTES:
            return None
        return msgspec.json.decode(beside.read_bytes(), type=kind)
    except (OSError, ValueError, RuntimeError, RecursionError, msgspec.MsgspecError):
        return None
