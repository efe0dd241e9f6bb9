"""Which operators a runtime has, and which of a model's operators it lacks.

The tables in `operators/` were made by `tools/probe_operators.py`, which tried the runtimes themselves; the file's
stem is the table's name. tflite-micro's kernels take few dtypes: its table says which were accepted and which refused.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from edgekit.errors import ProfileError, did_you_mean
from edgekit.tflite.model import ABSENT, Operator, TfliteModel
from edgekit.tflite.weights import KERNELS
from edgekit.values import Basis, Value, read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FLEX = "Flex"
"""The prefix of TensorFlow's own operators in a file that was converted with SELECT_TF_OPS."""
_FOLDER = Path(__file__).parent / "operators"


class OperatorTable(Value):
    """The operators of one runtime: name to the highest version it takes, 0 if it takes any.

    `oldest` has the lowest version if that is not 1; `custom` the custom operators that are built in. `dtypes` has the
    combinations that were tried and accepted, as 'int8 int8 > int8' (the data, the weights if any, the output),
    `refused` those that were refused; all others were not tried, so only running the file tells.
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
    dtypes: dict[str, tuple[str, ...]] = {}
    refused: dict[str, tuple[str, ...]] = {}


class Unsupported(Value):
    """An operator of a model that a runtime does not take, and why; `number` is its place in `model.operators`."""

    operator: str
    version: int
    reason: str
    number: int = 0


def table_names() -> tuple[str, ...]:
    """The names of all tables."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def load_table(name: str) -> OperatorTable:
    """The table with a name such as 'litert-2.3'; raises `ProfileError` if there is none."""
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
    """The operators of a model that a runtime does not take, each with its version and reason once, in order of appearance."""
    found: dict[tuple[str, int, str], Unsupported] = {}
    for number, operator in enumerate(model.operators):
        reason = _refusal(operator, table) or _dtype_refusal(model, operator, table)
        if reason:
            one = Unsupported(operator=operator.name, version=operator.version, reason=reason, number=number)
            found.setdefault((one.operator, one.version, reason), one)
    return tuple(found.values())


def _dtype_refusal(model: TfliteModel, operator: Operator, table: OperatorTable) -> str:
    """Why a runtime refuses an operator's dtypes; empty if it accepts them, or if they were not tried."""
    refused = table.refused.get(operator.name, ())
    if not refused or operator.custom or not operator.inputs or not operator.outputs:
        return ""
    weighted = operator.name in KERNELS and len(operator.inputs) > 1
    read = [model.tensors[index].dtype for index in operator.inputs[: 2 if weighted else 1] if index != ABSENT]
    asked = f"{' '.join(read)} > {model.tensors[operator.outputs[0]].dtype}"
    if asked not in refused:
        return ""
    taken = ", ".join(table.dtypes.get(operator.name, ())) or "none that was tried"
    return f"{table.runtime} {table.version} does not take {asked} there: it takes {taken}"


def _refusal(operator: Operator, table: OperatorTable) -> str:
    """Why a runtime refuses an operator; empty if it accepts it."""
    runtime = f"{table.runtime} {table.version}"
    if operator.custom:
        return "" if operator.name in table.custom else _custom_refusal(operator.name, runtime)
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


def _custom_refusal(name: str, runtime: str) -> str:
    missing = f"{runtime} has no custom operator {name!r}"
    if not name.startswith(FLEX):
        return missing
    return f"{missing}, which is TensorFlow's own {name.removeprefix(FLEX)}: convert without SELECT_TF_OPS, and do its work before the model"
