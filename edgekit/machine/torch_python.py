"""Where PyTorch is: in this Python, or in the one that `EDGEKIT_TORCH_PYTHON` names, and in which versions.

PyTorch is never imported here, and never in a process that has TensorFlow.
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import MissingExtraError
from edgekit.machine.extras import is_installed, pip_line
from edgekit.machine.installed import BASE, version_of, wanted
from edgekit.machine.other_versions import NoAnswer, ask
from edgekit.values import Value

VARIABLE = "EDGEKIT_TORCH_PYTHON"
"""Names the Python of another environment, since PyTorch and TensorFlow need not be in one."""
PACKAGES = ("torch", "onnx", "onnxscript", "msgspec")
SMALL_BUILD = "docs/pytorch.md says how to get PyTorch's small build for the CPU"
OLDEST_PYTHON = (3, 10)
"""Of the child that has PyTorch: it runs edgekit's own code."""
LONGEST_S = 60.0


def torch_python() -> str | None:
    """The Python of another environment that has PyTorch, with `~` as a shell has it; None for this one."""
    named = os.environ.get(VARIABLE)
    return os.path.expanduser(named) if named else None


class Lack(Value):
    """What keeps a Python from opening a model of PyTorch: `line` is the command that mends it, `step` what to do beside it or instead."""

    what: str
    received: str | None = None
    allowed: str | None = None
    line: str = ""
    step: str = ""


def torch_versions() -> dict[str, str]:
    """The versions of PyTorch and of what its exporter needs.

    Raises `MissingExtraError` where the Python that is named is none, and with the line that installs what is missing or too old.
    """
    found = found_versions()
    lack = lacking(found)
    if lack is None:
        return found
    raise MissingExtraError(
        lack.what, where=torch_python(), received=lack.received, allowed=lack.allowed, next_step="; ".join(filter(None, (lack.line, lack.step)))
    )  # fmt: skip


def found_versions(limit_s: float = LONGEST_S) -> dict[str, str]:
    """The version of each of `PACKAGES` that is installed, and as `python` that of another Python, which has so many seconds to answer.

    Raises `MissingExtraError` where what is named is no Python.
    """
    python = torch_python()
    if python is None:
        return {name: version_of(name) or "" for name in PACKAGES if is_installed(name)}
    return _versions_in(python, limit_s)


def lacking(found: dict[str, str]) -> Lack | None:
    """What a Python with these versions lacks; None for nothing."""
    place = f" in the Python that {VARIABLE} names" if torch_python() else ""
    version = found.get("python", "")
    if version and tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST_PYTHON:
        return Lack(
            what=f"the Python that {VARIABLE} names is too old", received=f"Python {version}",
            allowed=f"Python {'.'.join(map(str, OLDEST_PYTHON))} or later",
            step=f"make an environment with a later Python, install {', '.join(PACKAGES)} there, and name its Python in {VARIABLE}",
        )  # fmt: skip
    missing = [name for name in PACKAGES if name not in found]
    if missing:
        what = f"a model of PyTorch needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed{place}"
        return Lack(what=what, line=_line(PACKAGES), step=SMALL_BUILD)
    outside = _outside(found)
    if not outside:
        return None
    return Lack(
        what=f"a model of PyTorch needs other versions than those{place or ' in this Python'}",
        received=", ".join(f"{name} {found[name]}" for name in outside), allowed=", ".join(outside.values()),
        line=_line([f'"{text}"' for text in outside.values()], more="--upgrade "), step=SMALL_BUILD,
    )  # fmt: skip


def _line(packages: Sequence[str], *, more: str = "") -> str:
    """The command that installs packages where PyTorch is, or the extra in this Python."""
    python = torch_python()
    return pip_line("torch") if python is None else f"{shlex.quote(python)} -m pip install {more}{' '.join(packages)}"


def _outside(found: dict[str, str]) -> dict[str, str]:
    """The packages whose versions are not those that the extra allows, each with what is allowed."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    def fits(version: str, allowed: SpecifierSet) -> bool:
        try:
            return allowed.contains(version, prereleases=True)
        except InvalidVersion:
            return False

    allowed = {one.name: one.specifier for part in (BASE, "torch") for one in wanted().get(part, ())}
    return {
        name: f"{name}{allowed[name]}"
        for name in PACKAGES
        if name in allowed and found[name] and not fits(found[name], allowed[name])
    }


@functools.cache
def _versions_in(python: str, limit_s: float) -> dict[str, str]:
    try:
        return ask(python, PACKAGES, limit_s)
    except NoAnswer as problem:
        is_folder = Path(python).is_dir()
        how = "does not answer as a Python does" if problem.started else "cannot be started"
        raise MissingExtraError(
            f"the Python that {VARIABLE} names {how}", where=python, received="a folder" if is_folder else str(problem), allowed="the Python of an environment that has PyTorch",
            next_step=f"name the Python in it: {python.rstrip('/')}/bin/python" if is_folder else f"correct {VARIABLE}, or unset it to use this Python",
        ) from None  # fmt: skip
