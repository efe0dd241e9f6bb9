"""What each method of a technique may answer. Pure; each check returns what is wrong with an answer, or None."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, get_args

import msgspec

from edgekit.cost.graph import Graph, Node
from edgekit.documents.candidate import Declined, Step
from edgekit.errors import InputError
from edgekit.techniques.interface import Constraint, Evidence, Form, Technique
from edgekit.tflite.reader import parse_tflite
from edgekit.values import read, to_builtins

Check = Callable[..., str | None]
"""Gets the technique, its answer, and what it was asked with."""


def settings_or_declined(method: Technique, answer: Any, *_: Any) -> str | None:
    """A list or tuple of settings, each of which JSON can hold, or `Declined` with a reason."""
    if isinstance(answer, Declined):
        said = isinstance(answer.reason, str) and answer.reason.strip() and answer.technique == method.name
        return None if said else f"declines with {answer!r}: its own name and a reason are needed"
    if not isinstance(answer, list | tuple):
        return f"returns {_shown(answer)}, and not a sequence of its settings or Declined"
    if not answer and method.role != "control":  # the control is asked for by name
        return "returns no settings, and not Declined with the reason"
    wrong = next((wrong for one in answer if (wrong := settings(method, one))), None)
    return wrong or _one_label(method, answer)


def _one_label(method: Technique, proposed: Sequence[Any]) -> str | None:
    """Settings that are proposed together have different labels."""
    labels = [method.label(one) for one in proposed]
    return f"returns settings with the same label: {', '.join(labels)}" if len(set(labels)) < len(labels) else None


def settings(method: Technique, answer: Any, *_: Any) -> str | None:
    """Settings of the technique's own type, with values of the types that it declares."""
    if type(answer) is not method.settings_type:
        return f"returns {_shown(answer)}, and not its {method.settings_type.__name__}"
    try:
        again = read(to_builtins(answer), method.settings_type, where="settings")
    except (InputError, TypeError, OverflowError) as problem:
        return f"returns settings that JSON does not hold: {_shown(answer)}: {problem}"
    return None if again == answer else f"returns settings that JSON changes: {_shown(answer)}, {again!r}"


def settings_or_none(method: Technique, answer: Any, *_: Any) -> str | None:
    """The next settings, or None."""
    return None if answer is None else settings(method, answer)


def reason_or_none(method: Technique, answer: Any, *_: Any) -> str | None:
    """A sentence, or None."""
    return (
        None
        if answer is None or (isinstance(answer, str) and answer.strip())
        else f"returns {_shown(answer)}, and not a reason or None"
    )


def label(method: Technique, answer: Any, *_: Any) -> str | None:
    """A part of a candidate's name: a word without '+'."""
    fits = isinstance(answer, str) and answer and not any(sign == "+" or sign.isspace() for sign in answer)
    return None if fits else f"returns {_shown(answer)}, and not a word without '+'"


def graph(method: Technique, answer: Any, before: Graph, *_: Any) -> str | None:
    """A lowered graph that cost models can count: sizes that are numbers, and operators that read what there is."""
    if not isinstance(answer, Graph) or not all(isinstance(node, Node) for node in answer.nodes):
        return f"returns {_shown(answer)}, and not a Graph of Nodes"
    try:
        msgspec.convert(to_builtins(answer), Graph)
    except (msgspec.ValidationError, TypeError, OverflowError) as problem:
        return f"returns a graph with a field of a wrong type: {problem}"
    if before.nodes and not answer.nodes:
        return "returns a graph without an operator"
    wrong = _uncountable(answer)
    return wrong if wrong is None or _uncountable(before) is None else None  # what was wrong before is not its doing


def _uncountable(graph: Graph) -> str | None:
    """What no cost model can count in a graph."""
    if any(size < 0 for size in (graph.input_bytes, *graph.inputs.values())):
        return "returns a graph with an input of a negative size"
    return next((wrong for node in graph.nodes if (wrong := _impossible(node))), None) or _unjoined(graph)


def _impossible(node: Node) -> str | None:
    """The first field of an operator with a value that no operator has."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
            return f"gives operator {node.name} {name} = {value}"
    if node.zeros > 1 or node.distinct == 0:
        return f"gives operator {node.name} zeros = {node.zeros}, distinct = {node.distinct}"
    return None


def _unjoined(graph: Graph) -> str | None:
    """The first tensor that is read, or is an output, and that neither an input nor an operator gives."""
    names = [node.name for node in graph.nodes]
    if len(set(names)) != len(names):
        return "returns a graph in which two operators have one name"
    given = {*graph.inputs, *names}
    read = {name: f"operator {node.name} reads" for node in graph.nodes for name in node.inputs}
    read |= dict.fromkeys(graph.outputs, "its outputs name")
    lost = next((name for name in read if name not in given), None)
    return None if lost is None else f"returns a graph in which {read[lost]} {lost!r}, which nothing gives"


def evidence(method: Technique, answer: Any, *_: Any) -> str | None:
    """`Evidence` under the technique's name."""
    if not isinstance(answer, Evidence):
        return f"returns {_shown(answer)}, and not Evidence"
    fits = answer.technique == method.name and isinstance(answer.holds, bool) and isinstance(answer.detail, str)
    return None if fits else f"returns {answer!r}: its own name, a bool and a sentence are needed"


def file(method: Technique, answer: Any, *_: Any) -> str | None:
    """The bytes of a `.tflite` file."""
    if not isinstance(answer, bytes):
        return f"returns {_shown(answer)}, and not bytes"
    try:
        parse_tflite(answer, where="the file")
    except InputError as problem:
        return f"returns bytes that are no .tflite file: {problem.what}"
    return None


def model(method: Technique, answer: Any, *_: Any) -> str | None:
    """A Keras model."""
    return (
        None
        if hasattr(answer, "get_weights") and hasattr(answer, "save")
        else f"returns {_shown(answer)}, and not the model"
    )


def number_or_none(method: Technique, answer: Any, *_: Any) -> str | None:
    """A finite number, or None."""
    if answer is None:
        return None
    return (
        None
        if isinstance(answer, int | float) and math.isfinite(answer)
        else f"returns {_shown(answer)}, and not a number or None"
    )


def part_or_none(method: Technique, answer: Any, *_: Any) -> str | None:
    """A share of a whole, a number from 0 to below 1, or None."""
    fits = answer is None or (isinstance(answer, int | float) and not isinstance(answer, bool) and 0 <= answer < 1)
    return None if fits else f"returns {_shown(answer)}, and not a number from 0 to below 1, or None"


def form(method: Technique, answer: Any, *_: Any) -> str | None:
    """The name of a Keras."""
    return None if answer in get_args(Form) else f"returns {_shown(answer)}, and not one of {', '.join(get_args(Form))}"


def _a(kind: type[Any] | tuple[type[Any], ...], name: str) -> Check:
    def check(method: Technique, answer: Any, *_: Any) -> str | None:
        return None if isinstance(answer, kind) else f"returns {_shown(answer)}, and not {name}"

    return check


def _shown(answer: Any) -> str:
    return f"{type(answer).__name__} {answer!r}"[:200] if answer is not None else "None"


CHECKS: Mapping[str, Check] = {
    "propose": settings_or_declined,
    "defaults": settings,
    "label": label,
    "unsupported": reason_or_none,
    "requires": reason_or_none,
    "awaits": reason_or_none,
    "undone": reason_or_none,
    "steps_needed": _a(int, "a number of steps"),
    "effect": graph,
    "ensures": evidence,
    "told": _a(str, "a text"),
    "leave_out": _a(Sequence, "a sequence of names"),
    "apply": model,
    "ensures_in_model": evidence,
    "ensures_kept": evidence,
    "converted_as": model,
    "scope": _a(AbstractContextManager, "a context manager"),
    "form": form,
    "keep": _a(Constraint, "a Constraint"),
    "settled": settings,
    "on_device": settings,
    "strength": number_or_none,
    "stronger": settings_or_none,
    "keeps": _a(bool, "True or False"),
    "ends_in": _a((Step, type(None)), "a Step or None"),
    "mend": _a(int, "a number of weights"),
    "mend_file": _a(Mapping, "kernels by tensor index"),
    "port_dtype": _a(str, "a dtype"),
    "float_share": part_or_none,
    "finish": file,
    "against": reason_or_none,
}
"""The check of each method's answer. `configure` answers nothing that could be checked."""
