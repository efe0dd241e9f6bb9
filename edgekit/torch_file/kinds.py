"""What a file that PyTorch wrote is, whatever its name says: told by the members of its archive and the names in its pickle. Nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from edgekit import first_bytes
from edgekit.errors import ModelError
from edgekit.torch_file.archive import BROKEN, Malformed, Members, begins_of, said_of
from edgekit.torch_file.code import TENSORS, names_in_pickle
from edgekit.values import Value

LARGEST_PICKLE = 256 * 2**20
LARGEST_OLD_PICKLE = 64 * 2**20
"""In the old form the pickle stands before the numbers, in one file with them."""
OLD_FORM = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled MAGIC_NUMBER of torch/serialization.py, with which torch.save began before PyTorch 1.6."""
BEFORE_OLD_PICKLE = 3
"""Pickles before that of the object: the magic number, the version of the form, the machine."""
EXPORT = "torch.export.save(torch.export.export(model.eval(), (example,)), 'net.pt2')"
BY_FUNCTION = (
    "name a module:function that makes the network, loads the weights into it and returns (module, example inputs)"
)
NAMED = 3
"""So many names of a pickle are told."""


class Kind(Value):
    """What a file is: a sentence on it, what was found in it, and what to do with it."""

    what: str
    step: str
    received: str | None = None


PROGRAM = Kind(
    what="the file is a program of torch.export",
    step="name it net.pt2: it is judged before PyTorch reads it, and needs no trust",
)
TORCHSCRIPT = Kind(
    what="the file is TorchScript, and no program of torch.export",
    step=f"name it net.pt and say --trust if you made it, or export the network: {EXPORT}",
)
WEIGHTS = Kind(
    what="the file holds weights, and no network that they are of", step=f"{BY_FUNCTION}; or where it is: {EXPORT}"
)
OTHERS = {
    "a .keras file": frozenset({"config.json", "metadata.json"}),
    "a file of PyTorch's mobile interpreter": frozenset({"bytecode.pkl"}),
}
"""Other archives, by members that they have."""


def kind_of(path: Path) -> Kind | None:
    """What a file is; None for an archive of another kind. Raises `Malformed` for what is no archive of PyTorch, and `OSError`."""
    with path.open("rb") as file:
        if file.read(len(OLD_FORM)) == OLD_FORM:
            return _of_old_form(file)
        return _of_members(Members(file, path.stat().st_size, compressed=True))


def refused(path: Path, received: str, *, what: str, allowed: str, wanted: Kind) -> ModelError:
    """The error for a file that is not what its name says: by what it is; where that is not told, or is the `wanted` kind, by `what` and `received`."""
    try:
        kind = kind_of(path)
    except Malformed:
        kind = None
    if kind is not None and kind != wanted:
        return ModelError(kind.what, where=str(path), received=kind.received, allowed=allowed, next_step=kind.step)
    return ModelError(
        what, where=str(path), received=_other(path) or said_of(path, received), allowed=allowed,
        next_step=first_bytes.next_step(begins_of(path), f"export the model again: {EXPORT}; or name the file by what it is"),
    )  # fmt: skip


def _of_members(members: Members) -> Kind | None:
    if "archive_format" in members.names or any(name.startswith("models/") for name in members.names):
        return PROGRAM
    if "constants.pkl" in members.names and any(name.startswith("code/") for name in members.names):
        return TORCHSCRIPT
    if "data.pkl" in members.names:
        return _of_names(names_in_pickle(members.content("data.pkl", LARGEST_PICKLE)))
    return None


def _of_old_form(file: IO[bytes]) -> Kind:
    file.seek(0)
    content = io.BytesIO(file.read(LARGEST_OLD_PICKLE))
    for _ in range(BEFORE_OLD_PICKLE):
        names_in_pickle(content)
    return _of_names(names_in_pickle(content))


def _of_names(found: Iterable[str] | None) -> Kind:
    """What was pickled: weights, if tensors are all that is named; None stands for a pickle that is damaged."""
    if found is None:
        return Kind(
            what="the file is of torch.save, and damaged",
            received="a pickle that breaks off",
            step=f"copy it again; {WEIGHTS.step}",
        )
    others = [name.replace(" ", ".") for name in dict.fromkeys(found) if name not in TENSORS]
    if not others:
        return WEIGHTS
    return Kind(
        what="the file holds a pickled module, or other objects whose code is elsewhere",
        received=", ".join(ascii(name)[1:-1][:60] for name in others[:NAMED]),
        step=f"where its class is at hand: {EXPORT}; of a checkpoint, {BY_FUNCTION}",
    )


def _other(path: Path) -> str:
    """Another archive than PyTorch's, in words; empty where the members do not tell."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = frozenset(name.rpartition("/")[2] for name in archive.namelist())
    except BROKEN:
        return ""
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz file"
    return next((words for words, members in OTHERS.items() if members <= names), "")
