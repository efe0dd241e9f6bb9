"""`edgekit.toml` for a folder: the template with the values that were found, and comments on what was not found.

It knows the template's form (tables, `key = value`, `# key = value`), and of the keys only those it fills in.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence

from edgekit.cli.starter.found import DataFound, Found, Missing, ModelFound, TableFound
from edgekit.cli.starter.look import RULE
from edgekit.ingest.printable import shown

WIDTH = 118
MOST_NAMED = 12
_TABLE = re.compile(r"^\[(?P<name>[a-z_]+)\]$")
_KEY = re.compile(r"^(# )?(?P<key>[a-z_]+) = ")


def fill(template: str, found: Found) -> str:
    """The template with each value that was found; every other line is unchanged."""
    lines, table = [], ""
    missing = {one.what: one for one in found.missing}
    wanted = _values(found)
    for line in template.splitlines():
        header, key = _TABLE.match(line), _KEY.match(line)
        table = header["name"] if header else table
        if header and table in missing:
            lines += [*_not_found(missing[table]), f"# {line}"]
        elif key and key["key"] == "source" and table in missing:
            lines.append(f"# {line}")
        elif key and (table, key["key"]) in wanted:
            lines += wanted[table, key["key"]]
        else:
            lines.append(line)
    notes = [line for note in (*found.problems, *found.notes) for line in comment(f"Note: {note}.")]
    return "\n".join([*notes, *([""] if notes else []), *lines]) + "\n"


def _values(found: Found) -> dict[tuple[str, str], list[str]]:
    """The lines that replace a key's own, by table and key."""
    values: dict[tuple[str, str], list[str]] = {}
    if found.model is not None:
        lines = comment(f"Found here: {model_line(found.model)}.") + _others("model", found.other_models)
        values["model", "source"] = [*lines, f"source = {quoted(found.model.source)}"]
    if found.data is not None:
        lines = comment(f"Found here: {data_line(found.data)}.") + _others("data", found.other_data)
        values["data", "source"] = [*lines, f"source = {quoted(found.data.source)}"]
    if found.data is not None and found.data.table is not None:
        values |= _table_values(found, found.data.table)
    if found.image_size is not None:
        values["data", "image_size"] = [
            *comment(found.image_size_reason[:1].upper() + found.image_size_reason[1:] + "."),
            f"image_size = [{found.image_size[0]}, {found.image_size[1]}]",
        ]
    elif found.image_size_reason:
        values["data", "image_size"] = [*comment(found.image_size_reason + "."), "# image_size = [96, 96]"]
    if found.grayscale:
        values["data", "grayscale"] = ["grayscale = true"]
    if found.data is not None and found.data.kind == "folder":
        values["data", "scale"] = [*comment(pixels_line(found.model)), "# scale = 1.0"]
    if found.metric != "accuracy":
        values["goal", "metric"] = [*comment(f"Chosen because {found.metric_reason}."), f'metric = "{found.metric}"']
    return values


def _table_values(found: Found, table: TableFound) -> dict[tuple[str, str], list[str]]:
    """The lines for a table: the target is a guess and marked as such, columns of text are not features."""
    values = {("data", "target"): [*comment(f"{target_line(table)}: check it."), f"target = {quoted(table.target)}"]}
    if table.drop:
        lines = comment("These hold text, which no model takes, or nothing: left out.")
        values["data", "drop"] = [*lines, f"drop = [{', '.join(map(quoted, table.drop))}]"]
    if table.split:
        values["data", "split"] = [f"split = {quoted(table.split)}"]
    if table.test_source:
        values["data", "test_source"] = [f"test_source = {quoted(table.test_source)}"]
    if table.lacking:
        values["data", "missing"] = [
            *comment("Values are missing: rows that lack one are left out."),
            'missing = "drop"',
        ]
    if found.shape:
        lines = comment("A row is brought to the shape that the model takes, value by value: check the order.")
        values["data", "shape"] = [*lines, f"shape = [{', '.join(map(str, found.shape))}]"]
    return values


def target_line(table: TableFound) -> str:
    """The guessed target column, as a phrase."""
    return f"The target is a guess ({table.why})"


def pixels_line(model: ModelFound | None) -> str:
    """What is known of the range that a model takes pixels in."""
    if model is not None and model.rescales:
        return "Pixels stay 0 to 255: the model has a layer that scales them."
    scaled = "where the model was trained on pixels from 0 to 1, set scale = 0.00392156862745098."
    if model is not None and model.rescales is False:
        return f"CHECK: pixels are 0 to 255, and the model has no layer that scales them; {scaled}"
    return f"CHECK: pixels are 0 to 255; {scaled}"


def model_line(model: ModelFound) -> str:
    """A model as a phrase, as far as it could be read."""
    facts = [
        f"a {model.kind}"
        if model.kind != "function"
        else f"a function that seems to return {_RETURNED[model.library]}",
        f"input {' x '.join('any' if size is None else str(size) for size in model.input_shape)}"
        if model.input_shape
        else "",
        f"{model.outputs} output{'s' if model.outputs != 1 else ''}" if model.outputs is not None else "",
        model.activation or "",
    ]
    return f"{shown(model.source)} ({', '.join(fact for fact in facts if fact)})"


_RETURNED = {"Keras": "a Keras model", "PyTorch": "a PyTorch module"}


def data_line(data: DataFound) -> str:
    """Data as a phrase, as far as they could be read."""
    kind = {
        "npz": "arrays",
        "table": "a table",
        "folder": "images",
        "function": "a function that seems to return data",
    }[data.kind]
    facts = [
        kind,
        _samples(data),
        f"{data.labels} classes" if data.labels is not None else _TARGETS.get(data.targets or "", ""),
    ]
    return f"{shown(data.source)} ({', '.join(fact for fact in facts if fact)})"


_TARGETS = {"floats": "float targets", "numbers": "whole numbers as targets", "labels": "zeros and ones as targets"}


def _samples(data: DataFound) -> str:
    if data.table is not None:
        return f"{(data.sample_shape or (0,))[0]} columns of numbers and the target {shown(data.table.target)}"
    return f"samples of {' x '.join(map(str, data.sample_shape))}" if data.sample_shape else ""


def missing_lines(missing: Missing) -> list[str]:
    """What was not found, where it was looked for, what would be accepted, and near misses."""
    near = [f"{shown(one.source)}: {one.reason}" for one in missing.near[:MOST_NAMED]]
    return [
        f"no {missing.what} was found in {missing.looked}",
        f"accepted: {missing.accepted}",
        *(f"not usable: {line}" for line in near),
    ]


def _not_found(missing: Missing) -> list[str]:
    first, *rest = missing_lines(missing)
    return [
        *comment(f"NOT FOUND: {first}. Name it below, and take the `# ` away from this table's name and from source."),
        *(line for text in rest for line in comment(f"- {text}")),
    ]


def _others(what: str, sources: Sequence[str]) -> list[str]:
    if not sources:
        return []
    more = f" and {len(sources) - MOST_NAMED} more" if len(sources) > MOST_NAMED else ""
    named = ", ".join(quoted(source) for source in sources[:MOST_NAMED])
    return comment(f"Other {what} here: {named}{more}. Chosen was {RULE}.")


def comment(text: str) -> list[str]:
    """A text as comment lines; characters that a comment cannot hold are escaped."""
    clean = text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return [f"# {line}" for line in textwrap.wrap(clean, WIDTH - 2, break_long_words=False, break_on_hyphens=False)]


def quoted(text: str) -> str:
    """A basic string of TOML.

    >>> print(quoted('a "b"'))
    "a \\"b\\""
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
