"""Which columns of a table are features, targets, split and group: chosen by the keys of `[data]`, from the names alone."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from edgekit.errors import DataError, did_you_mean
from edgekit.ingest.printable import listed
from edgekit.values import Value

TARGET_WORDS = ("label", "labels", "target", "targets", "class", "classes", "y", "category", "outcome")


class Columns(Value):
    """The columns in use, and the names of the others; several targets if the model gives several numbers."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    split: str | None = None
    group: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        more = (name for name in (self.split, self.group) if name is not None)
        return tuple(dict.fromkeys((*self.features, *self.targets, *more)))


def guess_target(names: tuple[str, ...]) -> tuple[str, str]:
    """The column that is most likely the target, and why: one with a telling name, else the last.

    >>> guess_target(("id", "Label", "x")), guess_target(("x", "speed"))
    (('Label', 'its name'), ('speed', 'it is the last'))
    """
    named = [name for name in names if re.sub(r"\\W|_|\\d", "", name.lower()) in TARGET_WORDS]
    return (named[-1], "its name") if named else (names[-1], "it is the last")


def choose_columns(names: tuple[str, ...], options: dict[str, Any], where: str, held: Collection[str] = ()) -> Columns:
    """The columns that the options name; if they name no features, these are all other columns but those of inputs that are `held` at values.

    Raises `DataError` for an unknown name, a column in two roles, no target, or no features. Columns without a name (the row
    numbers that pandas writes) are never features.
    """
    given = options["target"]
    if not given:
        guess, why = guess_target(names)
        raise DataError(
            "no target column is named", where="[data] target", received=f"columns {listed(names)}",
            allowed="the name of a column, or several", next_step=f"is it {guess!r} ({why})? Then set target = {guess!r} in [data]",
        )  # fmt: skip
    targets = (given,) if isinstance(given, str) else tuple(given)
    split, group = options["split"], options["group"]
    roles = {"target": targets, "features": tuple(options["features"]), "drop": tuple(options["drop"]),
             "split": (split,) * bool(split), "group": (group,) * bool(group)}  # fmt: skip
    _require_known(roles, names, where)
    others = {*targets, *roles["split"], *roles["group"]}
    taken = {*others, *roles["drop"]}
    clash = [
        *(name for name in roles["features"] if name in taken),
        *(name for name in roles["drop"] if name in others),
    ]
    if clash or len(set(targets)) < len(targets):
        raise DataError(
            "a column in two roles", where="[data]", received=clash[0] if clash else listed(targets),
            allowed="features, target, split, group or drop",
        )  # fmt: skip
    features = roles["features"] or tuple(name for name in names if name and name not in {*taken, *held})
    if not features:
        raise DataError("no columns are left for the features", where=where, received=listed(names))
    used = {*features, *targets, split, group}
    left = tuple(name or "(without a name)" for name in names if name not in used)
    return Columns(features=features, targets=targets, split=split or None, group=group or None, left_out=left)


def _require_known(roles: dict[str, tuple[str, ...]], names: tuple[str, ...], where: str) -> None:
    for role, wanted in roles.items():
        for name in wanted:
            if not name or name not in names:
                near = did_you_mean(name, [known for known in names if known])
                raise DataError(
                    f"there is no column {name!r}", where=f"[data] {role}", received=name, allowed=f"{listed(names)} ({where})",
                    next_step=f"did you mean {near!r}?" if near else None,
                )  # fmt: skip
