"""What a student must have in common with the model: numbers, shapes, dtypes, ends and order of inputs and outputs."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import ModelError
from edgekit.ingest.same_ports import require_same_ports


def port(name: str, *shape: int | None, dtype: str = "float32") -> TensorFacts:
    return TensorFacts(name=name, shape=shape, dtype=dtype)


ONE_OUTPUT = (port("y", 4),)


def facts(*inputs: TensorFacts, outputs: Any = ONE_OUTPUT, ends: Any = ("softmax",)) -> ModelFacts:
    return ModelFacts(sha256="0", format="keras", inputs=inputs, outputs=outputs, layers=(), output_kinds=ends)


MODEL = facts(port("a", 8, 8, 1), port("b", 8, 8, 1))


@pytest.mark.parametrize(
    "other",
    [
        MODEL,
        facts(port("left", 8, 8, 1), port("right", 8, 8, 1), outputs=(port("classes", 4),)),
        facts(port("a", None, None, 1), port("b", 8, None, 1)),
    ],
)
def test_names_may_differ_and_a_free_size_is_any(other):
    require_same_ports(MODEL, other, where="here")
    require_same_ports(other, MODEL, where="here")


@pytest.mark.parametrize(
    ("other", "what", "received", "allowed"),
    [
        (facts(port("a", 8, 8, 1)), "another number of inputs", "1", "2, as the model has"),
        (
            facts(port("a", 8, 8, 1), port("c", 8, 8)),
            r"input 1 \(c\) is not as the model's b", "(8, 8) of float32", "(8, 8, 1) of float32",
        ),
        (facts(port("a", 8, 8, 1), port("b", None, 8, 3)), "input 1", "(?, 8, 3) of float32", "(8, 8, 1) of float32"),
        (
            facts(port("a", 8, 8, 1, dtype="uint8"), port("b", 8, 8, 1)),
            "input 0", "(8, 8, 1) of uint8", "(8, 8, 1) of float32",
        ),
        (facts(port("b", 8, 8, 1), port("a", 8, 8, 1)), "the inputs are in another order", "b, a", "a, b"),
        (facts(*MODEL.inputs, outputs=(port("y", 5),)), "output 0", "(5) of float32", "(4) of float32"),
        (facts(*MODEL.inputs, ends=("linear",)), "output 0 ends otherwise", "linear", "softmax, as the model's"),
    ],
)  # fmt: skip
def test_what_differs_is_named_with_both(other, what, received, allowed):
    with pytest.raises(ModelError, match=f"the student cannot stand in the model's place: .*{what}") as caught:
        require_same_ports(MODEL, other, where="the student: small.keras")
    problem = caught.value
    assert (problem.where, problem.received, problem.allowed) == ("the student: small.keras", received, allowed)
    assert problem.next_step
