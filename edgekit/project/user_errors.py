"""The errors of a user's own module or function, in parts: the user's file and line, what was raised, and what to do next."""

from __future__ import annotations

import inspect
import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.errors import InputError
from edgekit.project.module_files import is_users, place_of

LONGEST = 300
"""Characters of what an exception says."""
LONGEST_CHAIN = 20
"""Of exceptions that led to one another; a chain may be a circle."""


def no_module(missing: str | None, name: str, root: Path, error: type[InputError]) -> InputError:
    """The error for a module that the user names and that is not there."""
    return error(
        f"no module named {missing!r}",
        where=f"importing {name!r}",
        received=name,
        allowed=f"a module in {root} or one that is installed",
        next_step="check the name, or name the folder with --project",
    )


def raised(problem: BaseException, what: str, spec: str, *, root: Path, error: type[InputError]) -> InputError:
    """The error for what a user's 'module' or 'module:function' raised when it was imported or called, SystemExit too."""
    where = users_line(problem, place_of(spec, root=root))
    if isinstance(problem, ModuleNotFoundError) and problem.name:
        return error(
            f"no module named {problem.name!r}", where=where, received=say(problem), allowed=f"a module in {root}, or one that {sys.executable} has",
            next_step=f"install the package that has it, {sys.executable} -m pip install PACKAGE, or mend the name",
        )  # fmt: skip
    if isinstance(problem, SystemExit):
        return error(
            "the function, or what it imports, ends the process", where=where, received=f"sys.exit({problem.code!r})"[:LONGEST], allowed="a function that returns",
            next_step="return instead; what a script does belongs under `if __name__ == '__main__':`",
        )  # fmt: skip
    step = (
        "mend that line"
        if isinstance(problem, SyntaxError) and ":" not in spec
        else f"mend it there; to see all of it: {by_hand(spec, root)}"
    )
    return error(what, where=where, received=say(problem), next_step=step)


def require_no_arguments(function: Callable[..., Any], spec: str, *, root: Path, error: type[InputError]) -> None:
    """Raise `error` for a function that cannot be called without arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some that are written in C, nothing is known
        return
    try:
        signature.bind()
    except TypeError as problem:
        raise error(
            "the function needs arguments", where=place_of(spec, root=root), received=f"{spec.partition(':')[2]}{signature}: {problem}"[:LONGEST],
            allowed="a function without arguments, or with a default for each", next_step="write a function without any that calls it, and name that one",
        ) from None  # fmt: skip


def by_hand(spec: str, root: Path, python: str = sys.executable) -> str:
    """The command that imports a user's module, or calls the function in it, without edgekit."""
    module, _, function = spec.partition(":")
    call = f"; {module}.{function}()" if function else ""
    return f"cd {shlex.quote(str(root))} && {shlex.quote(python)} -c 'import {module}{call}'"


def users_line(problem: BaseException, otherwise: str) -> str:
    """The last line of the user's own that an exception came from, or one that led to it: 'file:line'; `otherwise` where there is none."""
    chain: BaseException | None = problem
    for _ in range(LONGEST_CHAIN):
        if chain is None:
            break
        if isinstance(chain, SyntaxError) and chain.filename and is_users(chain.filename):
            return f"{chain.filename}:{chain.lineno}"
        places = ((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(chain.__traceback__))
        own = [f"{file}:{line}" for file, line in places if is_users(file)]
        if own:
            return own[-1]
        chain = chain.__cause__ or chain.__context__
    return otherwise


def say(problem: BaseException) -> str:
    """An exception's type and message, of a bounded length; the type alone where it fails to say its message."""
    try:
        said = str(problem)
    except Exception:  # of a user's own class
        return type(problem).__name__
    return f"{type(problem).__name__}: {said[:LONGEST]}"
