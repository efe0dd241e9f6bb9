"""`held` of `[model]`, as far as it can be judged without the model: numbers, truth values, and lists of one length."""

from __future__ import annotations

import pytest

from edgekit.errors import ProjectError
from edgekit.project.project import load_project

MODEL = '[model]\nsource = "net.onnx"\n'


def held(folder, text: str):
    (folder / "edgekit.toml").write_text(MODEL + text, encoding="utf-8")
    return load_project(folder).model.held


@pytest.mark.parametrize("text", ["held = { sr = 16000, on = true, state = [[0.5, 1], [2, 3]] }", "[model.held]\nsr = 16000\non = true\nstate = [[0.5, 1], [2, 3]]"])  # fmt: skip
def test_scalars_and_nested_lists_by_the_inputs_names(tmp_path, text):
    assert held(tmp_path, text) == {"sr": 16000, "on": True, "state": [[0.5, 1], [2, 3]]}


@pytest.mark.parametrize(
    ("value", "what", "received"),
    [
        ('"16000"', "neither a number nor a truth value", "'16000'"),
        ("2026-01-01", "neither a number nor a truth value", "datetime.date"),
        ("{ value = 1 }", "neither a number nor a truth value", "{'value': 1}"),
        ("[1, [2]]", "lists of different lengths", "[1, [2]]"),
        ("[[1, 2], [3]]", "lists of different lengths", "[[1, 2], [3]]"),
        ("[]", "an empty list", "[]"),
        ("[[], []]", "an empty list", "[]"),
        ("[1, true]", "numbers and truth values in one input", "[1, True]"),
        ("nan", "not a finite number", "nan"),
        ("[[1.0, -inf]]", "not a finite number", "-inf"),
        ("1e999", "not a finite number", "inf"),
        ("99999999999999999999", "a whole number that no type holds", "99999999999999999999"),
        ("[[[[[[[[[1]]]]]]]]]", "lists too deep", "more than 8"),
    ],
)  # fmt: skip
def test_what_no_input_can_be_held_at_is_refused_by_its_place(tmp_path, value, what, received):
    with pytest.raises(ProjectError, match=what) as caught:
        held(tmp_path, f"held = {{ sr = {value} }}")
    where = f"{tmp_path / 'edgekit.toml'}: model.held.sr"
    assert str(caught.value.where).startswith(where) and received in str(caught.value.received)
    assert caught.value.exit_code == 2


def test_a_table_of_names_is_asked_for(tmp_path):
    with pytest.raises(ProjectError, match="Expected `object`") as caught:
        held(tmp_path, "held = 16000")
    assert caught.value.where == f"{tmp_path / 'edgekit.toml'}: model.held"
    assert caught.value.next_step == "write held = { name = value }, or [model.held] above such lines"
    with pytest.raises(ProjectError, match="without a name"):
        held(tmp_path, 'held = { "" = 1 }')
