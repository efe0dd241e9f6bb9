"""The rules of `edgekit compare --fail-if`: the language that they are written in.

    accuracy<-0.5pt    the change from A to B, with its sign: pt (points), % (of A's value), or the metric's own unit
    latency>20ms       without a sign: the value of B
    outcome=fail       the outcome of B's report

It knows the metrics' names and units, but no files; `edgekit.diff.gate_verdict` says whether a rule applies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Literal

from edgekit.errors import InputError, did_you_mean
from edgekit.units import DURATION_UNITS_MS, SIZE_UNITS
from edgekit.values import Value

UNITS = {
    "accuracy": "fraction", "balanced_accuracy": "fraction", "auc": "fraction", "mae": "", "mse": "", "accuracy_drop": "points",
    "agreement": "fraction", "flash": "B", "download": "B", "ram": "B", "latency": "ms", "macs": "MAC",
    "parameters": "", "sparsity": "fraction", "firmware": "B", "ram_margin": "B", "flash_plain": "B",
    "sram": "B", "nonzero_parameters": "", "coded": "B", "not_weights": "B", "peak_memory": "B",
}  # fmt: skip
"""The metrics that edgekit knows, with the unit that their values are in."""

COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
OWN_UNITS: dict[str, dict[str, float]] = {
    "B": {name: float(size) for name, size in SIZE_UNITS.items()},
    "ms": DURATION_UNITS_MS,
    "fraction": {},
    "points": {},
}
POINTS = ("pt", "point", "points")
OUTCOME = "outcome"
WHERE = "--fail-if"
EXAMPLES = "'accuracy<-0.5pt', 'flash>+2%', 'ram>+1KiB', 'latency>20ms', 'outcome=fail'"
_RULE = re.compile(r"(?P<metric>[A-Za-z_][\w.:]*)\s*(?P<sign><=|>=|==|!=|<|>|=)\s*(?P<rest>\S.*)", re.ASCII)
_AMOUNT = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?P<unit>%|[A-Za-zµμ]*)")


class Rule(Value):
    """A parsed rule; `amount` is in `unit` ('points', '%', or '' for the metric's own)."""

    text: str
    metric: str
    sign: str
    kind: Literal["change", "limit", "outcome"]
    amount: float = 0.0
    unit: str = ""
    outcome: str = ""


def parse_rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """The rules, each once; raises `InputError` for the first that is wrong.

    >>> [rule.amount for rule in parse_rules(["flash > +2%", "latency>20ms"])]
    [2.0, 20.0]
    """
    return tuple({rule.text: rule for rule in map(_parse, texts)}.values())


def _parse(given: str) -> Rule:
    match = _RULE.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None:
        raise _wrong(given, "not a rule: it needs a metric, a comparison and a change")
    metric, sign, rest = match.groups()
    text = f"{metric}{sign}{rest.replace(' ', '')}"
    if metric == OUTCOME:
        if sign not in ("=", "==", "!=") or rest not in ("pass", "fail"):
            raise _wrong(given, "an outcome is compared by = or != with pass or fail")
        return Rule(text=text, metric=metric, sign=sign, kind="outcome", outcome=rest)
    if sign not in ("<", ">", "<=", ">="):
        raise _wrong(given, f"{metric} is compared by <, <=, > or >=")
    refuse_unknown(given, metric, UNITS if ":" not in metric and "." not in metric else (*UNITS, metric))
    amount = _AMOUNT.fullmatch(rest)
    if amount is None:
        raise _wrong(given, f"{rest!r} is neither a change with its sign and unit nor a value")
    return _with_amount(given, text, metric, sign, amount)


def refuse_unknown(given: str, metric: str, known: Iterable[str]) -> None:
    """Raise `InputError` with the nearest known name if a rule's metric is unknown."""
    if metric in (known := list(known)):
        return
    near = did_you_mean(metric, [*known, OUTCOME])
    raise InputError(
        f"no metric {metric!r}",
        where=WHERE,
        received=repr(given),
        allowed=", ".join([*known, OUTCOME, "a metric of your own as module:function"]),
        next_step=f"did you mean {near!r}?" if near else None,
    )


def _with_amount(given: str, text: str, metric: str, sign: str, match: re.Match[str]) -> Rule:
    """The rule with its number in the unit that it is compared in."""
    kind: Literal["change", "limit"] = "change" if match["sign"] else "limit"
    own = UNITS.get(metric, "")
    number, unit = float(f"{match['sign']}{match['number']}"), match["unit"]
    factor, compared = _unit(given, kind, own, unit)
    if own == "fraction" and kind == "limit" and not 0 <= number * factor <= 1:
        raise _wrong(given, f"{metric} lies between 0 and 1, or 0% and 100%")
    if not math.isfinite(number * factor):
        raise _wrong(given, "the number is too large")
    return Rule(text=text, metric=metric, sign=sign, kind=kind, amount=number * factor, unit=compared)


def _unit(given: str, kind: str, own: str, unit: str) -> tuple[float, str]:
    """The factor for a number in `unit`, and the unit of the product; `own` is the metric's unit."""
    table = OWN_UNITS.get(own, COUNTS)
    if unit in table:
        return table[unit], ""
    if kind == "change" and unit in ("%", *POINTS):
        return 1.0, "%" if unit == "%" else "points"
    if kind == "limit" and own == "fraction" and unit in ("", "%"):
        return (1.0 if unit == "" else 0.01), ""
    if kind == "limit" and own == "points" and unit in POINTS:
        return 1.0, ""
    if kind == "limit" and unit in ("%", *POINTS):
        raise _wrong(given, "a change needs its sign", next_step=f"write +{_number(given)} or -{_number(given)}")
    takes = [name for name in table if name] + (["%", "pt"] if kind == "change" else [])
    if kind == "limit" and own in ("fraction", "points"):
        takes = ["%"] if own == "fraction" else ["pt"]
    raise _wrong(given, f"the unit {unit!r} does not fit" if unit else "a unit is missing", allowed=", ".join(takes))


def _number(given: str) -> str:
    return re.split(r"[<>=]+", given)[-1].strip()


def _wrong(given: object, what: str, *, allowed: str | None = None, next_step: str | None = None) -> InputError:
    return InputError(
        what, where=WHERE, received=repr(given)[:200], allowed=allowed or f"as in {EXAMPLES}", next_step=next_step
    )
