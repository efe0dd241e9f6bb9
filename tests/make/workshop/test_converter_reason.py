"""A converter's exception without words gets those of its compiler, which are in what native code wrote to standard error."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.jobs.worker import Failed, Worker
from edgekit.make.workshop.converter_reason import STANDARD_ERROR, StandardError, first_reason

LOG = b"E0000 00:00:1.5 7 some.cc:52] no device: error: 303\n"
ERROR = b"loc(\"net/both/concat\"): error: 'tfl.concatenation' op has two scales\n"
TOLD = "the compiler says of net/both/concat: 'tfl.concatenation' op has two scales"


@contextlib.contextmanager
def log() -> Iterator[Callable[[], bytes]]:
    """Within the block standard error is a pipe, as a job has it; what was written to it can be read behind the inner block."""
    kept, (read, write) = os.dup(STANDARD_ERROR), os.pipe()
    os.dup2(write, STANDARD_ERROR)
    os.close(write)
    os.write(STANDARD_ERROR, ERROR.replace(b"two", b"three"))
    try:
        yield lambda: os.read(read, 1 << 16)
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)
        os.close(read)


@pytest.mark.parametrize("problem", [RuntimeError(), RuntimeError(" \n"), RuntimeError("RuntimeError"), ValueError("")])
def test_without_words_it_is_what_the_compiler_wrote(problem: Exception) -> None:
    with log() as logged:
        with StandardError() as errors:
            os.write(STANDARD_ERROR, LOG + ERROR + b'loc("net/both/concat"): note: see current operation\n')
        assert first_reason(problem, errors.text) == TOLD
        assert logged().count(ERROR) == 1, "the log keeps it"


def test_an_exception_with_words_is_told_by_them() -> None:
    problem = RuntimeError("Exception encountered\nloc(unknown): error: of its own")
    with log(), StandardError() as errors:
        os.write(STANDARD_ERROR, ERROR)
    assert first_reason(problem, errors.text) == "loc(unknown): error: of its own"


def test_what_was_written_before_and_what_is_logged_are_no_reason() -> None:
    with log(), StandardError() as errors:
        os.write(STANDARD_ERROR, LOG)
    assert first_reason(RuntimeError(), errors.text) == "RuntimeError"


def test_more_than_a_pipe_holds_is_written_without_waiting_and_the_error_found() -> None:
    with StandardError() as errors:
        os.write(STANDARD_ERROR, ERROR)
        for _ in range(4):
            os.write(STANDARD_ERROR, b"x" * 100_000)
    assert len(errors.text) == 400_000 + len(ERROR) and first_reason(RuntimeError(), errors.text) == TOLD


def test_without_a_tee_nothing_is_read_and_the_log_still_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with log() as logged:
        with StandardError() as errors:
            os.write(STANDARD_ERROR, ERROR)
        assert errors.text == "" and ERROR in logged()


@pytest.mark.parametrize(("job", "last"), [("convert", TOLD), ("crash", "the last words")])
def test_a_job_tells_it_and_its_log_has_it_even_if_it_crashes(
    monkeypatch: pytest.MonkeyPatch, job: str, last: str
) -> None:
    """In a real worker, whose standard error is whatever workers have."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "children")
    with Worker("silent_child") as worker:
        found = worker.run({"do": job})
    assert isinstance(found, Failed) and last in (found.reason if job == "convert" else found.detail)


@pytest.mark.tf
def test_tensorflows_quantizer_raises_an_exception_without_words(tools: Any) -> None:
    """It refuses a value that is concatenated with a scale of its own, and says so in the log alone."""
    tf = tools.tf

    def ranged(x: Any, end: float) -> Any:
        return tf.quantization.fake_quant_with_min_max_vars(x, -end, end)

    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])  # type: ignore[untyped-decorator]
    def serve(x: Any) -> Any:
        return ranged(tf.concat([ranged(ranged(x + x, 1.0), 0.9), ranged(x * x, 0.9)], 1, name="both"), 0.9)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([[np.ones((1, 4), np.float32)]])
    errors = StandardError()
    with log(), pytest.raises(RuntimeError, match=r"^$"), errors:
        converter.convert()
    told = first_reason(RuntimeError(), errors.text)
    assert told.startswith("the compiler says of both: 'tfl.concatenation' op quantization parameters violate")
