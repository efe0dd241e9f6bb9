"""The guard around a technique of an installed package: what goes wrong in its code, or with its answers, names the package.

A guarded method raises a `ProjectError`: while planning it ends the command, and in a trial it ends the trial. edgekit's own
techniques are held to the contract by tests, and run without it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from edgekit.errors import EdgekitError, ProjectError
from edgekit.jobs.child import DISK_ERRORS
from edgekit.techniques.answers import CHECKS
from edgekit.techniques.interface import Constraint, Conversion, Technique, TrainingTechnique


def guarded(kind: type[Technique], package: str) -> type[Technique]:
    """The class with a guard around each method of the contract; `package` is the one that offers it.

    Raises nothing itself. A method raises `ProjectError` where the package's code raises, or where an answer is not what the
    contract allows.
    """
    methods = {name: _guarded(getattr(kind, name), name, package) for name in contract_methods(kind)}
    described = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), {**described, **methods})


def contract_methods(kind: type[Technique]) -> list[str]:
    """The names of the methods that a class's bases declare."""
    bases = [base for base in (Technique, TrainingTechnique, Conversion) if issubclass(kind, base)]
    return [name for base in bases for name, part in vars(base).items() if inspect.isfunction(part)]


def _guarded(method: Callable[..., Any], name: str, package: str) -> Callable[..., Any]:
    check = CHECKS.get(name)

    @functools.wraps(method)
    def asked(self: Technique, *given: Any, **named: Any) -> Any:
        with _blamed(self, name, package):
            answer = method(self, *given, **named)
        wrong = check(self, answer, *given, *named.values()) if check is not None else None
        if wrong is not None:
            raise _fault(self, name, package, wrong)
        return _guarded_constraint(answer, self, package) if isinstance(answer, Constraint) else answer

    return asked


def _guarded_constraint(constraint: Constraint, method: Technique, package: str) -> Constraint:
    """The constraint with a guard of its own: it runs in the training of a later technique, which must not get the blame."""

    def after_step(step: int) -> None:
        with _blamed(method, "keep", package):
            constraint.after_step(step)

    def settle() -> None:
        with _blamed(method, "keep", package):
            constraint.settle()

    return dataclasses.replace(constraint, after_step=after_step, settle=settle)


@contextlib.contextmanager
def _blamed(method: Technique, name: str, package: str) -> Iterator[None]:
    """The package's code runs within it."""
    try:
        yield
    except (EdgekitError, MemoryError):  # what is wrong with the input or the machine is not the technique's fault
        raise
    except (Exception, SystemExit) as problem:
        is_edgekits = type(problem).__module__.startswith("edgekit.")
        if is_edgekits or (isinstance(problem, OSError) and problem.errno in DISK_ERRORS):
            raise
        raise _fault(
            method, name, package, f"raises {type(problem).__name__}: {str(problem).strip()[:500]}"
        ) from problem


def _fault(method: Technique, name: str, package: str, wrong: str) -> ProjectError:
    return ProjectError(
        f"the technique {method.name!r} of the installed package {package} does not keep its contract: {name} {wrong}",
        where=f"{type(method).__module__}.{type(method).__qualname__}.{name}",
        next_step=f"this is for {package} to mend; without that package edgekit works as before",
    )
