"""The base of every value: frozen, keyword-only, strict, with JSON both ways.

It also turns raw input (TOML, JSON) into a value and says exactly which key is wrong.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from typing_extensions import dataclass_transform

from edgekit.errors import InputError, did_you_mean


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _FrozenMeta(msgspec.StructMeta):
    """Makes the fields of every value keyword-only (msgspec inherits all other options), and tells type checkers."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        return super().__new__(mcs, name, bases, namespace, **{"kw_only": True, **options})


class Value(msgspec.Struct, metaclass=_FrozenMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen value with keyword-only fields; unknown fields are refused when it is read."""


Basis = Literal["measured", "simulated", "predicted", "published", "declared"]
"""How a figure is known."""
Ends = Literal["softmax", "sigmoid", "linear"]
"""What an output ends in: probabilities of classes that sum to 1, a probability for each item, or any number."""
V = TypeVar("V", bound=Value)


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a (possibly optional or aliased) annotation stands for."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        found = (_struct_in(part) for part in typing.get_args(kind))
        return next((part for part in found if part is not None), None)
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def _check_keys(raw: Any, kind: Any, where: str, path: str, error: type[InputError], top: tuple[str, ...] = ()) -> None:
    """Raise `error` for the first key that is unknown; `top` are the keys of the outermost table."""
    if isinstance(raw, float) and not math.isfinite(raw):
        raise error(
            "not a finite number", where=f"{where}: {path}", received=raw, allowed=_meaning(kind) or "a finite number", next_step="write a number that is finite",
        )  # fmt: skip
    kind = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
    struct = _struct_in(kind)
    if struct is not None and isinstance(raw, dict):
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        for key, value in raw.items():
            dotted = f"{path}.{key}" if path else str(key)
            if key not in fields:
                form = _by_name(str(key), value, {name: one for name, one in fields.items() if name not in raw})
                raise unknown_key(str(key), fields, where=where, error=error, dotted=dotted, top=top, form=form)
            _check_keys(value, fields[key].type, where, dotted, error, top or tuple(fields))
    elif isinstance(raw, dict) and typing.get_origin(kind) is dict:
        for key, value in raw.items():
            _check_keys(value, typing.get_args(kind)[1], where, f"{path}.{key}" if path else str(key), error, top)
    elif isinstance(raw, list) and typing.get_args(kind):
        for index, value in enumerate(raw):
            _check_keys(value, typing.get_args(kind)[0], where, f"{path}[{index}]", error, top)


def unknown_key(
    key: str,
    known: Collection[str],
    *,
    where: str,
    error: type[InputError],
    dotted: str = "",
    top: Collection[str] = (),
    form: str | None = None,
) -> InputError:
    """The error of a key that its table does not have, with those that it has; one of `top`, which belong above all tables, is told where.

    `dotted` is the key with those of the tables around it, where it is in any; `form` how to write what was meant, where that is known.
    """
    dotted = dotted or key
    near = did_you_mean(key, known)
    advice = f"did you mean {near!r}?" if near else form or "remove it, or see the documentation"
    return error(
        f"unknown key {key!r}",
        where=f"{where}: {dotted}",
        received=dotted,
        allowed=", ".join(sorted(known)) or "no key",
        next_step=f"{key} belongs above the first [table]" if key in top else advice,
    )


def _by_name(key: str, value: Any, lacking: Mapping[str, Any]) -> str | None:
    """Where an unknown key belongs in a table that has a name and free settings; None for any other.

    The name may have been made the key, as in `{ pruning = { sparsity = 0.5 } }`, or a setting stand beside it.
    """
    names = [name for name, field in lacking.items() if field.required and str in _parts(field.type)]
    tables = [name for name, field in lacking.items() if (dict, (str, Any)) in map(_generic, _parts(field.type))]
    if len(tables) != 1 or len(names) > 1 or (names and not isinstance(value, dict)):
        return None
    return (
        f'write {{ {names[0]} = "{key}", {tables[0]} = {{ ... }} }}'
        if names
        else f"write {tables[0]} = {{ {key} = ... }}"
    )


def _generic(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return typing.get_origin(kind), typing.get_args(kind)


def read(
    raw: Any, kind: type[V], *, where: str, error: type[InputError] = InputError, otherwise: str | None = None
) -> V:
    """The value that raw input (dicts, lists, text, numbers) describes.

    `where` names the file, `otherwise` is the next step where nothing nearer is known. Raises `error` with the dotted key that is unknown, missing or of the wrong type.
    """
    _check_keys(raw, kind, where, "", error)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as problem:
        text = str(problem)
        match = re.match(r"(?P<what>.*) - at `\$\.?(?P<key>.*)`$", text, re.DOTALL)
        what, key = (match["what"], match["key"]) if match else (text, "")
        asked, value = _type_at(kind, key), _at(raw, key)
        raise error(
            what,
            where=f"{where}: {key}" if key else where,
            received=None if value is None else repr(value)[:200],
            allowed=_allowed(asked, what),
            next_step=_advice(asked, key, value, what) or otherwise,
        ) from None


IN_TOML = {"str": "text in quotes", "object": "a table", "array": "a list", "int": "a whole number", "float": "a number", "bool": "true or false"}  # fmt: skip
"""What msgspec calls the types that a value may have, and how a reader of TOML knows them."""


def _allowed(asked: Any, what: str) -> str | None:
    """What a key allows, whose annotation is `asked`: by its meaning, else by the types that msgspec says, or the keys of a table that lacks one."""
    if "Expected `bool`" in what:
        return IN_TOML["bool"]
    struct = _struct_in(asked)
    if what.startswith("Object missing required field") and struct is not None:
        return f"a table with {', '.join(field.encode_name for field in msgspec.structs.fields(struct))}"
    types = re.match(r"Expected `([^`]*)`, got", what)
    named = [IN_TOML[one] for one in types[1].split(" | ") if one in IN_TOML] if types else []
    return _meaning(asked) or " or ".join(named) or None


def _type_at(kind: Any, dotted: str) -> Any:
    """The annotation of a dotted key, of `key[0]` that of an item; None for one that no table has."""
    for part in dotted.split("."):
        struct = _struct_in(kind)
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)} if struct is not None else {}
        name, *places = part.split("[")
        if name not in fields:
            return None
        kind = fields[name].type
        for _ in places:
            kind = next((typing.get_args(one)[0] for one in _parts(kind) if typing.get_origin(one) is tuple), None)
    return kind


def _parts(kind: Any) -> Iterator[Any]:
    """An annotation, and those that it is made of: each of several types, and what stands in a list."""
    yield kind
    if typing.get_origin(kind) in (typing.Union, types.UnionType, typing.Annotated, tuple):
        for part in typing.get_args(kind):
            yield from _parts(part)


def _meaning(kind: Any) -> str | None:
    """What an annotation allows, for an error message: its choices, else its bounds, and what it is for."""
    extras = [part for part in _parts(kind) if isinstance(part, msgspec.Meta)]
    described = next((extra.description for extra in extras if extra.description), None)
    allowed = ", ".join(_choices(kind)) or _bounds(extras)
    return f"{allowed} ({described})" if allowed and described else allowed or described


def _choices(kind: Any) -> list[str]:
    """The values of those types that are a `Literal`."""
    return [str(one) for part in _parts(kind) if typing.get_origin(part) is Literal for one in typing.get_args(part)]


def _advice(kind: Any, dotted: str, value: Any, what: str) -> str | None:
    """What to write in place of a value: the near one of the choices, or a table or list as TOML has it; None where nothing is near."""
    header = re.sub(r"\[[^]]*\]", "", dotted)
    name = header.split(".")[-1]
    items = [item for part in _parts(kind) if typing.get_origin(part) is tuple for item in typing.get_args(part)]
    wants_list, wants_table = what.startswith("Expected `array`, got"), what.startswith("Expected `object")
    is_item = dotted.endswith("]")
    if (wants_table and is_item) or (wants_list and items and _struct_in(items[0]) and str not in _parts(items[0])):
        return f"write [[{header}]] above the keys of each"
    if wants_list and Ellipsis in items and isinstance(value, str | int | float):
        return f"write {name} = [{_toml(value)}]"
    if wants_table and any(typing.get_origin(part) is dict for part in _parts(kind)):
        return f"write {name} = {{ name = value }}, or [{header}] above such lines"
    if not items and not is_item and _struct_in(kind) is not None and (wants_table or "got `array`" in what):
        return f"write [{header}] above its keys, once"
    if found := re.match(r"Object missing required field `(.*)`", what):
        return f"write {found[1]} = ... there"
    near = did_you_mean(value, _choices(kind)) if isinstance(value, str) else None
    return f"did you mean {near!r}?" if near else None


def _toml(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _bounds(extras: Sequence[Any]) -> str:
    """Between which numbers a number is; empty where it has no bounds."""
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    found = [(words[name], getattr(one, name, None)) for one in extras for name in words]
    told = dict.fromkeys(f"{word} {number:.12g}" for word, number in found if number is not None)
    return " and ".join(told)


def _at(raw: Any, dotted: str) -> Any:
    """What raw input holds at a dotted key; None if the key does not identify one place."""
    if "[...]" in dotted:
        return None
    for part in re.findall(r"[^.\[\]]+", dotted):
        if isinstance(raw, dict):
            raw = raw.get(part)
        elif isinstance(raw, list) and part.isdigit() and int(part) < len(raw):
            raw = raw[int(part)]
        else:
            return None
    return raw


def to_builtins(value: Any) -> Any:
    """A value as dicts, lists, text and numbers."""
    return msgspec.to_builtins(value)


def to_json(value: Any) -> str:
    """A value as indented JSON with its fields in their declared order, ending in a newline."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_utf8(msgspec.to_builtins(value)))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _utf8(raw: Any) -> Any:
    """Raw data with a '?' for each byte of a file name that is not UTF-8, which JSON cannot hold."""
    if isinstance(raw, str):
        return raw.encode(errors="replace").decode()
    if isinstance(raw, dict):
        return {_utf8(name): _utf8(item) for name, item in raw.items()}
    return [_utf8(item) for item in raw] if isinstance(raw, list | tuple) else raw


def from_json(text: str | bytes, kind: type[V], *, where: str = "JSON") -> V:
    """The value that a JSON document describes; raises `InputError` if it describes none."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise InputError("not a JSON document", where=where, received=str(problem)) from None
    return read(raw, kind, where=where)
