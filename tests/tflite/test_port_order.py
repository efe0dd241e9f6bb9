"""A file's inputs and outputs come in the order that is asked for, and it computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.tflite.port_order import order_ports
from edgekit.tflite.reader import parse_tflite

CONTENT = (Path(__file__).resolve().parent.parent / "golden" / "two_inputs.tflite").read_bytes()


def names(content: bytes) -> tuple[list[str], list[str]]:
    model = parse_tflite(content, where="test")
    return [model.name_of(index) for index in model.inputs], [model.name_of(index) for index in model.outputs]


def answers(content: bytes) -> dict[str, np.ndarray]:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    runner = interpreter.get_signature_runner()
    given = {}
    for seed, (name, entry) in enumerate(sorted(runner.get_input_details().items())):
        given[name] = np.random.default_rng(seed).normal(size=entry["shape"]).astype(entry["dtype"])
    return runner(**given)


def test_the_order_is_the_one_that_is_asked_for():
    inputs, outputs = names(CONTENT)
    assert len(inputs) == 2 and len(outputs) == 2
    for wanted in (inputs, inputs[::-1]):
        for given in (outputs, outputs[::-1]):
            ordered = order_ports(CONTENT, wanted, given)
            assert names(ordered) == (wanted, given) and len(ordered) == len(CONTENT)


def test_the_file_computes_the_same():
    inputs, outputs = names(CONTENT)
    before, after = answers(CONTENT), answers(order_ports(CONTENT, inputs[::-1], outputs[::-1]))
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])


def test_names_that_the_file_does_not_have_change_nothing():
    assert order_ports(CONTENT, ["a", "b"], ["c", "d"]) == CONTENT
