"""Each operator's result has a name of its own afterwards, in all graphs of a file, and nothing else changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.distinct_names import with_distinct_names
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).parent.parent / "golden"


def results(model: TfliteModel) -> list[str]:
    return [model.tensors[operator.outputs[0]].name for operator in model.operators]


@pytest.mark.parametrize("stem", ["float32", "two_inputs", "loop"])
def test_a_file_without_names_gets_some_and_stays_the_same(stem):
    content = dieted((GOLDEN / f"{stem}.tflite").read_bytes(), where=stem).content
    before = parse_tflite(content, where=stem)
    assert "" in results(before)
    after = parse_tflite(with_distinct_names(content, where=stem), where=stem)
    names = results(after)
    assert len(set(names)) == len(names) and all(names)
    kept = [(old, new) for old, new in zip(results(before), names, strict=True) if old]
    assert all(old == new for old, new in kept)
    assert [one.array.tolist() for one in kernels(after)] == [one.array.tolist() for one in kernels(before)]
    assert (after.inputs, after.outputs, after.signatures) == (before.inputs, before.outputs, before.signatures)


def test_a_file_whose_results_all_have_names_of_their_own_is_left_alone():
    content = (GOLDEN / "float32.tflite").read_bytes()
    assert with_distinct_names(content, where="golden") is content
