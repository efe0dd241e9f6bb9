"""The one JSON document of a run, put together from the children's results, with notes in words."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from typing import Any

from . import SCHEMA_VERSION, VERSION
from .problem import Problem

_IDENTIFIER = b"TFL3"  # the FlatBuffers identifier, at byte 4: schema.fbs, file_identifier
_CONTROL = re.compile(r"[\u0000-\u001f\u007f-\u009f]")
_LONGEST_TEXT = 2000
_BUSY = 0.5
_PAIRS = ("clocks_hz", "temperature_c", "throttled", "load_average")


def model(path: str) -> dict[str, Any]:
    """Name, size and SHA-256 of the model; raises `Problem` if it is not a .tflite file."""
    advice = "give a .tflite file that this user may read"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Problem("model", f"{path} is not a file", advice)
        with open(path, "rb") as file:
            head = file.read(8)
            digest = hashlib.sha256(head)
            size = len(head)
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
                size += len(block)
    except OSError as problem:
        raise Problem("model", f"{path}: {problem.strerror or problem}", advice) from None
    if head[4:] != _IDENTIFIER:
        raise Problem("model", f"{path} is not a .tflite file", "convert the model first, or see whether it is whole")
    return {"name": os.path.basename(path)[:1000], "bytes": size, "sha256": digest.hexdigest()}


def document(
    model: dict[str, Any], ran: dict[str, Any], memory: dict[str, Any] | None, notes: list[str]
) -> dict[str, Any]:
    """The whole document, in reading order."""
    environment = _environment(ran["environment"])
    return {
        "schema_version": SCHEMA_VERSION,
        "runner": VERSION,
        "model": model,
        "latency": ran["latency"],
        "load_ms": ran["load_ms"],
        "first_ms": ran["first_ms"],
        "memory": memory,
        "operators": ran["operators"],
        "delegate": ran["delegate"],
        "sustained": ran["sustained"],
        "inputs": ran["inputs"],
        "outputs": ran["outputs"],
        "environment": environment,
        "notes": notes + ran["notes"] + _notes(environment, ran["delegate"]),
    }


def facts(found: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """What `--facts` prints."""
    said = found.pop("notes")
    environment = _environment({**found, "threads": None})
    return {"schema_version": SCHEMA_VERSION, "runner": VERSION, "environment": environment, "notes": notes + said}


def text(document: dict[str, Any]) -> bytes:
    """The document as one line of ASCII."""
    return json.dumps(_printable(document), allow_nan=False).encode("ascii") + b"\n"


def _printable(raw: Any) -> Any:
    """The same with a '?' for each control character: names in a model may hold anything."""
    if isinstance(raw, str):
        return _CONTROL.sub("?", raw)[:_LONGEST_TEXT]
    if isinstance(raw, dict):
        return {_printable(name): _printable(value) for name, value in raw.items()}
    return [_printable(value) for value in raw] if isinstance(raw, list) else raw


def _environment(raw: dict[str, Any]) -> dict[str, Any]:
    names = (
        "board", "machine", "system", "kernel", "python", "numpy", "runtime", "runtime_version", "threads", "processor",
        "cores", "clocks_hz", "governor", "temperature_c", "throttled", "load_average", "memory_total_bytes",
        "memory_available_bytes", "date",
    )  # fmt: skip
    after = raw["after"] or dict.fromkeys(_PAIRS)
    pairs = {name: {"before": raw["before"][name], "after": after[name]} for name in _PAIRS}
    return {name: pairs[name] if name in pairs else raw[name] for name in names}


def _notes(environment: dict[str, Any], delegate: dict[str, Any]) -> list[str]:
    notes = []
    load = environment["load_average"]["before"]
    if load is not None and load > _BUSY * environment["cores"]:
        text = "the device was busy before the run: load {:g} on {} cores"
        notes.append(text.format(load, environment["cores"]))
    if environment["threads"] > environment["cores"]:
        notes.append("{} threads on {} cores".format(environment["threads"], environment["cores"]))
    throttled = environment["throttled"]
    notes += [
        "throttling: " + flag
        for flag in throttled["after"] or []
        if flag.endswith(" now") or flag not in (throttled["before"] or [])
    ]
    if delegate["asked"] != "none" and delegate["active"] is False:
        notes.append("the delegate {} {}".format(delegate["asked"], delegate["reason"].replace("it took", "took", 1)))
    return notes
