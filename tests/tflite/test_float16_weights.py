"""float16 written into a float file: the same constants as TensorFlow's converter stores, in a file that LiteRT runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.tflite.float16_weights import with_float16_weights
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLE = np.random.default_rng(3).random((1, 8, 8, 1), np.float32)


def made(stem: str = "float32") -> bytes:
    path = GOLDEN / f"{stem}.tflite"
    return with_float16_weights(path.read_bytes(), where=str(path))


def run(content: bytes, **inputs: np.ndarray) -> Any:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    runner = litert.Interpreter(model_content=content).get_signature_runner()
    return runner(**inputs)


def test_the_constants_are_those_of_the_converter():
    found, wanted = parse_tflite(made(), where="made"), read_tflite(GOLDEN / "float16.tflite")
    assert [one.name for one in found.operators] == [one.name for one in wanted.operators]
    halves = {one.name: one for one in kernels(wanted)}
    for kernel in kernels(found):
        assert kernel.dtype == "float16" and np.array_equal(kernel.array, halves[kernel.name].array)
    stored = [sum(t.dtype == "float16" for t in model.tensors) for model in (found, wanted)]
    assert stored == [8, 8], "four kernels and four biases"
    assert found.weight_bytes == wanted.weight_bytes


def test_it_computes_what_the_converters_file_does():
    ours, theirs = run(made(), image=SAMPLE), run((GOLDEN / "float16.tflite").read_bytes(), image=SAMPLE)
    assert np.array_equal(ours["classes"], theirs["classes"])


def test_a_recurrent_kernel_is_widened_too():
    series = np.random.default_rng(0).random((1, 5, 2), np.float32)
    whole, halved = (
        run(content, series=series)["next"] for content in ((GOLDEN / "lstm.tflite").read_bytes(), made("lstm"))
    )
    assert np.allclose(whole, halved, atol=1e-2) and not np.array_equal(whole, halved)


def test_a_damaged_file_is_refused_by_name():
    content = bytearray((GOLDEN / "float32.tflite").read_bytes())
    with pytest.raises(ModelError) as caught:
        with_float16_weights(bytes(content[:600]), where="net.tflite")
    assert "net.tflite" in str(caught.value)
