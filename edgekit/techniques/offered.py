"""The techniques that installed packages offer by entry points, each held to the contract when it is loaded and when it is asked.

Whatever is wrong with one is the package's fault: the error names the package and the entry point. It looks at
classes, and asks no technique anything.
"""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from edgekit.errors import ProjectError
from edgekit.techniques.guarded import contract_methods, guarded
from edgekit.techniques.interface import Conversion, Technique, TrainingTechnique
from edgekit.values import Value

GROUP = "edgekit.techniques"
CLASS = "package.module:Class, a class that derives from TrainingTechnique or Conversion and has all that they ask for"
NEXT = "CONTRIBUTING.md shows a technique in a package of its own"
CONVERSIONS = ("replaces_failed", "mends_loss", "variant_of", "packs")
"""Attributes that hold the name of a conversion, or None."""


def offered(own: Mapping[str, Technique]) -> dict[str, Technique]:
    """The techniques of installed packages by name; `own` are edgekit's.

    Raises `ProjectError` for an entry point that cannot be imported, is no technique, or has a name that is taken.
    """
    found: dict[str, Technique] = {}
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in own or point.name in found:
            holder = "edgekit" if point.name in own else f"the package {_package(points[point.name])}"
            raise _wrong(
                point, "has a name that is taken", point.name, f"another name: {holder} has a technique of this one"
            )
        found[point.name], points[point.name] = _loaded(point), point
    for name, point in points.items():
        _require_known(point, found[name], {**own, **found})
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _wrong(point: EntryPoint, what: str, received: object, allowed: str | None = None) -> ProjectError:
    return ProjectError(
        f"the technique {point.name!r} of the installed package {_package(point)} {what}",
        where=f"entry point {point.name!r} of {GROUP} ({_package(point)})",
        received=received,
        allowed=allowed,
        next_step=NEXT,
    )


def _loaded(point: EntryPoint) -> Technique:
    """The technique that an entry point names."""
    try:
        kind = point.load()
    except Exception as problem:
        raise _wrong(point, "cannot be imported", f"{type(problem).__name__}: {problem}", CLASS) from problem
    if not isinstance(kind, type) or not issubclass(kind, TrainingTechnique | Conversion):
        raise _wrong(point, "is not the class of one", point.value, CLASS)
    for what, received, allowed in _breaches(kind, point.name):
        raise _wrong(point, what, received, allowed)
    try:
        method: Technique = guarded(kind, _package(point))()
    except Exception as problem:
        raise _wrong(
            point, "cannot be made", f"{type(problem).__name__}: {problem}", "a class that takes no arguments"
        ) from problem
    return method


def _breaches(kind: type[Any], name: str) -> Iterator[tuple[str, object, str]]:
    """How a class breaks the contract: what is wrong, what it has, and what is allowed."""
    if inspect.isabstract(kind):
        yield f"lacks {', '.join(sorted(kind.__abstractmethods__))}", f"{kind.__module__}.{kind.__qualname__}", CLASS
    trains = issubclass(kind, TrainingTechnique)
    if trains and issubclass(kind, Conversion):
        yield "both trains and converts", kind.__qualname__, "a class of one of both kinds"
    for method in contract_methods(kind):
        if not callable(getattr(kind, method)):
            yield f"has {method}, which is no method", repr(getattr(kind, method))[:200], "a function of the class"
    said = {attribute: getattr(kind, attribute, None) for attribute in ("name", "settings_type", *_attributes(kind))}
    if said["name"] != name:
        yield "has another name than its entry point", said["name"], f"name = {name!r} in the class"
    if not name.isidentifier():
        yield "has a name that is no identifier", name, "letters, digits and _"
    if said["kind"] != ("training" if trains else "conversion"):
        yield "has a kind that its base class does not have", said["kind"], "the kind of its base class: leave it out"
    yield from _of_settings(said["settings_type"])
    if said["role"] != "candidate":
        yield "has the role of one of edgekit's own", said["role"], "candidate: leave it out"
    for attribute in ("place_in_chain", "after_training"):
        if not isinstance(said.get(attribute), numbers.Real | None):
            yield f"has a {attribute} that is no number", said[attribute], "a number, or None"
    for attribute in ("calibrated", "equalizes", "predicts_shapes", "rescalable"):
        if not isinstance(said.get(attribute, False), bool):
            yield f"has a {attribute} that is no bool", said[attribute], "True or False"


def _of_settings(kind: Any) -> Iterator[tuple[str, object, str]]:
    if not (isinstance(kind, type) and issubclass(kind, Value)):
        yield "has a settings_type that is no Value", kind, "a class that derives from edgekit.values.Value"
        return
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
    if required:
        allowed = "a default for each field: a chain of edgekit.toml may name the technique alone"
        yield "has settings without defaults", ", ".join(required), allowed


def _attributes(kind: type[Any]) -> Iterator[str]:
    """The attributes that the base classes declare."""
    for base in (Technique, TrainingTechnique, Conversion):
        if issubclass(kind, base):
            yield from (name for name in inspect.get_annotations(base) if name not in ("name", "settings_type"))


def _require_known(point: EntryPoint, method: Technique, others: Mapping[str, Technique]) -> None:
    """Raise `ProjectError` where a technique refers to another one that there is not."""
    named = [(attribute, getattr(method, attribute, None), _names(others, Conversion)) for attribute in CONVERSIONS]
    several = {"keeps_trained": _names(others, TrainingTechnique), "simulates": _names(others, Conversion)}
    for attribute, fitting in several.items():
        kept = getattr(method, attribute, ())
        if not isinstance(kept, tuple):
            raise _wrong(point, f"has a {attribute} that is no tuple", repr(kept), "a tuple of names of techniques")
        named += [(attribute, one, fitting) for one in kept]
    for attribute, other, fitting in named:
        if other is not None and other not in fitting:
            raise _wrong(point, f"names in {attribute} a technique that there is not", other, ", ".join(fitting))


def _names(others: Mapping[str, Technique], kind: Any) -> list[str]:
    return sorted(name for name, found in others.items() if isinstance(found, kind))
