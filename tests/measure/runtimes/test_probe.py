"""The probe's model: each runtime that is here gives the answer that is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.jobs.worker import Done, Worker
from edgekit.machine.probe import ANSWER, BIAS, FILE, INPUT, KERNEL
from edgekit.measure.runtimes.probe import probe
from edgekit.progress import no_progress
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parents[2] / "golden"


def test_the_answer_is_the_arithmetic():
    assert (
        tuple(
            sum(value * row[column] for value, row in zip(INPUT, KERNEL, strict=True)) + BIAS[column]
            for column in (0, 1)
        )
        == ANSWER
    )


def test_the_file_is_one_dense_layer():
    (operator,) = read_tflite(FILE).operators
    assert operator.name == "FULLY_CONNECTED" and operator.macs == 4


@pytest.mark.parametrize("kind", ["litert", pytest.param("tflite_micro", marks=pytest.mark.micro)])
def test_a_runtime_gives_it(kind):
    with Worker("edgekit.measure.runtimes") as worker:
        found = worker.run({"do": "probe", "runtime": kind, "model": str(FILE)}, time_limit_s=60)
    assert isinstance(found, Done) and found.value["problem"] == ""
    assert any(letter.isdigit() for letter in found.value["runtime"])


def test_another_answer_and_a_refusal_are_problems(tmp_path):
    damaged = bytearray(FILE.read_bytes())
    start, length = next(tensor.span for tensor in read_tflite(FILE).tensors if tensor.span and tensor.span[1] == 16)
    damaged[start : start + length] = bytes(length)  # the kernel
    wrong, refused = tmp_path / "wrong.tflite", tmp_path / "refused.tflite"
    wrong.write_bytes(damaged)
    refused.write_bytes(b"\x1c\x00\x00\x00TFL3")
    answer = probe({"runtime": "litert", "model": str(wrong)}, no_progress)
    assert answer["problem"] == "it answers [[0.5, -0.5]] where [[7.5, 9.5]] is right"
    assert probe({"runtime": "litert", "model": str(refused)}, no_progress)["problem"].startswith("it refuses")
