"""The names of a model's inputs and outputs in a file's signature."""

from __future__ import annotations

import pytest

from edgekit.documents.facts import TensorFacts, port_names


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["image", "_size"], ["image", "x_size"]),
        (["a b", "a_b"], ["a_b", "a_b_1"]),
        (["a_b_2", "a b", "a_b"], ["a_b_2", "a_b", "a_b_3"]),
        (["a_b_2", "a b", "a_b", "a-b"], ["a_b_2", "a_b", "a_b_3", "a_b_4"]),
    ],
)
def test_no_name_is_given_twice_whatever_the_model_calls_its_own(given, names):
    found = port_names([TensorFacts(name=name, shape=(1,), dtype="float32") for name in given])
    assert found == names
