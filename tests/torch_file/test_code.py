"""Which texts of a program are arithmetic of sizes, and which pickles are tensors."""

from __future__ import annotations

import collections
import pickle

import pytest

from edgekit.torch_file.code import LONGEST, in_guard, in_pickle, in_size

SIZES = (
    "s77", "2*s0 + 1", "Symbol('s77', positive=True, integer=True)", "Mul(Integer(2), Symbol('s0'))", "FloorDiv(Add(Symbol('s0'), Integer(-1)), Integer(2))",
    "Float('0.5', precision=53)", "Max(1, s0)", "s0 >= 2",
)  # fmt: skip
NO_SIZES = (
    "sympify('1')", "S('1')", "Symbol('s0').func", "(lambda: 1)()", "[x for x in s0]", "open('f')", "Symbol(__import__('os'))", "Integer('__import__')",
    "__builtins__", "'text'", "s0; s1", "f'{s0}'", "Symbol('a b')", "s0[0]", "", "(" * 5000, "1" * (LONGEST + 1),
)  # fmt: skip
GUARDS = (
    "L['x'].size()[0] >= 2",
    "2 <= L['x'].size()[0] and L['x'].size()[0] <= 10",
    "Eq(L['x'].size()[0], L['y'].size()[1])",
)
NO_GUARDS = ("L['x'].__class__", "L.pop('x')", "torch.os", "size()", "L['x'].size('a')", "L['x'].size.__globals__")


@pytest.mark.parametrize("text", SIZES)
def test_arithmetic_of_sizes_is_taken(text):
    assert in_size(text) == ""


@pytest.mark.parametrize("text", NO_SIZES)
def test_anything_else_in_a_size_is_code(text):
    assert in_size(text) or not text
    assert in_size(text or "s0.x")


@pytest.mark.parametrize("text", GUARDS)
def test_comparisons_of_sizes_are_taken(text):
    assert in_guard(text) == ""


@pytest.mark.parametrize("text", NO_GUARDS)
def test_anything_else_in_a_guard_is_code(text):
    assert in_guard(text)


def test_plain_values_and_containers_are_no_code_in_a_pickle():
    assert in_pickle(pickle.dumps(({"a": [1, 2.5]}, "text"), protocol=2)) == ""
    assert in_pickle(pickle.dumps(collections.OrderedDict(a=1), protocol=2)) == ""


@pytest.mark.parametrize("value", [print, pickle.Unpickler])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_name_in_a_pickle_is_code(value, protocol):
    assert in_pickle(pickle.dumps(value, protocol=protocol))


def test_bytes_that_are_no_pickle_are_said_to_be_that():
    assert "no pickle" in in_pickle(b"\xff\xfe")
