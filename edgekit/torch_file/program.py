"""The program inside a `.pt2`: what it takes and gives, and what of the file is code, which nobody has run yet.

The fields are those of torch/_export/serde/schema.py (https://github.com/pytorch/pytorch), version 8.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edgekit.errors import ModelError, TrustError
from edgekit.torch_file import kinds
from edgekit.torch_file.archive import Damaged, Malformed, Members, members_of
from edgekit.torch_file.code import in_guard, in_pickle, in_size, in_specification
from edgekit.torch_file.weights import holding, json_of, require_whole
from edgekit.values import Value

PROGRAM = "models/model.json"
SCHEMA = 8
"""The major version of the schema that is known here."""
LARGEST_PICKLE = 1 << 30
"""The example inputs of a program are pickled; they are as large as its inputs."""
PLAIN = (
    "archive_format",
    "archive_version",
    "version",
    "byteorder",
    ".data/",
    ".format_version",
    ".storage_alignment",
    "extra/",
    "data/extra/",
)
"""Members that nothing evaluates."""
RAW = ("data/weights/weight_", "data/constants/tensor_")
CONFIGURED = ("data/weights/", "data/constants/")
SAVED = ("data/sample_inputs/", *CONFIGURED)


class Port(Value):
    """An input or output: `shape` has the batch, and the expression of a size that is free."""

    name: str
    shape: tuple[int | str, ...]
    dtype: int


class Program(Value):
    """What is known of a program without PyTorch: its inputs and outputs, the version that wrote it, and the first code that was found in it."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    torch_version: str
    code: str = ""


def require_program(path: Path, *, trust: bool) -> Program:
    """The outline of a file; raises `ModelError` for one that is no program, `TrustError` for one that has code in it, unless the user trusts it."""
    with _members(path) as members:
        return _judged(_program(members), path, trust=trust)


def copy_program(path: Path, target: Path, *, trust: bool) -> None:
    """Judge a file as `require_program` does, and write what was judged to an archive of its own, which PyTorch may read."""
    with _members(path) as members:
        _judged(_program(members), path, trust=trust)
        try:
            members.write(target)
        except Damaged as problem:
            raise Damaged(f"{problem.member}{holding(members, problem.member)}", problem.how) from None


def _judged(found: Program, path: Path, *, trust: bool) -> Program:
    if found.code and not trust:
        raise TrustError(
            "the program holds code that would run on this machine when PyTorch reads it", where=str(path), received=found.code,
            allowed="operators, sizes and tensors, as torch.export.save writes them",
            next_step="export the model again where it was trained, or say --trust if you made this file",
        )  # fmt: skip
    return found


@contextlib.contextmanager
def _members(path: Path) -> Iterator[Members]:
    """The members of a file; within the block, what is malformed becomes a `ModelError`."""
    try:
        with path.open("rb") as file:
            yield Members(file, path.stat().st_size)
    except Damaged as problem:
        raise ModelError(
            "the program is damaged", where=str(path), received=str(problem), allowed="the bytes that torch.export.save wrote",
            next_step=f"copy or download the file again, or export the model again: {kinds.EXPORT}",
        ) from None  # fmt: skip
    except Malformed as problem:
        raise kinds.refused(
            path, str(problem), what="not a program of torch.export", allowed="what torch.export.save of PyTorch 2.8 or later writes",
            wanted=kinds.PROGRAM,
        ) from None  # fmt: skip
    except OSError as problem:
        if problem.filename not in (None, str(path)):  # of the copy
            raise
        raise ModelError("the model cannot be read", where=str(path), received=problem.strerror) from None


def _program(members: Members) -> Program:
    if "serialized_exported_program.json" in members.names:
        raise Malformed("a program of PyTorch before 2.8: load it there, and save it again with a later one")
    if members.content("archive_format", 16) != b"pt2":
        raise Malformed("its archive_format is not pt2")
    others = [name for name in members.names if name.startswith("models/") and name != PROGRAM]
    if others:
        raise Malformed(f"it holds more than the program 'model': {ascii(others[0])[1:60]}")
    document = json_of(members, PROGRAM)
    try:
        version = document["schema_version"]["major"]
        graph, signature = document["graph_module"]["graph"], document["graph_module"]["signature"]
        values = graph["tensor_values"]
        found = Program(
            inputs=tuple(_port(one["user_input"]["arg"], values) for one in signature["input_specs"] if "user_input" in one),
            outputs=tuple(_port(one["user_output"]["arg"], values) for one in signature["output_specs"] if "user_output" in one),
            torch_version=str(document.get("torch_version", ""))[:40],
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, IndexError, msgspec.ValidationError) as problem:
        raise Malformed(
            f"{PROGRAM} is not what torch.export writes: {type(problem).__name__}: {problem}"[:200]
        ) from None
    if version != SCHEMA:
        raise Malformed(f"version {version!r} of the schema of programs, and not {SCHEMA}"[:80])
    require_whole(members)
    code = next(_code(members, document), "")
    return msgspec.structs.replace(found, code=code)


def _port(argument: dict[str, Any], values: dict[str, Any]) -> Port:
    if "as_tensor" not in argument:
        kind = next(iter(argument), "nothing")
        raise Malformed(f"an input or output that is no tensor ({kind.removeprefix('as_')})")
    name = argument["as_tensor"]["name"]
    sizes = tuple(_size(one) for one in values[name]["sizes"])
    return msgspec.convert({"name": name, "shape": sizes, "dtype": values[name]["dtype"]}, Port, strict=True)


def _size(size: dict[str, Any]) -> Any:
    return size["as_int"] if "as_int" in size else str(size["as_expr"]["expr_str"])


def _code(members: Members, document: Any) -> Iterator[str]:
    """What of the file PyTorch would run, evaluate or unpickle, each with its place."""
    yield from (f"{PROGRAM}: {found}" for found in _evaluated(document))
    for name in members.names:
        if name.startswith(CONFIGURED) and name.endswith("_config.json"):
            yield from (f"{name}: {found}" for found in _payloads(json_of(members, name)))
        elif name.startswith(SAVED) and name.endswith(".pt"):
            found = _pickled(members.content(name, LARGEST_PICKLE))
            yield from [f"a pickle, {name}: {found}"] if found else []
        elif name != PROGRAM and not name.startswith((*PLAIN, *RAW)):
            yield f"a member that is no tensor: {ascii(name)[1:-1][:80]}"


def _evaluated(document: Any) -> Iterator[str]:
    """Texts that are evaluated, anywhere in the program: sizes, guards, and descriptions of nested inputs."""
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from _texts(part)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _texts(part: dict[str, Any]) -> Iterator[str]:
    for key, judge in (("expr_str", in_size), ("in_spec", in_specification), ("out_spec", in_specification)):
        if key in part and (found := judge(str(part[key]))):
            yield found
    guards = part.get("guards_code") or []
    for text in guards if isinstance(guards, list) else [guards]:
        if found := in_guard(str(text)):
            yield found


def _payloads(config: Any) -> Iterator[str]:
    """Weights and constants that are pickled, or that lie elsewhere than a tensor does."""
    entries = config.get("config") if isinstance(config, dict) else None
    if not isinstance(entries, dict):
        raise Malformed("a table of weights that has none")
    for name, entry in entries.items():
        place = entry.get("path_name") if isinstance(entry, dict) else None
        if (
            not isinstance(place, str)
            or entry.get("use_pickle") is not False
            or not place.startswith(("weight_", "tensor_"))
        ):
            yield f"{ascii(name)[1:-1][:60]} is no plain tensor"
        yield from _evaluated(entry)


def _pickled(content: bytes) -> str:
    """What the pickle of an archive of torch.save has beyond tensors."""
    inner = members_of(content)
    (name, *others) = [name for name in inner.names if name.endswith(".pkl")] or [""]
    if others or not name:
        return "not the archive that torch.save writes"
    return in_pickle(inner.content(name, LARGEST_PICKLE))
