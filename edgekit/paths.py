"""A path that leads to nothing, in words: for the message that a file is not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_SAYS = {
    errno.ENOTDIR: "a file stands where its folder should be",
    errno.ENAMETOOLONG: "a name that is too long for the file system",
    errno.EACCES: "a folder before it may not be entered",
}


def why_absent(path: Path) -> str:
    """Why nothing is at a path; empty where there is something, or simply no such name.

    >>> why_absent(Path("no-such-file")), why_absent(Path("/"))
    ('', '')
    """
    try:
        os.stat(path)
    except ValueError:
        return "a name with a null character"
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            return f"symbolic links in a circle: {_circle(path)}"
        if os.path.islink(path):
            return f"a link to {_target(path)}"
        return _SAYS.get(problem.errno or 0, "")
    return ""


def next_step_for(reason: str) -> str:
    """What to do about the reason that `why_absent` gives."""
    if reason.startswith("symbolic links"):
        return "give the file itself, or make one of the links point at it"
    return "give the permission" if reason == _SAYS[errno.EACCES] else ""


def _circle(path: Path) -> str:
    """The first link of a path that is in the circle: the file's own, or that of a folder before it."""
    link = next((part for part in (path, *path.parents) if os.path.islink(part)), path)
    return f"{link.name} is a link to {_target(link)}"


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # it was removed meanwhile
        return "nothing"
