"""Values are frozen and strict, and say which key of the raw input is wrong."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import InputError, ProfileError
from edgekit.project.project_file import ProjectFile
from edgekit.values import Value, from_json, read, to_builtins, to_json


class Inner(Value):
    size_bytes: int
    names: tuple[str, ...] = ()


class Outer(Value):
    inner: Inner
    text: str | None = None
    table: dict[str, Inner] = {}
    several: tuple[Inner, ...] = ()
    either: Inner | str | None = None
    share: float = 0.0


GOOD = {"inner": {"size_bytes": 1}}


def problem(raw, kind=Outer, error=InputError):
    with pytest.raises(error) as caught:
        read(raw, kind, where="a.toml", error=error)
    return caught.value


def test_a_value_is_frozen_and_keyword_only():
    with pytest.raises(AttributeError):
        Inner(size_bytes=1).size_bytes = 2
    with pytest.raises(TypeError):
        Inner(1)


@pytest.mark.parametrize(
    ("raw", "where", "near"),
    [
        ({"inner": {"size_bytes": 1}, "txt": "a"}, "a.toml: txt", "text"),
        ({"inner": {"size_byte": 1}}, "a.toml: inner.size_byte", "size_bytes"),
        ({**GOOD, "table": {"x": {"size": 1}}}, "a.toml: table.x.size", "size_bytes"),
        ({**GOOD, "several": [{"size_bytes": 1}, {"sizebytes": 1}]}, "a.toml: several[1].sizebytes", "size_bytes"),
        ({**GOOD, "either": {"size_bytess": 1}}, "a.toml: either.size_bytess", "size_bytes"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(raw, where, near):
    error = problem(raw)
    assert error.where == where and error.what.startswith("unknown key")
    assert error.next_step == f"did you mean '{near}'?"
    assert near in error.allowed


class Bounded(Value):
    how: Literal["free", "2:4"] | None = None
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    rounds: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3


@pytest.mark.parametrize(
    ("raw", "allowed"),
    [({"how": "foo"}, "free, 2:4"), ({"share": 1.5}, "above 0 and below 1"), ({"share": "half"}, "above 0 and below 1"),
     ({"rounds": 0}, "at least 1 and at most 10")],
)  # fmt: skip
def test_a_value_that_may_not_be_says_which_may(raw, allowed):
    with pytest.raises(InputError) as caught:
        read(raw, Bounded, where="chain 1")
    assert caught.value.allowed == allowed


def test_an_unknown_key_with_none_near_lists_what_is_allowed():
    error = problem({**GOOD, "zzzz": 1})
    assert error.allowed == "either, inner, several, share, table, text"
    assert "did you mean" not in error.next_step


@pytest.mark.parametrize(
    ("raw", "where", "received"),
    [
        ({}, "a.toml", None),
        ({"inner": {}}, "a.toml: inner", "{}"),
        ({"inner": {"size_bytes": "1"}}, "a.toml: inner.size_bytes", "'1'"),
        ({"inner": {"size_bytes": True}}, "a.toml: inner.size_bytes", "True"),
        ({**GOOD, "share": "much"}, "a.toml: share", "'much'"),
        ({**GOOD, "several": [{"size_bytes": 1}, {"size_bytes": 1.5}]}, "a.toml: several[1].size_bytes", "1.5"),
        ({**GOOD, "either": 3}, "a.toml: either", "3"),
    ],
)
def test_a_missing_key_or_a_wrong_type_is_placed(raw, where, received):
    error = problem(raw)
    assert error.where == where
    if received is not None:
        assert error.received == received


def test_a_missing_key_is_named():
    assert "size_bytes" in problem({"inner": {}}).what


def test_what_is_no_table_at_all():
    for raw in ([], "text", 3, None):
        assert problem(raw).where == "a.toml"


def test_the_error_is_of_the_kind_asked_for():
    assert problem({}, error=ProfileError).exit_code == 2


def test_numbers_too_large_and_not_finite_are_refused():
    assert problem({"inner": {"size_bytes": float("nan")}}).where == "a.toml: inner.size_bytes"


def test_json_that_is_none():
    with pytest.raises(InputError, match="not a JSON document"):
        from_json(b"{", Outer)
    with pytest.raises(InputError) as caught:
        from_json(b'{"inner": 3}', Outer, where="plan.json")
    assert caught.value.where == "plan.json: inner"


@given(st.integers(-(2**63), 2**63 - 1), st.lists(st.text()), st.none() | st.text(), st.floats(allow_nan=False))
def test_json_round_trip(size, names, text, share):
    share = 0.0 if abs(share) == float("inf") else share
    inner = Inner(size_bytes=size, names=tuple(names))
    value = Outer(inner=inner, text=text, table={"a": inner}, several=(inner, inner), share=share)
    assert from_json(to_json(value), Outer) == value
    assert read(to_builtins(value), Outer, where="memory") == value
    assert to_json(value).endswith("\n")


def test_a_wrong_type_says_what_the_key_takes():
    with pytest.raises(InputError) as caught:
        read({"budget": {"flash": 512}}, ProjectFile, where="edgekit.toml")
    assert caught.value.where == "edgekit.toml: budget.flash" and caught.value.received == "512"
    assert "512KiB" in caught.value.allowed


def test_where_the_key_is_not_known_nothing_is_said_to_be_received():
    assert problem({**GOOD, "table": {"a": {"size_bytes": "5"}}}).received is None


def test_a_file_name_that_is_no_utf8_is_told_as_far_as_json_can():
    value = Outer(inner=Inner(size_bytes=1, names=("a\udcff.tflite",)), table={"\udcfe": Inner(size_bytes=2)})
    assert from_json(to_json(value), Outer) == Outer(
        inner=Inner(size_bytes=1, names=("a?.tflite",)), table={"?": Inner(size_bytes=2)}
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"pruning": {"sparsity": 0.7}}, 'write { technique = "pruning", settings = { ... } }'),
        ({"pruning": 0.7}, "remove it, or see the documentation"),
        ({"technique": "pruning", "sparsity": 0.7}, "write settings = { sparsity = ... }"),
        ({"technique": "pruning", "settings": {}, "sparsity": 0.7}, "remove it, or see the documentation"),
    ],
)
def test_a_name_that_was_made_a_key_is_answered_with_the_form_to_write(step, expected):
    with pytest.raises(InputError) as caught:
        read({"chain": [{"steps": [step]}]}, ProjectFile, where="edgekit.toml")
    assert caught.value.next_step == expected
