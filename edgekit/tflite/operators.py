"""Which operators a runtime knows, and what a model has that it does not.

The tables in `operators/` were made by `tools/probe_operators.py`, which asked the runtimes themselves; the file's
stem is the table's name. They say nothing of types: a runtime may know an operator and refuse its tensors.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from edgekit.errors import ProfileError, did_you_mean
from edgekit.report import Basis
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.values import Value, read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = Path(__file__).parent / "operators"


class OperatorTable(Value):
    """The operators of one runtime: name to the highest version it takes, 0 where it takes any.

    `oldest` has the lowest version where that is not 1; `custom` the custom operators that it brings along.
    """

    name: str
    runtime: str
    version: str
    basis: Basis
    source: str
    versions_checked: bool
    operators: dict[str, int]
    oldest: dict[str, int] = {}
    custom: tuple[str, ...] = ()


class Unsupported(Value):
    """An operator of a model that a runtime does not take, and why."""

    operator: str
    version: int
    reason: str


def table_names() -> tuple[str, ...]:
    """The names of all tables."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def load_table(name: str) -> OperatorTable:
    """The table of a name such as 'litert-2.3'; raises `ProfileError` where there is none."""
    names = table_names()
    if name not in names:
        near = did_you_mean(name, names)
        raise ProfileError(
            f"no operator table {name!r}",
            where="runtime.operators",
            received=name,
            allowed=", ".join(names),
            next_step=f"did you mean {near!r}?" if near else "name one of the allowed tables",
        )
    path = _FOLDER / f"{name}.toml"
    raw = {**tomllib.loads(path.read_text(encoding="utf-8")), "name": name}
    return read(raw, OperatorTable, where=path.name, error=ProfileError)


def unsupported(model: TfliteModel, table: OperatorTable) -> tuple[Unsupported, ...]:
    """The operators of a model that a runtime does not take, each with its version once, in order of appearance."""
    asked = {(operator.name, operator.version): operator for operator in model.operators}
    reasons = ((operator, _refusal(operator, table)) for operator in asked.values())
    return tuple(
        Unsupported(operator=operator.name, version=operator.version, reason=reason)
        for operator, reason in reasons
        if reason
    )


def _refusal(operator: Operator, table: OperatorTable) -> str:
    """Why a runtime does not take an operator; empty where it does."""
    runtime = f"{table.runtime} {table.version}"
    if operator.custom:
        return "" if operator.name in table.custom else f"{runtime} has no custom operator {operator.name!r}"
    newest = table.operators.get(operator.name)
    if newest is None:
        return f"{runtime} does not have it"
    if not table.versions_checked:
        return ""
    oldest = table.oldest.get(operator.name, 1)
    if oldest <= operator.version <= newest:
        return ""
    known = f"version {newest}" if oldest == newest else f"versions {oldest} to {newest}"
    return f"{runtime} takes {known} of it, not version {operator.version}"
