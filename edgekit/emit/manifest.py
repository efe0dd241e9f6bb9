"""`manifest.json`: what a result was made of and what it holds, by hash.

It has no date or time: the same inputs, seed, versions and processor give the same manifest.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from edgekit.values import Value

MANIFEST_FILE = "manifest.json"


class FileRecord(Value):
    """One file of a result."""

    sha256: str
    bytes: int


class Provenance(Value):
    """What a result was made of.

    `inputs` are SHA-256 by name (`model`, `data`, `edgekit.toml`, `profile`, a function's source); `versions` are
    package versions by name. `time_cut_search` says whether the time budget ended the search, and `not_tried`
    which candidates it cost.
    """

    inputs: dict[str, str]
    seed: int
    versions: dict[str, str]
    processor: str
    time_cut_search: bool = False
    not_tried: tuple[str, ...] = ()


class Manifest(Value):
    """`manifest.json`, version 1: `files` lists every file of the result except the manifest itself."""

    schema_version: int
    edgekit_version: str
    device: str
    outcome: Literal["pass", "fail"]
    candidate: str | None
    files: dict[str, FileRecord]
    provenance: Provenance


def record(content: bytes) -> FileRecord:
    """The record of a file's content."""
    return FileRecord(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
