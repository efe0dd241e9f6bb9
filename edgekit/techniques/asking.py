"""How edgekit asks a technique: whatever goes wrong in its code, or with its answer, names the technique and its package.

What it raises is a `ProjectError`: while planning it ends the command, and in a trial it ends the trial.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from edgekit.documents.candidate import Declined
from edgekit.errors import EdgekitError, ProjectError
from edgekit.jobs.child import DISK_ERRORS
from edgekit.techniques.answers import CHECKS
from edgekit.techniques.interface import Task, Technique
from edgekit.techniques.offered import package

M = TypeVar("M", bound=Technique)
P = ParamSpec("P")
A = TypeVar("A")


def ask(asked: Callable[Concatenate[M, P], A], method: M, /, *given: P.args, **named: P.kwargs) -> A:
    """What a technique answers to a method of its base class, as in `ask(Technique.propose, method, task)`.

    Raises `ProjectError` where the method of an installed package raises, or where an answer is not what the contract
    allows; it names the package. What edgekit's own techniques raise passes.
    """
    with blamed(method, asked.__name__):
        answer: A = getattr(method, asked.__name__)(*given, **named)
    check = CHECKS.get(asked.__name__)
    wrong = check(method, answer, *given) if check is not None else None
    if wrong is not None:
        raise _fault(method, asked.__name__, wrong)
    return answer


def proposed(method: Technique, task: Task) -> Sequence[Any] | Declined:
    """What a technique proposes for a task; settings that are proposed together have different labels."""
    answer = ask(Technique.propose, method, task)
    labels = [] if isinstance(answer, Declined) else [ask(Technique.label, method, one) for one in answer]
    if len(set(labels)) < len(labels):
        raise _fault(method, "label", f"returns the same for settings that are proposed together: {', '.join(labels)}")
    return answer


@contextlib.contextmanager
def blamed(method: Technique, what: str) -> Iterator[None]:
    """The code of a technique runs within it: what that of an installed package raises becomes a `ProjectError` that names it."""
    try:
        yield
    except (EdgekitError, MemoryError):  # what is wrong with the input or the machine is not the technique's fault
        raise
    except (Exception, SystemExit) as problem:
        is_edgekits = package(method) is None or type(problem).__module__.startswith("edgekit.")
        if is_edgekits or (isinstance(problem, OSError) and problem.errno in DISK_ERRORS):
            raise
        raise _fault(method, what, f"raises {type(problem).__name__}: {str(problem).strip()[:500]}") from problem


def _fault(method: Technique, what: str, wrong: str) -> ProjectError:
    owner = package(method)
    source = f"the installed package {owner}" if owner else "edgekit"
    return ProjectError(
        f"the technique {method.name!r} of {source} does not keep its contract: {what} {wrong}",
        where=f"{type(method).__module__}.{type(method).__qualname__}.{what}",
        next_step=f"this is for {owner or 'edgekit'} to mend"
        + ("; without that package edgekit works as before" if owner else ""),
    )
