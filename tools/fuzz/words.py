"""Damage to documents by their grammar: JSON as a tree, TOML line by line.

The result may or may not be a document; it is meant to get past a parser and to what is done with the values.
"""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

import mutate

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 2**64, 10**30, 10**400, 1e308, -1e308, 0.5, float("nan"), float("inf"), "", " ",
    "x" * 5000, "\0", "\ud800", "‮[red]", "../../escaped", "/", ".", "a:b", "models:plain", [], [[]], {}, {"": {}}, [None] * 50,
    {"class_name": "Lambda", "config": {"name": "f"}}, "float16", "<f4", [1, 2], [-1, 0], [None, 8, 8, 1], {"a": [{"b": None}]},
)  # fmt: skip
DEEP = 3000


def json_document(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A JSON document with values replaced, keys renamed, doubled or gone; now and then damaged as bytes."""
    if rng.random() < 0.2:
        return mutate.several(content, rng, others, mutate.ANY)
    try:
        tree = json.loads(content)
    except ValueError:
        return content
    for _ in range(rng.choice((1, 1, 2, 4))):
        tree = _changed(tree, rng)
    text = json.dumps(tree)
    if rng.random() < 0.03:
        text = text.replace("null", "[" * DEEP + "]" * DEEP, 1) if "null" in text else "[" * DEEP
    return text.encode("utf-8", "surrogatepass")


def _places(tree: Any, found: list[tuple[Any, Any]]) -> None:
    """Every container with each of its keys."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            waiting.append(node[key])


def _changed(tree: Any, rng: random.Random) -> Any:
    places: list[tuple[Any, Any]] = []
    _places(tree, places)
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice(ODD_VALUES))
    node, key = rng.choice(places)
    how = rng.randrange(7)
    if how <= 2:
        node[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    elif how == 3 and isinstance(node[key], int | float) and not isinstance(node[key], bool):
        node[key] = rng.choice((node[key] * -1, node[key] + 1, node[key] * 1000, node[key] / 3, 0))
    elif how == 4 and isinstance(node, dict):
        value = node.pop(key)
        if rng.random() < 0.5:
            node[rng.choice((key + "x", key.upper(), "", "extra"))] = value
    elif how == 5:
        other, its = rng.choice(places)
        node[key], other[its] = copy.deepcopy(other[its]), copy.deepcopy(node[key])
    elif isinstance(node, list):
        node.insert(key, copy.deepcopy(node[key]))
    else:
        node[key] = [node[key]]
    return tree


_ODD_TOML = (
    "", '""', "'''", '"""', "nan", "inf", "-inf", "-1", "0", "1e400", "99999999999999999999", "true", "[]", "{}", "[[]]", "1979-05-27",
    '"12 parsecs"', '"-5KiB"', '"0B"', '"1e309KiB"', '"٣KiB"', '"\\u0000"', '"\\ud800"', '{ value = "1GB" }', '"live"', "[1, 'a']",
    '{ value = "1GB", basis = "declared", source = "x", low = "2GB", high = "1GB" }', '"../../escaped"', '"a:b"', "0x7fffffffffffffff",
    '"' + "x" * 5000 + '"', "[" * 900 + "]" * 900, '"nanB"', '"1 / 0 MAC/s"', '"infms"', "{ a = { b = { c = 1 } } }",
)  # fmt: skip


def toml_document(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A TOML document with values, keys and lines changed; now and then damaged as bytes."""
    if rng.random() < 0.15:
        return mutate.several(content, rng, others, mutate.ANY)
    lines = content.decode("utf-8", "replace").splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        lines = _changed_lines(lines or [""], rng)
    return "\n".join(lines).encode()


def _changed_lines(lines: list[str], rng: random.Random) -> list[str]:
    settings = [index for index, line in enumerate(lines) if "=" in line and not line.lstrip().startswith("#")]
    index = rng.choice(settings) if settings else rng.randrange(len(lines))
    key, _, value = lines[index].partition("=")
    how = rng.randrange(9)
    if how <= 2:
        lines[index] = f"{key}= {rng.choice(_ODD_TOML)}"
    elif how == 3:
        lines[index] = f"{rng.choice((key.strip() + 'x', key.upper(), 'a.b.c', '', key.strip() + '.deeper'))} ={value}"
    elif how == 4:
        del lines[index]
    elif how == 5:
        lines.insert(rng.randint(0, len(lines)), lines[index])
    elif how == 6:
        lines.insert(
            rng.randint(0, len(lines)),
            rng.choice(("[goal]", "[[goal]]", "[a.b]", "[", "]", "[cost.rates]", "x", "\t= 1", "﻿")),
        )
    elif how == 7:
        lines[index] = f"{key}={_other_numbers(value, rng)}"
    else:
        other = rng.choice(lines)
        lines[index] = f"{key}={other.partition('=')[2] or ' 1'}"
    return lines


def _other_numbers(value: str, rng: random.Random) -> str:
    """The text of a value with its numbers and units exchanged."""
    number = lambda match: rng.choice(("0", "-1", "1e3", "1e300", "999999999999999999999", "0.0000001", match[0] * 9))  # noqa: E731
    return (
        re.sub(r"\d+(\.\d+)?", number, value, count=1)
        if rng.random() < 0.7
        else value.replace("B", "b").replace("Hz", "")
    )
