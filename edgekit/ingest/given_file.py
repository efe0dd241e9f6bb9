"""A file or folder that the user named: whether it is there and may be read, and its hash. Which format it is in is for others."""

from __future__ import annotations

import os
from pathlib import Path

from edgekit.errors import DataError, ModelError, did_you_mean
from edgekit.jobs.cache import Cache
from edgekit.paths import next_step_for, why_absent

Kind = type[ModelError] | type[DataError]


def require_there(path: Path, error: Kind, what: str) -> None:
    """Raise `error` for a path that leads to nothing, or to what is neither a file nor a folder: a pipe may never end, and a second reader gets other bytes.

    `what` is 'model' or 'data'.
    """
    if not os.path.exists(path):
        reason = why_absent(path)
        near = did_you_mean(path.name, _names_beside(path))
        raise error(
            f"the {what} does not exist", where=str(path), received=reason or str(path), allowed="a path, or module:function",
            next_step=next_step_for(reason) or (f"did you mean {near!r}?" if near else "check the path; it is relative to the project's folder"),
        )  # fmt: skip
    if not os.path.isfile(path) and not os.path.isdir(path):
        raise error(
            f"the {what} is neither a file nor a folder", where=str(path), received="a pipe, a socket or a device",
            allowed="a regular file or a folder", next_step="write what it gives to a file",
        )  # fmt: skip


def digest_of_path(path: Path, error: Kind, what: str, cache: Cache) -> str:
    """The hash of a file or folder; raises `error` where it is not there, as `require_there` does, or cannot be read."""
    require_there(path, error, what)
    try:
        return cache.digest(path)
    except OSError as problem:
        raise not_readable(path, problem, error, what) from None


def not_readable(path: Path, problem: OSError, error: Kind, what: str) -> ModelError | DataError:
    """The error for a file that the system does not let edgekit read."""
    return error(
        f"the {what} cannot be read", where=str(path), received=problem.strerror, allowed=f"a {what} that this user may read",
        next_step="give the permission to read it, or copy it to a folder of yours",
    )  # fmt: skip


def _names_beside(path: Path) -> list[str]:
    try:
        return [one.name for one in path.parent.iterdir() if os.path.exists(one)]
    except OSError:
        return []
