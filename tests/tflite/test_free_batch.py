"""A file made for one sample can be resized once its RESHAPE is freed, and answers as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.tflite.free_batch import free_batch
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import weights

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def targets(content: bytes) -> list[list[int]]:
    model = parse_tflite(content, where="test")
    return [weights(model, op.inputs[1]).tolist() for op in model.operators if op.name == "RESHAPE"]


def fixed(content: bytes) -> bytes:
    """The golden file with a target of one sample, as the converter writes it for a batch of one."""
    model = parse_tflite(content, where="test")
    patched = bytearray(content)
    for operator in model.operators:
        if operator.name == "RESHAPE":
            start, _ = model.tensors[operator.inputs[1]].span
            patched[start : start + 4] = (1).to_bytes(4, "little")
    return bytes(patched)


def answers(content: bytes, batch: int) -> np.ndarray:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    entry = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(entry["index"], (batch, *entry["shape"][1:]))
    interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    interpreter.set_tensor(entry["index"], rng.integers(-128, 127, (batch, *entry["shape"][1:]), dtype=np.int8))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_a_reshape_to_one_sample_is_freed():
    content = fixed((GOLDEN / "int8.tflite").read_bytes())
    assert [target[0] for target in targets(content)] == [1]
    freed = free_batch(content)
    assert [target[0] for target in targets(freed)] == [-1]
    assert len(freed) == len(content)
    assert [target[1:] for target in targets(freed)] == [target[1:] for target in targets(content)]


def test_only_the_freed_file_runs_in_batches_and_it_answers_the_same_for_one():
    content = fixed((GOLDEN / "int8.tflite").read_bytes())
    freed = free_batch(content)
    np.testing.assert_array_equal(answers(freed, 1), answers(content, 1))
    assert len(answers(freed, 4)) == 4
    with pytest.raises(RuntimeError):
        answers(content, 4)


def test_a_file_without_such_a_reshape_stays_as_it_is():
    content = (GOLDEN / "two_inputs.tflite").read_bytes()
    assert free_batch(content) == content
    freed = free_batch(fixed((GOLDEN / "int8.tflite").read_bytes()))
    assert free_batch(freed) == freed
